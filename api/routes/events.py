"""`POST /v1/events`: what a plugin of a learning platform sends, in the platform's own ids."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import JsonValue  # noqa: TC002  # FastAPI reads the annotations

from api.receiving import Receipt
from api.routes.auth import EventWriter, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.event_schemas import EventsAnswer, EventsBody
from platform_adapters.contract import COLUMNS
from platform_adapters.registry import adapter_named

router = APIRouter(prefix="/v1", tags=["events"])

ROW_EXAMPLE: dict[str, Any] = {
    "event_id": "attempt-88412",
    "learner": "4711",
    "item": "quiz-5",
    "timestamp": "2026-11-24T12:00:00Z",
    "verb": "answered",
    "raw": 4,
    "max": 5,
    "course": "course-7",
}
REQUEST_EXAMPLE: dict[str, Any] = {
    "events": [
        ROW_EXAMPLE,
        {
            "id": "7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a01",
            "actor": {"account": {"homePage": "https://lms.example.edu", "name": "4711"}},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
            "object": {"id": "https://lms.example.edu/mod/page/view.php?id=5"},
            "timestamp": "2026-11-24T12:01:00Z",
        },
        {"learner": "4711", "item": "quiz-6", "verb": "answered", "score": 1.2},
    ]
}
ANSWER_EXAMPLE: dict[str, Any] = {
    "accepted": 2,
    "duplicate": 0,
    "ignored": 0,
    "rejected": 1,
    "results": [
        {"index": 0, "outcome": "accepted", "reason": None},
        {"index": 1, "outcome": "accepted", "reason": None},
        {"index": 2, "outcome": "rejected", "reason": "score is outside 0..1"},
    ],
}
_KNOWN = frozenset(COLUMNS)
_UNKNOWN = Receipt("rejected", "a member that is no column of the interaction table")


@router.post(
    "/events",
    response_model=EventsAnswer,
    summary="Events of a platform's plugin",
    responses={
        200: {"content": {"application/json": {"example": ANSWER_EXAMPLE}}},
        **problem_responses(400, 401, 403, 413, 422, 429, 503),
    },
)
def take_events(
    body: Annotated[EventsBody, Body(openapi_examples={"events": {"value": REQUEST_EXAMPLE}})],
    caller: EventWriter,
    services: ServicesOf,
) -> EventsAnswer:
    """Store up to 1,000 events, each by itself, and say what became of each.

    An event is a row of the interaction table or an xAPI statement. Sending it again, under the
    same `event_id` or with the same content, changes nothing. The next path shows the effect.
    """
    del caller
    receipts: dict[int, Receipt] = {}
    kinds: dict[str, list[int]] = {"table": [], "xapi": []}
    for place, event in enumerate(body.events):
        if _is_statement(event):
            kinds["xapi"].append(place)
        elif isinstance(event, dict) and not event.keys() <= _KNOWN:
            receipts[place] = _UNKNOWN
        else:
            kinds["table"].append(place)
    for kind, places in kinds.items():
        events = [body.events[place] for place in places]
        found = services.receiver.take(adapter_named(kind), events)
        receipts.update(zip(places, found, strict=True))
    return EventsAnswer.of([receipts[place] for place in range(len(body.events))])


def _is_statement(event: JsonValue) -> bool:
    return isinstance(event, dict) and "actor" in event and "object" in event
