"""Canaries: an attack in one run, which proves a lower bound on epsilon (R16).

Invented learners are put into one release or left out by a coin each; the attacker sees the
release alone and guesses the coins. More right guesses than (epsilon, delta) allows refute it
(Steinke, Nasr and Jagielski 2023; see `recommender.audit.bounds`).

Each canary visits four items in order, and no two canaries share a pair of items: the lines of a
transversal design over a prime q, items a, q + b, 2q + (a + b) mod q, 3q + (a + 2b) mod q. So
each canary has pair cells of its own, and its score, the release projected on them, holds noise
and its own coin only. Popularity is left out of the score, since canaries share its cells.

With the claim kept, a bound well below it is expected: this attack finds gross faults end to
end, the white-box audit measures.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from recommender.audit.bounds import one_run_epsilon
from recommender.audit.release_path import DIGEST, ReleasePath, platform
from recommender.errors import ReleaseError
from recommender.interactions import VERB_INDEX
from recommender.release.accounting import Claim, claim
from recommender.release.manifest import MAX_ITEMS, PAIR_BLOCKS
from recommender.release.vector import LearnerEvents, learner_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest

MIN_CANARIES = 1_000
VISITS = 4
_CONFIDENCE = 0.975
"""Of each of two numbers of guesses: together their better bound holds at 95 %."""
_GUESS_STEPS = 12
_SMALLEST_PRIME = 5


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What the attack found.

    Attributes:
        canaries: Coins flipped.
        items: Size of the head.
        guesses: Guesses made. Two numbers are fixed before the run, the one that would prove
            most if the claim is exact, and one for every coin; this is the one that proved more.
        correct: How many were right.
        epsilon_low: Lower bound on epsilon, at 95 %.
        epsilon_claimed: What the manifest's claim says.
        sampler: Name of the noise source.
        faults: Sentences; empty if nothing refutes the claim.
    """

    canaries: int
    items: int
    guesses: int
    correct: int
    epsilon_low: float
    epsilon_claimed: float
    sampler: str
    faults: tuple[str, ...]


def canaries_needed(epsilon: float) -> int:
    """How many canaries can refute a claim: 4 (1 + e^epsilon), at least 1,000."""
    return max(MIN_CANARIES, math.ceil(4 * (1 + math.exp(min(epsilon, 50.0)))))


def audit_canaries(manifest: Manifest, path: ReleasePath, canaries: int = 0) -> CanaryResult:
    """Release a platform of canaries once, and guess who is in it.

    Args:
        manifest: The manifest of the claim; its head is replaced by one of the canaries' items.
        path: The code under audit.
        canaries: How many; 0 is `canaries_needed`.

    Raises:
        ReleaseError: The claim is too weak: no head holds that many canaries.
    """
    promise = claim(manifest)
    count = canaries or canaries_needed(promise.epsilon)
    lines = design(count)
    wide = replace(manifest, items=int(lines.max()) + 1)
    coins = np.frombuffer(secrets.token_bytes(count), dtype=np.uint8) % 2 == 1
    everyone = platform(lines.tolist(), wide.items, wide.verbs[0])
    head = np.arange(wide.items, dtype=np.int32)
    released = path.release(path.sums(everyone, head, wide, DIGEST, coins), wide)
    scores, norms = _scores(lines, released, wide)
    few = _best_guesses(count, float(norms.mean()) / math.sqrt(wide.sigma_squared), promise)
    low, guesses, correct = max(
        _proved(count, number, _right(scores, coins, number), promise) for number in (few, count)
    )
    faults = ("the guesses about canaries refute the claim",) if low > promise.epsilon else ()
    return CanaryResult(
        canaries=count,
        items=wide.items,
        guesses=guesses,
        correct=correct,
        epsilon_low=low,
        epsilon_claimed=promise.epsilon,
        sampler=path.noise.name,
        faults=faults,
    )


def design(count: int) -> NDArray[np.int64]:
    """Histories of which no two share a pair of items; int64, `(count, 4)`.

    Raises:
        ReleaseError: The largest head does not hold that many.
    """
    prime = max(_SMALLEST_PRIME, math.isqrt(max(count - 1, 0)) + 1)
    while any(prime % number == 0 for number in range(2, math.isqrt(prime) + 1)):
        prime += 1
    if VISITS * prime > MAX_ITEMS:
        raise ReleaseError(
            f"{count:,} canaries would be needed, more than a head of {MAX_ITEMS:,} items holds; "
            "a claim as weak as this one can be checked by the white-box audit only"
        )
    a, b = np.divmod(np.arange(count, dtype=np.int64), prime)
    columns = (a, prime + b, 2 * prime + (a + b) % prime, 3 * prime + (a + 2 * b) % prime)
    return np.stack(columns, axis=1)


def _scores(
    lines: NDArray[np.int64], released: NDArray[np.int64], manifest: Manifest
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each canary's release on its own pair cells, centred between in and out; and its norm."""
    slices = [manifest.block_slices[b.name] for b in manifest.blocks if b.name in PAIR_BLOCKS]
    scores, norms = np.empty(len(lines)), np.empty(len(lines))
    for number, (cells, values) in enumerate(_vectors(lines, manifest)):
        own = np.zeros(cells.size, dtype=np.bool_)
        for part in slices:
            own |= (cells >= part.start) & (cells < part.stop)
        vector = values[own].astype(np.float64)
        norms[number] = math.sqrt(float(vector @ vector))
        scores[number] = (released[cells[own]] @ vector) / norms[number] - norms[number] / 2
    return scores, norms


def _vectors(
    lines: NDArray[np.int64], manifest: Manifest
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Each canary's vector by the specification, not by the code under audit."""
    count = np.arange(VISITS, dtype=np.int64)
    return [
        learner_vector(
            LearnerEvents(
                pseudonym=f"audit-{number:09}",
                item=line,
                item_keys=[f"audit:{item}" for item in line.tolist()],
                timestamp=count,
                order=np.zeros(VISITS, dtype=np.int64),
                verb=np.full(VISITS, VERB_INDEX[manifest.verbs[0]], dtype=np.int64),
            ),
            manifest,
            DIGEST,
        )
        for number, line in enumerate(lines)
    ]


def _best_guesses(canaries: int, mu: float, promise: Claim) -> int:
    """How many guesses would prove most if the claim is exact; decided before any are made."""
    best, most = 2, 0.0
    for step in range(1, _GUESS_STEPS + 1):
        guesses = max(2, 2 * round(canaries * (step / _GUESS_STEPS) ** 2 / 4))
        bar = _bar(guesses / canaries, mu)
        right, wrong = stats.norm.sf(bar - mu / 2), stats.norm.sf(bar + mu / 2)
        correct = math.floor(guesses * right / (right + wrong))
        proved, *_ = _proved(canaries, guesses, correct, promise)
        if proved > most:
            best, most = guesses, proved
    return best


def _proved(canaries: int, guesses: int, correct: int, promise: Claim) -> tuple[float, int, int]:
    low = one_run_epsilon(canaries, guesses, correct, float(promise.delta), _CONFIDENCE)
    return low, guesses, correct


def _bar(share: float, mu: float) -> float:
    """How far from the middle a score must lie for that share of canaries to be guessed."""
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        beyond = stats.norm.sf(middle - mu / 2) + stats.norm.sf(middle + mu / 2)
        low, high = (middle, high) if beyond > share else (low, middle)
    return low


def _right(scores: NDArray[np.float64], coins: NDArray[np.bool_], guesses: int) -> int:
    """Guess the coins whose scores lie farthest from the middle; count what is right."""
    surest = np.argsort(-np.abs(scores))[:guesses]
    return int(((scores[surest] > 0) == coins[surest]).sum())
