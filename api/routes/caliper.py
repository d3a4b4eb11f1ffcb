"""`POST /v1/caliper`: a Caliper sensor's endpoint."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.routes.auth import EventWriter, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.event_schemas import CaliperBody, EventsAnswer
from platform_adapters.registry import adapter_named

router = APIRouter(prefix="/v1", tags=["events"])

REQUEST_EXAMPLE: dict[str, Any] = {
    "sensor": "https://lms.example.edu/sensor",
    "sendTime": "2026-11-24T12:00:05.000Z",
    "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
    "data": [
        {
            "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
            "id": "urn:uuid:7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a01",
            "type": "ViewEvent",
            "actor": {"id": "https://lms.example.edu/users/4711", "type": "Person"},
            "action": "Viewed",
            "object": {"id": "https://lms.example.edu/pages/5", "type": "WebPage"},
            "group": {"id": "https://lms.example.edu/courses/7", "type": "CourseOffering"},
            "eventTime": "2026-11-24T12:00:00.000Z",
        },
        {"type": "SessionEvent", "action": "LoggedIn", "eventTime": "2026-11-24T11:59:00.000Z"},
    ],
}
ANSWER_EXAMPLE: dict[str, Any] = {
    "accepted": 1,
    "duplicate": 0,
    "ignored": 1,
    "rejected": 0,
    "results": [
        {"index": 0, "outcome": "accepted", "reason": None},
        {"index": 1, "outcome": "ignored", "reason": "a session begins or ends"},
    ],
}


@router.post(
    "/caliper",
    response_model=EventsAnswer,
    summary="Events of a Caliper sensor",
    responses={
        200: {"content": {"application/json": {"example": ANSWER_EXAMPLE}}},
        **problem_responses(400, 401, 403, 413, 422, 429, 503),
    },
)
def take_envelope(
    body: Annotated[CaliperBody, Body(openapi_examples={"envelope": {"value": REQUEST_EXAMPLE}})],
    caller: EventWriter,
    services: ServicesOf,
) -> EventsAnswer:
    """Store the events of one Caliper 1.1 or 1.2 envelope, and say what became of each.

    Sending an envelope again changes nothing. The next path shows the effect.
    """
    del caller
    return EventsAnswer.of(services.receiver.take(adapter_named("caliper"), body.data))
