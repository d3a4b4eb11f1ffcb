"""White-box repeated audit: many releases of a worst-case neighbouring pair (R16).

The auditor knows everything but the noise. Two platforms differ in one learner; each is released
many times through the code of production; every release is projected on the difference of the
two sums, the best that an attacker can do against Gaussian noise. How far the two clouds lie
apart, in standard deviations, is mu, and the claim is scale / sigma.

- The domain is small, so that 100,000 releases by the exact sampler take about a minute; a
  learner who visits all of it reaches the whole norm that the manifest allows.
- Besides an empty platform, the learner joins a crowd in which all items are equally frequent:
  whoever depends on others (R6), a head by exact counts for instance, tips over there.
- The sums of each side are computed once, since they hold no chance; the noise is drawn anew for
  each release.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from recommender.audit.bounds import gaussian_epsilon, threshold_epsilon
from recommender.audit.release_path import DIGEST, ReleasePath, platform
from recommender.release.accounting import claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest

TOLERANCE = 0.03
CONFIDENCE = 0.9999
"""Of the interval for mu: a release that keeps its claim is refused once in 20,000 runs."""
_Z = float(stats.norm.isf((1 - CONFIDENCE) / 2))
_SPARE_ITEMS = 2
"""Items of the platform that are not in the head."""
_ITEMS = range(4, 13)
_ALMOST_ALL = 0.999
_RARE = 1e-6
_LAGS = 100


@dataclass(frozen=True, slots=True)
class WhiteBoxResult:
    """What the repeated audit found.

    Attributes:
        items: Size of the small head.
        releases: Releases of each side of the pair.
        sampler: Name of the noise source.
        sensitivity: Largest difference that one learner made to the sums, over the scale.
        mu_claimed: Scale over sigma.
        mu: Measured distance, in standard deviations of the noise.
        mu_low: Lower end of its interval at `CONFIDENCE`.
        mu_high: Upper end.
        epsilon_claimed: What the manifest's claim says.
        epsilon_low: What `mu_low` proves at the claim's delta, if noise is Gaussian.
        epsilon_counted: Lower bound at 95 % that assumes nothing about the noise.
        quietest_cell: Smallest variance of a cell's noise, over the claimed one.
        copies: Releases whose noise was that of another release.
        correlation: Largest correlation between releases up to 100 apart.
        faults: Sentences; empty if the claim was kept.
        resolved: Whether the interval is narrow enough to tell 3 %.
    """

    items: int
    releases: int
    sampler: str
    sensitivity: float
    mu_claimed: float
    mu: float
    mu_low: float
    mu_high: float
    epsilon_claimed: float
    epsilon_low: float
    epsilon_counted: float
    quietest_cell: float
    copies: int
    correlation: float
    faults: tuple[str, ...]
    resolved: bool


@dataclass(frozen=True, eq=False)
class _Pair:
    without: NDArray[np.int64]
    with_learner: NDArray[np.int64]

    @property
    def difference(self) -> NDArray[np.int64]:
        return self.with_learner - self.without

    @property
    def norm(self) -> float:
        return math.sqrt(sum(value * value for value in self.difference.tolist()))


def audit_white_box(
    manifest: Manifest,
    path: ReleasePath,
    releases: int,
    tick: Callable[[int], None] = lambda _: None,
) -> WhiteBoxResult:
    """Release a worst-case pair again and again, and measure mu.

    Args:
        manifest: The manifest of the claim; its head is replaced by a small one.
        path: The code under audit.
        releases: Of each side of the pair, at least 100.
        tick: Told how many releases were made since the last call.
    """
    small = small_manifest(manifest)
    pair = max(_pairs(small, path), key=lambda found: found.norm)
    noise = np.empty((2 * releases, small.cells), dtype=np.int64)
    sides = (pair.without, pair.with_learner)
    for number in range(2 * releases):  # in turn: neighbours in time are neighbours in data
        side = sides[number % 2]
        noise[number] = path.release(side, small) - side
        if number % 1_000 == 999:
            tick(1_000)
    return _judge(small, pair, noise, path.noise.name)


def small_manifest(manifest: Manifest) -> Manifest:
    """The manifest with the smallest head in which one learner reaches the whole norm."""
    goal = _ALMOST_ALL * math.sqrt(sum(block.weight**2 for block in manifest.blocks))
    best, most = manifest, 0.0
    for items in _ITEMS:
        small = replace(manifest, items=items)
        found = max(_pairs(small, ReleasePath()), key=lambda pair: pair.norm).norm
        if found > most:
            best, most = small, found
        if most >= goal:
            break
    return best


def _pairs(manifest: Manifest, path: ReleasePath) -> list[_Pair]:
    """Neighbouring platforms: learners of every start and length, alone and in a tied crowd."""
    items = manifest.items + _SPARE_ITEMS
    head = np.array([*range(manifest.items), *[-1] * _SPARE_ITEMS], dtype=np.int32)
    verb = manifest.verbs[0]
    crowd = [[(start + step) % items for step in range(3)] for start in range(items)] * 3

    def sums(histories: list[list[int]]) -> NDArray[np.int64]:
        return path.sums(platform(histories, items, verb), head, manifest, DIGEST, None)

    pairs = []
    for others in ([], crowd):
        without = sums(others)
        for length in range(1, manifest.items + 1):
            for start in range(items):
                learner = [(start + step) % items for step in range(length)]
                pairs.append(_Pair(without, sums([*others, learner])))
    return pairs


def _judge(
    manifest: Manifest, pair: _Pair, noise: NDArray[np.int64], sampler: str
) -> WhiteBoxResult:
    promise = claim(manifest)
    sigma, delta = math.sqrt(manifest.sigma_squared), float(promise.delta)
    direction = pair.difference / max(pair.norm, 1.0)
    seen = noise @ direction / sigma
    shift = pair.norm / sigma
    mu, error = _distance(seen[::2], seen[1::2] + shift)
    half = noise.shape[0] // 2
    bar = _best_bar(half, promise.mu, delta)
    hits, alarms = int((seen[1::2] + shift > bar).sum()), int((seen[::2] > bar).sum())
    result = WhiteBoxResult(
        items=manifest.items,
        releases=half,
        sampler=sampler,
        sensitivity=pair.norm / manifest.scale,
        mu_claimed=promise.mu,
        mu=mu,
        mu_low=mu - _Z * error,
        mu_high=mu + _Z * error,
        epsilon_claimed=promise.epsilon,
        epsilon_low=gaussian_epsilon(mu - _Z * error, delta),
        epsilon_counted=threshold_epsilon(hits, half, alarms, half, delta),
        quietest_cell=float(noise.var(axis=0).min() / manifest.sigma_squared),
        copies=noise.shape[0] - len(np.unique(noise, axis=0)),
        correlation=_correlation(seen),
        faults=(),
        resolved=_Z * error <= TOLERANCE * promise.mu,
    )
    return replace(result, faults=_faults(result, manifest.cells))


def _distance(
    without: NDArray[np.float64], with_learner: NDArray[np.float64]
) -> tuple[float, float]:
    """Difference of means over the pooled standard deviation, and its standard error."""
    count = without.size
    spread = math.sqrt((without.var(ddof=1) + with_learner.var(ddof=1)) / 2)
    apart = float(with_learner.mean() - without.mean())
    if spread == 0.0:
        return (math.inf if apart else 0.0), 0.0
    mu = apart / spread
    return mu, math.sqrt(2 / count + mu * mu / (4 * count))


def _best_bar(releases: int, mu: float, delta: float) -> float:
    """The event "above this" that would prove most if the claim is exact; no data are looked at."""

    def expected(bar: float) -> float:
        hits, alarms = releases * stats.norm.sf(bar - mu), releases * stats.norm.sf(bar)
        return threshold_epsilon(round(hits), releases, round(alarms), releases, delta)

    return max((step / 4 for step in range(20)), key=expected)


def _correlation(seen: NDArray[np.float64]) -> float:
    """Largest correlation between releases 1 to 100 apart; 1 if there is no noise at all."""
    centred = seen - seen.mean()
    power = float(centred @ centred)
    if power == 0.0:
        return 1.0
    lags = range(1, min(_LAGS, seen.size // 4) + 1)
    return max(abs(float(centred[lag:] @ centred[:-lag])) / power for lag in lags)


def _faults(found: WhiteBoxResult, cells: int) -> tuple[str, ...]:
    count = 2 * found.releases
    quiet = 1 - float(stats.norm.isf(_RARE / cells)) * math.sqrt(2 / count)
    tied = float(stats.norm.isf(_RARE / (2 * _LAGS))) / math.sqrt(count)
    checks = (
        (found.sensitivity > 1, "one learner changes the sums by more than the scale (R6, R7)"),
        (found.mu_low > found.mu_claimed, "mu is above the claim"),
        (
            found.mu_high < found.mu_claimed * (1 - TOLERANCE),
            "mu is below the claim by more than 3 %: the figures are not those of this release",
        ),
        (
            found.resolved and abs(found.mu / found.mu_claimed - 1) > TOLERANCE,
            "mu is not within 3 % of the claim",
        ),
        (
            max(found.epsilon_low, found.epsilon_counted) > found.epsilon_claimed,
            "epsilon is proved to be above the claim",
        ),
        (found.quietest_cell < quiet, "a cell has less noise than the manifest says (R9)"),
        (found.copies > 0, "noise was used for more than one release (R13)"),
        (found.correlation > tied, "the noise of one release tells about another's (R13)"),
    )
    return tuple(sentence for bad, sentence in checks if bad)
