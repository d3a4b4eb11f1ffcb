"""`GET /v1/platform`: model, rounds, budget. No figure about learners (R14)."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from api.errors import UnavailableError
from api.pages.swarm_view import BYZANTINE_MINIMUM, TRUSTING
from api.routes.auth import CallerOf, ServicesOf  # noqa: TC001  # FastAPI reads the annotations
from api.routes.documents import problem_responses
from api.routes.schemas import (
    BudgetInfo,
    MemberInfo,
    ModelInfo,
    OutInfo,
    PlatformAnswer,
    RoundInfo,
    SwarmInfo,
)
from api.swarm_status import utc_now

if TYPE_CHECKING:
    from fractions import Fraction

    from api.serving import Served
    from api.swarm_status import StatusRound, SwarmStatus
    from recommender.release.accounting import Claim

ANSWER_EXAMPLE: dict[str, Any] = {
    "platform": "Birch",
    "version": "0.1.0",
    "recommend": "courses",
    "model": {
        "digest": "9e1b0c5a0e5d6c7b8a93fa94c1b77f0a3f1b0c5a0e5d6c7b8a93fa94c1b77f0a",
        "round": 1,
        "trained_at": "2026-11-24T10:31:07Z",
    },
    "fallback": False,
    "swarm": {
        "id": "c0ffee5a0e5d6c7b8a93fa94c1b77f0a3f1b0c5a0e5d6c7b8a93fa94c1b77f0a",
        "state": "idle",
        "height": 5,
        "quorum": 3,
        "tolerates": 1,
        "agreement": "A quorum of 3 of 4 signs every decision; 1 may lie or fail.",
        "members": [
            {
                "id": "12D3KooWBhSDJfZmdmkhiqTTcLXGwCLEHVkLmjLbB4xVNJJsbkWF",
                "name": "Birch",
                "anchor": False,
                "contributes": True,
                "connected": True,
            }
        ],
        "updated_at": "2026-11-24T11:59:58Z",
        "warnings": [],
    },
    "rounds": [
        {
            "round": 1,
            "attempt": 1,
            "outcome": "merged",
            "in": ["Alder", "Birch", "Dogwood"],
            "out": [{"member": "Cedar", "reason": "no contribution before the deadline"}],
            "digest": "3fa94c1b77f0a3f1b0c5a0e5d6c7b8a93fa94c1b77f0a3f1b0c5a0e5d6c7b8a9",
            "epsilon": 3.9967,
            "decided_at": "2026-11-24T10:31:02Z",
        }
    ],
    "budget": {
        "epsilon": 3.9967,
        "delta": 1e-06,
        "rho": "2097152/6744409",
        "per": "learner and lifetime",
        "claim": "Unit: one learner's pseudonym on one platform, with all recorded events. …",
    },
    "warnings": [],
}
router = APIRouter(prefix="/v1", tags=["platform"])


@router.get(
    "/platform",
    response_model=PlatformAnswer,
    summary="This platform: model, rounds, budget",
    responses={
        200: {"content": {"application/json": {"example": ANSWER_EXAMPLE}}},
        **problem_responses(401, 429, 503),
    },
)
def platform(caller: CallerOf, services: ServicesOf) -> PlatformAnswer:
    """Say which model answers, what the swarm did, and what it costs a learner at most.

    Any live key may ask.
    """
    del caller
    served = services.serving.current()
    status, claim = services.swarm.status(), services.swarm.claim()
    if status.problem and status.value is None:
        raise UnavailableError(f"{status.problem}.")
    said = status.value
    delta = claim.value.delta if claim.value is not None else None
    return PlatformAnswer(
        platform=services.settings.platform,
        version=version("murmuration"),
        recommend=services.settings.recommend,
        model=model_info(served),
        fallback=served.model is None,
        swarm=_swarm(said) if said is not None else None,
        rounds=[_round(one, delta) for one in said.rounds] if said is not None else [],
        budget=_budget(claim.value) if claim.value is not None else None,
        warnings=[text for text in (served.problem, claim.problem) if text],
    )


def model_info(served: Served) -> ModelInfo:
    """Which model answers."""
    return ModelInfo(digest=served.digest, round=served.round, trained_at=served.trained_at)


def _swarm(said: SwarmStatus) -> SwarmInfo:
    tolerant = len(said.members) >= BYZANTINE_MINIMUM
    agreement = (
        f"A quorum of {said.quorum} of {len(said.members)} signs every decision; "
        f"{said.tolerates} may lie or fail."
    )
    warnings = list(said.warnings)
    if said.is_stale(utc_now()):
        warnings.append("The peer has been silent; this may be old.")
    return SwarmInfo(
        id=said.swarm,
        state=said.state,
        height=said.height,
        quorum=said.quorum,
        tolerates=said.tolerates,
        agreement=agreement if tolerant else TRUSTING,
        members=[
            MemberInfo(
                id=one.id,
                name=one.name,
                anchor=one.anchor,
                contributes=one.contributes,
                connected=one.connected or one.id == said.member,
            )
            for one in said.members
        ],
        updated_at=said.updated_at,
        warnings=warnings,
    )


def _round(one: StatusRound, delta: Fraction | None) -> RoundInfo:
    return RoundInfo(
        round=one.round,
        attempt=one.attempt,
        outcome=one.outcome,
        **{"in": list(one.inside)},
        out=[OutInfo(member=out.member, reason=out.reason) for out in one.out],
        digest=one.digest,
        epsilon=one.epsilon(delta) if delta is not None else None,
        decided_at=one.decided_at,
    )


def _budget(claim: Claim) -> BudgetInfo:
    return BudgetInfo(
        epsilon=claim.epsilon,
        delta=float(claim.delta),
        rho=f"{claim.rho.numerator}/{claim.rho.denominator}",
        per="learner and lifetime",
        claim=claim.sentence,
    )
