"""A round on paper: the swarm's release and merge, with seeded noise, for measurements only.

`evaluate` and `compare` measure what a round would give. The sums, the manifest and the cap are
those of a real round; the noise is the fast sampler's, which protects nobody (R11): nothing made
here may leave. Every learner is treated as due (R2), and a learner enters once.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError
from recommender.release.accounting import sigma_squared_for
from recommender.release.manifest import MAX_ITEMS, Manifest, default_manifest
from recommender.release.noise import FastNoise
from recommender.release.sum import sum_vectors
from recommender.statistics.cap import sum_and_rest
from recommender.statistics.member_view import MemberView
from recommender.statistics.merged import MergedSums
from recommender.statistics.sequences import build_sequences
from recommender.statistics.shares import MemberSums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.interactions import Interactions

DELTA = Fraction(1, 1_000_000)
SAMPLER = "fast"
_PLATFORM_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a figure's release promises.

    Attributes:
        epsilon: Of one release, for one learner; infinite without noise.
        delta: In (0, 1).
        sigma_squared: Variance of the whole noise in squared grid units; 0 without noise.
        scale: Grid units per unit of norm.
    """

    epsilon: float
    delta: Fraction
    sigma_squared: int
    scale: int = 4096

    def record(self) -> dict[str, object]:
        """Fields of a record: epsilon, delta, rho, sigma, sampler."""
        rho = math.inf
        if self.sigma_squared:
            rho = float(Fraction(self.scale**2, 2 * self.sigma_squared))
        return {
            "epsilon": self.epsilon,
            "delta": float(self.delta),
            "rho": rho,
            "sigma": math.sqrt(self.sigma_squared),
            "sampler": SAMPLER if self.sigma_squared else "none",
        }


def privacy_for(epsilon: float, delta: Fraction = DELTA) -> Privacy:
    """Choose the noise of one release; the default manifest's own at epsilon 4, delta 1e-6.

    Raises:
        EvaluationError: `epsilon` or `delta` is out of its range.
        ReleaseError: No noise reaches it.
    """
    if math.isnan(epsilon) or epsilon <= 0:
        raise EvaluationError(
            f"epsilon must be a number above 0, or 'inf' for no privacy, not {epsilon}"
        )
    if not 0 < delta < 1:
        raise EvaluationError(f"delta must be above 0 and below 1, not {float(delta)}")
    if math.isinf(epsilon):
        return Privacy(epsilon, delta, 0)
    manifest = Manifest(items=2, catalogue_digest=bytes(32))
    if epsilon == 4 and delta == DELTA:
        return Privacy(epsilon, delta, manifest.sigma_squared)
    return Privacy(epsilon, delta, sigma_squared_for(epsilon, delta, manifest.scale))


def largest_delta(learners: int) -> Fraction:
    """The largest delta that R15 allows for so many learners: 1 / (10 x their bracket)."""
    return Fraction(1, 10 * bracket(learners))


def check_delta(delta: Fraction, learners: int) -> None:
    """Refuse a delta above the rule (R15).

    Raises:
        EvaluationError: It is.
    """
    most = largest_delta(learners)
    if delta > most:
        raise EvaluationError(
            f"delta {float(delta):g} is above 1 / (10 x {bracket(learners):,}), the largest that "
            f"rule R15 allows for {learners:,} learners: give --delta {float(most):g} or less"
        )


def largest_release(platforms: Mapping[str, Interactions], modes: Sequence[str]) -> int:
    """Learners behind the largest release of `compare`: everybody where all are pooled."""
    sizes = [len(rows.learner_ids) for rows in platforms.values()]
    return sum(sizes) if "pooled" in modes else max(sizes, default=0)


@dataclass(frozen=True, eq=False)
class Sums:
    """Un-noised sums of platforms over one shared catalogue; they stay in this process.

    Attributes:
        manifest: Their layout.
        head: Each item's place in it, or -1; int32, `(items,)`.
        exact: One row a platform; int64, `(platforms, manifest.cells)`.
        learners: The bracket of each (R14); int64, `(platforms,)`.
    """

    manifest: Manifest
    head: NDArray[np.int32]
    exact: NDArray[np.int64]
    learners: NDArray[np.int64]


def sum_platforms(
    platforms: Sequence[Interactions],
    verbs: Sequence[str],
    head: NDArray[np.int32] | None = None,
) -> Sums:
    """Sum each platform's learner vectors (R6 to R9).

    Args:
        platforms: Training rows over one and the same `item_ids`.
        verbs: Verbs that count.
        head: Each item's place in the head, or -1; None takes all items.

    Raises:
        EvaluationError: Platforms with different items, none, or fewer than two items.
    """
    if not 1 <= len(platforms) <= _PLATFORM_LIMIT:
        raise EvaluationError(f"expected 1 to {_PLATFORM_LIMIT} platforms, not {len(platforms)}")
    item_ids = platforms[0].item_ids
    if any(platform.item_ids != item_ids for platform in platforms):
        raise EvaluationError("all platforms must be indexed by the same items")
    place = np.arange(len(item_ids), dtype=np.int32) if head is None else head
    items = int((place >= 0).sum())
    if items < 2:
        raise EvaluationError(f"{items} items: statistics need at least two")
    identity = hashlib.sha256("\n".join(item_ids).encode("utf-8")).digest()
    manifest = default_manifest(items, identity, enrolled_counts="enrolled" in verbs)
    exact = [sum_vectors(platform, place, manifest, identity) for platform in platforms]
    brackets = np.array([bracket(len(platform.learner_ids)) for platform in platforms])
    return Sums(manifest, place, np.stack(exact), brackets)


def choose_head(
    platforms: Sequence[Interactions], verbs: Sequence[str], privacy: Privacy, seed: int
) -> tuple[NDArray[np.int32], Privacy]:
    """Choose the head, and what is left of the privacy budget (R10).

    Up to 2,000 items are all of them. A larger catalogue spends rho/20 on popularity alone, and
    the head is the 2,000 largest of the noised counts; 19 rho/20 are left.

    Args:
        platforms: Training rows over the same items.
        verbs: Verbs that count.
        privacy: The whole budget.
        seed: Draws the noise.

    Returns:
        Each item's place in the head or -1, int32; and the noise of what follows.
    """
    items = len(platforms[0].item_ids)
    if items <= MAX_ITEMS:
        return np.arange(items, dtype=np.int32), privacy
    counts = np.zeros(items, dtype=np.int64)
    for platform in platforms:
        recent = build_sequences(platform, verbs).last(30)
        lengths = recent.lengths()
        value = np.floor(privacy.scale / np.maximum(np.sqrt(lengths), 2.0)).astype(np.int64)
        np.add.at(counts, recent.items, np.repeat(value, lengths))
    left = privacy
    if privacy.sigma_squared:
        noise = FastNoise(np.random.default_rng([seed, 17]))
        counts += noise.draw(items, 20 * privacy.sigma_squared)
        left = Privacy(
            privacy.epsilon, privacy.delta, -(-20 * privacy.sigma_squared // 19), privacy.scale
        )
    chosen = np.sort(np.lexsort((np.arange(items), -counts))[:MAX_ITEMS])
    head = np.full(items, -1, dtype=np.int32)
    head[chosen] = np.arange(chosen.size)
    return head, left


@dataclass(frozen=True, eq=False)
class Round:
    """A merged round as its members see it.

    Attributes:
        sums: What went in.
        contributions: Noised; int64, `(platforms, cells)`.
        total: HEAD's `sum`.
        rest: HEAD's `rest`.
        variance: Noise variance of a member's contributions, in squared grid units.
        anchors: Which members are anchors (R34), where every member's contributions are known:
            each is then held to its share. None leaves R34's cap alone. bool, `(platforms,)`.
    """

    sums: Sums
    contributions: NDArray[np.int64]
    total: NDArray[np.int64]
    rest: NDArray[np.int64]
    variance: float
    anchors: NDArray[np.bool_] | None = None

    def seen_by(self, platform: int) -> MergedSums:
        """HEAD as one member sees it: its own contribution is known to it."""
        return self._seen(platform)

    def seen_by_newcomer(self) -> MergedSums:
        """HEAD as a member sees it that has contributed nothing."""
        return self._seen(None)

    def _seen(self, own: int | None) -> MergedSums:
        if self._view is not None:
            return self._view.seen_by(own)
        others = self.contributions.shape[0] - (own is not None)
        return MergedSums(
            self.sums.manifest,
            self.total,
            self.rest,
            None if own is None else self.contributions[own],
            others_variance=others * self.variance,
            own_variance=0.0 if own is None else self.variance,
        )

    @cached_property
    def _view(self) -> MemberView | None:
        """Each member held to its share; None in secure mode."""
        if self.anchors is None:
            return None
        variance = np.full(self.contributions.shape[0], self.variance)
        return MemberView.of(
            MemberSums(
                self.sums.manifest, self.contributions, variance, self.sums.learners, self.anchors
            )
        )


def run_open(sums: Sums, privacy: Privacy, anchors: NDArray[np.bool_], seed: int) -> Round:
    """Merge in open mode: every platform adds the whole noise, and is held to its share (R34).

    Args:
        sums: What each platform would release.
        privacy: The noise.
        anchors: Which platforms are anchors; bool, `(platforms,)`.
        seed: Draws the noise.
    """
    noised = _noised(sums.exact, privacy.sigma_squared, [seed, 19])
    total, rest = sum_and_rest(noised, anchors)
    return Round(sums, noised, total, rest, float(privacy.sigma_squared), anchors)


def run_secure(sums: Sums, privacy: Privacy, seed: int) -> Round:
    """Merge in secure mode: each platform adds a share of the noise, `rest` is `sum` (R31, R34).

    Masks cancel in the sum and are left out here.

    Raises:
        EvaluationError: Fewer than four platforms.
    """
    honest = honest_contributors(sums.exact.shape[0])
    share = -(-privacy.sigma_squared // honest)  # rounded up: never less noise than promised
    noised = _noised(sums.exact, share, [seed, 23])
    total = noised.sum(axis=0)
    return Round(sums, noised, total, total.copy(), float(share))


def run_pooled(sums: Sums, privacy: Privacy, seed: int) -> MergedSums:
    """Release the pooled learners by one curator: what no swarm can have."""
    pooled = sums.exact.sum(axis=0, keepdims=True)
    noised = _noised(pooled, privacy.sigma_squared, [seed, 29])[0]
    return MergedSums(
        sums.manifest, noised, noised, None, others_variance=float(privacy.sigma_squared)
    )


def run_alone(sums: Sums, platform: int, privacy: Privacy, seed: int) -> MergedSums:
    """Release one platform's learners, merged with nobody."""
    exact = sums.exact[platform : platform + 1]
    noised = _noised(exact, privacy.sigma_squared, [seed, 31, platform])[0]
    return MergedSums(
        sums.manifest, noised, noised, None, others_variance=float(privacy.sigma_squared)
    )


def honest_contributors(platforms: int) -> int:
    """Members whose noise counts: h = n - max(1, f), f = floor((n - 1) / 3) (R31).

    Raises:
        EvaluationError: Fewer than four platforms.
    """
    if platforms < 4:
        raise EvaluationError(f"secure mode needs at least 4 contributors, not {platforms}")
    return platforms - max(1, (platforms - 1) // 3)


def bracket(learners: int) -> int:
    """The public size bracket: the smallest of 100, 1,000, 10,000 and so on above (R14)."""
    limit = 100
    while learners >= limit:
        limit *= 10
    return limit


def anchors_by_bracket(learners: Mapping[str, int]) -> tuple[str, ...]:
    """Members whose bracket is above two thirds of all: `swarm create` proposes them (R34)."""
    brackets = {name: bracket(count) for name, count in learners.items()}
    whole = sum(brackets.values())
    return tuple(name for name, size in brackets.items() if 3 * size > 2 * whole)


def _noised(exact: NDArray[np.int64], sigma_squared: int, seed: Sequence[int]) -> NDArray[np.int64]:
    if sigma_squared == 0:
        return exact.copy()
    noise = FastNoise(np.random.default_rng(list(seed)))
    return exact + noise.draw(exact.size, sigma_squared).reshape(exact.shape)
