"""The whole audit: sampler, repeated white-box releases, canaries (R16)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from recommender.audit.canaries import CanaryResult, audit_canaries
from recommender.audit.release_path import ReleasePath
from recommender.audit.sampler import SamplerResult, audit_sampler
from recommender.audit.white_box import WhiteBoxResult, audit_white_box
from recommender.release.accounting import Claim, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.release.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look.

    Attributes:
        releases: White-box releases of each side of the pair.
        draws: Numbers for each of the sampler's tests.
        canaries: 0 for as many as the claim needs.
    """

    releases: int = 100_000
    draws: int = 200_000
    canaries: int = 0


FULL = Effort()
QUICK = Effort(releases=2_000, draws=20_000)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes:
        claim: What the release promises.
        white_box: The repeated audit.
        canaries: The one-run attack.
        samplers: The sampler's tests.
    """

    claim: Claim
    white_box: WhiteBoxResult
    canaries: CanaryResult
    samplers: tuple[SamplerResult, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """Every way in which the claim was found broken."""
        found = self.white_box.faults + self.canaries.faults
        return found + tuple(fault for sampler in self.samplers for fault in sampler.faults)

    @property
    def epsilon_low(self) -> float:
        """The largest lower bound on epsilon that any attack proved."""
        box = self.white_box
        return max(box.epsilon_low, box.epsilon_counted, self.canaries.epsilon_low)

    def to_records(self) -> list[dict[str, Any]]:
        """One record for each part, and one for the whole."""
        whole = {
            "part": "audit",
            "epsilon_low": self.epsilon_low,
            "epsilon_claimed": self.claim.epsilon,
            "delta": float(self.claim.delta),
            "rho": [self.claim.rho.numerator, self.claim.rho.denominator],
            "faults": list(self.faults),
            "claim": self.claim.sentence,
        }
        return [
            whole,
            {"part": "white-box", **asdict(self.white_box)},
            {"part": "canaries", **asdict(self.canaries)},
            *({"part": "sampler", **asdict(sampler)} for sampler in self.samplers),
        ]


def audit(
    manifest: Manifest,
    path: ReleasePath | None = None,
    effort: Effort = FULL,
    tick: Callable[[int], None] = lambda _: None,
) -> AuditReport:
    """Attack a release under a manifest, on invented learners and with noise of its own.

    Args:
        manifest: The manifest whose claim is audited.
        path: The code under audit; production's if None.
        effort: How hard to look.
        tick: Told how many white-box releases were made since the last call.

    Raises:
        ReleaseError: The claim is too weak to be refuted by canaries.
    """
    chosen = ReleasePath() if path is None else path
    canaries = audit_canaries(manifest, chosen, effort.canaries)  # first: it may refuse the claim
    return AuditReport(
        claim=claim(manifest),
        white_box=audit_white_box(manifest, chosen, effort.releases, tick),
        canaries=canaries,
        samplers=tuple(audit_sampler(manifest, chosen.noise, effort.draws)),
    )
