"""`/v1/confirmations`: what rose, what waits for a designer, and deciding about it (R35)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import AwareDatetime, Field

from api.promotion_report import read_report
from api.routes.auth import Designer, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.schemas import Answer, OpaqueId
from api.routes.schemas import Body as StrictBody

MOST_ITEMS = 1_000
router = APIRouter(prefix="/v1", tags=["paths"])


class DecisionsBody(StrictBody):
    """What a designer decides."""

    courses: dict[OpaqueId, bool] = Field(default={}, max_length=MOST_ITEMS)
    """Courses, or `*` for all, and whether new and risen items wait there from now on."""
    agree: list[OpaqueId] = Field(default=[], max_length=MOST_ITEMS)
    """Items that may be in paths."""
    undo: list[OpaqueId] = Field(default=[], max_length=MOST_ITEMS)
    """Items whose agreement is taken back."""


class CarrierInfo(Answer):
    """A member, and the share of the item's reach that is gone without it."""

    member: str
    share: float
    anchor: bool


class RisenInfo(Answer):
    """An item that rose through its carriers; reach is a share of typical histories.

    `reach_without` is what it would be without them; `round` is when it was told.
    """

    item: str
    round: int
    reach: float
    reach_without: float
    concentration: float
    carriers: list[CarrierInfo]


class HeldInfo(Answer):
    """An item that waits, and why: `rose`, `new` or `undone`."""

    item: str
    why: str


class CourseInfo(Answer):
    """A course that holds back, since when and by whom."""

    course: str
    who: str
    since: AwareDatetime


class ConfirmationsAnswer(Answer):
    """What rose with the last merged model, and what waits."""

    round: int | None
    note: str
    risen: list[RisenInfo]
    courses: list[CourseInfo]
    held: list[HeldInfo]


REQUEST_EXAMPLE: dict[str, Any] = {"courses": {"biology-1": True}, "agree": ["cells"], "undo": []}
ANSWER_EXAMPLE: dict[str, Any] = {
    "round": 3,
    "note": "",
    "risen": [
        {
            "item": "cells",
            "round": 3,
            "reach": 0.41,
            "reach_without": 0.03,
            "concentration": 0.52,
            "carriers": [{"member": "Cedar", "share": 0.96, "anchor": False}],
        }
    ],
    "courses": [{"course": "biology-1", "who": "key:k3x9", "since": "2026-11-24T10:31:07Z"}],
    "held": [{"item": "genes", "why": "new"}],
}
_ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": ANSWER_EXAMPLE}}}
}


@router.get(
    "/confirmations",
    response_model=ConfirmationsAnswer,
    summary="What rose, and what waits for a designer",
    responses={**_ANSWERED, **problem_responses(401, 403, 429, 503)},
)
def confirmations(caller: Designer, services: ServicesOf) -> ConfirmationsAnswer:
    """Give what rose with the last merged model, through whom, and which items no path shows."""
    del caller
    report = read_report(services.home)
    return ConfirmationsAnswer(
        round=report.round if report is not None else None,
        note=report.note if report is not None else "",
        risen=[
            RisenInfo(
                item=one.item,
                round=one.round,
                reach=one.reach,
                reach_without=one.reach_without,
                concentration=one.concentration,
                carriers=[
                    CarrierInfo(member=by.name, share=by.share, anchor=by.anchor)
                    for by in one.carriers
                ],
            )
            for one in (report.risen if report is not None else ())
        ],
        courses=[
            CourseInfo(course=name, who=row.who, since=datetime.fromtimestamp(row.at, UTC))
            for name, row in services.store.holding_courses().items()
        ],
        held=[
            HeldInfo(item=item, why=row.action) for item, row in services.store.held_items().items()
        ],
    )


@router.put(
    "/confirmations",
    response_model=ConfirmationsAnswer,
    summary="Agree to items, undo it, let courses hold back",
    responses={**_ANSWERED, **problem_responses(400, 401, 403, 413, 422, 429, 503)},
)
def decide(
    body: Annotated[DecisionsBody, Body(examples=[REQUEST_EXAMPLE])],
    caller: Designer,
    services: ServicesOf,
) -> ConfirmationsAnswer:
    """Decide, and give what holds then; saying the same again changes nothing.

    Who decided and when is kept. Courses come first, then agreements, then what is undone; an
    unknown course or item is refused with 422, and then nothing is changed.
    """
    services.store.decide_all(
        courses=body.courses, agree=body.agree, undo=body.undo, who=f"key:{caller.id}"
    )
    return confirmations(caller, services)
