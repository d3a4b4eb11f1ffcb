"""`POST /v1/paths`: what a learner should do next, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Body
from fastapi.responses import Response

from api.paths import PathAsk
from api.routes.auth import PathReader, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.schemas import PathAnswer, PathRequestBody
from recommender.paths.request import HistoryEntry

if TYPE_CHECKING:
    from api.paths import PathResult
    from recommender.paths.request import Prerequisite, Step

router = APIRouter(prefix="/v1", tags=["paths"])

REQUEST_EXAMPLES: dict[str, Any] = {
    "time": {
        "summary": "A learner with an hour and a half",
        "value": {"learner": "s1024", "limit": 3, "minutes": 90},
    },
    "course": {
        "summary": "Inside one course, towards a skill",
        "value": {
            "learner": "s1024",
            "course": "course-v1:Uni+Bio1+2026",
            "goal": {"skills": ["cell-division"]},
        },
    },
    "history": {
        "summary": "Without anything stored",
        "value": {
            "learner": "visitor",
            "history": [
                {
                    "item": "block-v1:Uni+Bio1+2026+type@html+block@cells",
                    "timestamp": "2026-11-20T09:00:00Z",
                    "score": 0.8,
                }
            ],
        },
    },
}
ANSWER_EXAMPLE: dict[str, Any] = {
    "recommendation_id": "5b1d7c1f0d0a4c0c9e9e4f6f5b8f7f55",
    "model": {
        "digest": "3fa94c1b77f0a3f1b0c5a0e5d6c7b8a93fa94c1b77f0a3f1b0c5a0e5d6c7b8a9",
        "round": 1,
        "trained_at": "2026-11-24T10:31:07Z",
    },
    "generated_at": "2026-11-24T12:00:00Z",
    "fallback": False,
    "complete": False,
    "warnings": [],
    "steps": [
        {
            "rank": 1,
            "item": "https://alder.example/courses/181",
            "title": "Education, course 1",
            "url": "https://alder.example/courses/181",
            "score": 4.71,
            "minutes": 1080.0,
            "skills": [],
            "prerequisites": [],
            "pinned": False,
            "reasons": [
                {
                    "code": "merged_followed",
                    "params": {
                        "did": "took",
                        "because": "https://alder.example/courses/12",
                        "because_title": "Humanities, course 12",
                        "title": "Education, course 1",
                    },
                    "text": "Across the swarm, learners who took “Humanities, course 12” went on "
                    "to “Education, course 1”.",
                }
            ],
        }
    ],
}


@router.post(
    "/paths",
    response_model=PathAnswer,
    summary="A learner's path",
    responses={
        200: {
            "description": "The path; empty with `complete` true where nothing is left.",
            "content": {"application/json": {"example": ANSWER_EXAMPLE}},
        },
        **problem_responses(400, 401, 403, 404, 413, 422, 429, 503),
    },
)
def make_path(
    body: Annotated[PathRequestBody, Body(openapi_examples=REQUEST_EXAMPLES)],
    caller: PathReader,
    services: ServicesOf,
) -> Response:
    """Answer the steps that a learner should take next, each with its reasons.

    An unknown learner gets a general path with `fallback` true. With `history` the answer rests
    on what is given instead of on stored events, and on merged knowledge only unless the key has
    scope `design`; the history is not stored. `excluded` is given with scope `design`.
    """
    trusted = "design" in caller.scopes
    result = services.paths.answer(_ask(body, trusted=trusted))
    return Response(orjson.dumps(_answer(result, trusted=trusted)), media_type="application/json")


def _ask(body: PathRequestBody, *, trusted: bool) -> PathAsk:
    history = None
    if body.history is not None:
        entries = (HistoryEntry(one.item, one.timestamp.timestamp()) for one in body.history)
        history = tuple(sorted(entries, key=lambda one: one.timestamp or 0.0))
    return PathAsk(
        learner=body.learner,
        limit=body.limit,
        minutes=body.minutes,
        course=body.course,
        goal_items=frozenset(body.goal.items if body.goal else ()),
        goal_skills=frozenset(body.goal.skills if body.goal else ()),
        language=body.language,
        exclude=frozenset(body.exclude),
        history=history,
        trusted=trusted,
    )


def _answer(result: PathResult, *, trusted: bool) -> dict[str, Any]:
    path = result.path
    answer: dict[str, Any] = {
        "recommendation_id": result.id,
        "model": {
            "digest": result.served.digest,
            "round": result.served.round,
            "trained_at": _iso(result.served.trained_at),
        },
        "generated_at": _iso(datetime.fromtimestamp(result.at, UTC)),
        "fallback": path.fallback,
        "complete": path.complete,
        "warnings": list(path.warnings),
        "steps": [_step(result, step) for step in path.steps],
    }
    if trusted:
        answer["excluded"] = [{"item": one.item, "reason": one.text} for one in path.excluded]
    return answer


def _step(result: PathResult, step: Step) -> dict[str, Any]:
    row = result.catalogue.items[result.catalogue.index[step.item]]
    return {
        "rank": step.rank,
        "item": step.item,
        "title": row.title or step.item,
        "url": row.url or None,
        "score": float(step.score),
        "minutes": step.minutes,
        "skills": list(row.skills),
        "prerequisites": [_prerequisite(one) for one in step.prerequisites],
        "pinned": step.pinned,
        "reasons": [
            {"code": reason.code, "params": dict(reason.params), "text": reason.text}
            for reason in step.reasons
        ],
    }


def _prerequisite(one: Prerequisite) -> dict[str, Any]:
    return {"item" if one.is_item else "skill": one.id, "met": one.met}


def _iso(moment: datetime | None) -> str | None:
    """ISO 8601, UTC, to the second."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
