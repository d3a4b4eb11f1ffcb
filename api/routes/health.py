"""`/healthz` and `/readyz`: for supervisors and proxies, without a key and without figures."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes.auth import ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.schemas import HealthAnswer, ReadyAnswer

router = APIRouter(tags=["platform"])


@router.get("/healthz", response_model=HealthAnswer, summary="Is the process alive")
async def healthz() -> HealthAnswer:
    """Say that the process answers at all."""
    return HealthAnswer(status="ok")


@router.get(
    "/readyz",
    response_model=ReadyAnswer,
    summary="Can learners be served",
    responses=problem_responses(503),
)
def readyz(services: ServicesOf) -> ReadyAnswer:
    """Say whether learners can be served, and what is missing for personal paths.

    Without a model or a catalogue the answer is still 200: paths fall back to the catalogue's own
    order, and a process that answers must not be taken out of service for it. A store that
    cannot be read is 503.
    """
    items = len(services.paths.catalogue())
    served = services.serving.current()
    missing = []
    if not items:
        missing.append("The catalogue is empty: run `murmuration catalogue import`.")
    if served.model is None:
        missing.append(
            "There is no serving model, so paths follow the catalogue's own order: "
            "run `murmuration train`, or wait for the swarm's first merge."
        )
    elif served.problem:
        missing.append("A newer model is damaged and the one before it is in use: run `fit`.")
    return ReadyAnswer(
        status="degraded" if missing else "ready", fallback=served.model is None, missing=missing
    )
