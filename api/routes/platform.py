"""`GET /v1/platform`: model, rounds, budget. No figure about learners (R14)."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

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

router = APIRouter(prefix="/v1", tags=["platform"])


@router.get(
    "/platform",
    response_model=PlatformAnswer,
    summary="This platform: model, rounds, budget",
    responses=problem_responses(401, 429, 503),
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
