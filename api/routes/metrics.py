"""`/metrics`: the peer's figures for Prometheus, with a key that has the scope `operate` (R21)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from api.metrics import CONTENT_TYPE, render
from api.promotion_report import agreed_rises
from api.routes.auth import Operator, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.swarm_health import examine, is_running

router = APIRouter(tags=["platform"])


@router.get(
    "/metrics",
    summary="The peer's figures, for Prometheus",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"example": "murmuration_peer_up 1\n"}}},
        **problem_responses(401, 403, 429, 503),
    },
)
def metrics(caller: Operator, services: ServicesOf) -> PlainTextResponse:
    """Give what the peer says about itself; nothing is about learners.

    Scrape it with `authorization: {credentials_file: …}`; `murmuration_problems` has the names
    that `murmuration swarm status` explains.
    """
    del caller
    status = services.home.read_status()
    if status is None:
        return PlainTextResponse(render(None, running=False, findings=()), media_type=CONTENT_TYPE)
    agreed = agreed_rises(services.home, services.store)
    findings = examine(services.home, status, agreed=agreed)
    text = render(status, running=is_running(status), findings=findings)
    return PlainTextResponse(text, media_type=CONTENT_TYPE)
