"""Bodies and answers of the routes that take events; see `api.routes.schemas`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from api.routes.schemas import MAX_EVENTS, MAX_ID_BYTES, Answer, Body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.receiving import Receipt

CALIPER_VERSIONS = re.compile(r"https?://purl\.imsglobal\.org/ctx/caliper/v1p[12]")


class CaliperBody(BaseModel):
    """A sensor's envelope; what an event holds is checked event by event."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sensor: str = Field(min_length=1, max_length=MAX_ID_BYTES, description="IRI of the sensor.")
    dataVersion: str = Field(description="JSON-LD context of Caliper 1.1 or 1.2.")  # noqa: N815 - Caliper's own name
    data: list[JsonValue] = Field(min_length=1, max_length=MAX_EVENTS)

    @field_validator("dataVersion")
    @classmethod
    def _known(cls, value: str) -> str:
        if not CALIPER_VERSIONS.fullmatch(value):
            raise ValueError("expected http://purl.imsglobal.org/ctx/caliper/v1p1 or v1p2")
        return value


class EventsBody(Body):
    """What a plugin sends; what an event holds is checked event by event."""

    events: list[JsonValue] = Field(
        min_length=1,
        max_length=MAX_EVENTS,
        description="Rows of the interaction table or xAPI statements.",
    )


class EventResult(Answer):
    """What became of one event."""

    index: int = Field(description="Place in what was sent, from 0.")
    outcome: Literal["accepted", "duplicate", "ignored", "rejected"]
    reason: str | None = Field(None, description="Why it was ignored or rejected.")


class EventsAnswer(Answer):
    """What became of every event, in the order in which they were sent."""

    accepted: int
    duplicate: int
    ignored: int
    rejected: int
    results: list[EventResult]

    @classmethod
    def of(cls, receipts: Sequence[Receipt]) -> EventsAnswer:
        """The answer for events with these fates."""
        outcomes = [receipt.outcome for receipt in receipts]
        return cls(
            accepted=outcomes.count("accepted"),
            duplicate=outcomes.count("duplicate"),
            ignored=outcomes.count("ignored"),
            rejected=outcomes.count("rejected"),
            results=[
                EventResult(index=index, outcome=receipt.outcome, reason=receipt.reason or None)
                for index, receipt in enumerate(receipts)
            ],
        )


class XapiAbout(Answer):
    """What the xAPI endpoint speaks."""

    version: list[str]


class XapiStatements(Answer):
    """A record store's answer to a query; ours holds no statement."""

    statements: list[JsonValue] = Field(default=[], max_length=0)
    more: str = ""
