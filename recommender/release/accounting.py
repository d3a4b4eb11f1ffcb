"""What a release promises, in exact numbers and in words.

The contract is zCDP: rho, a rational of integers (R12). Validity of blocks and budgets compare
rho and never need this file. Epsilon at a delta is a displayed conversion, after Canonne,
Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020), Corollary 13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from recommender.errors import ReleaseError

if TYPE_CHECKING:
    from recommender.release.manifest import Manifest

MAX_SIGMA = 2**24
"""Largest standard deviation that `sigma_squared_for` proposes, in grid units."""
LOG_ORDERS = (-14.0, 30.0)
"""Range of log(alpha - 1) searched; any alpha gives a valid epsilon, the best the smallest."""

MECHANISM = "discrete Gaussian noise on integer sums, exact sampler"
UNIT = "one learner's pseudonym on one platform, with all recorded events"
ADJACENCY = "add or remove one learner"
TUNING = "public logs only"
EXCLUSIONS = (
    "the platform's own exact statistics and chosen mix, which never leave it; "
    "public brackets of size; what members publish about themselves"
)
INFLUENCE = (
    "The guarantee covers a learner's recorded events, not their influence on others' behaviour "
    "through recommendations."
)
TRUST = {
    "open": "each platform trusts itself alone: it adds the whole noise before anything leaves",
    "secure": "noise is shared: it holds in full if the stated number of members is honest",
}


def rho(manifest: Manifest) -> Fraction:
    """Give the zCDP contract of one release, exact."""
    return manifest.rho


def epsilon(rho: Fraction | float, delta: Fraction | float) -> float:
    """Convert rho-zCDP to the epsilon of (epsilon, delta)-DP.

    Args:
        rho: zCDP parameter, at least 0.
        delta: In (0, 1).

    Returns:
        The smallest epsilon found over the orders alpha; each would be valid.

    Raises:
        ReleaseError: An argument is out of its range.
    """
    if rho < 0 or not 0 < delta < 1:
        raise ReleaseError(f"rho {rho} must be at least 0 and delta {delta} in (0, 1)")
    if rho == 0:
        return 0.0
    order = _best_order(float(rho), float(delta))
    return max(_at_order(order, float(rho), float(delta)), 0.0)


def best_alpha(rho: Fraction | float, delta: Fraction | float) -> float:
    """Give the Renyi order by which `epsilon` converts, so that a reader can check it by hand.

    epsilon = alpha rho + log(1 - 1/alpha) - (log delta + log alpha) / (alpha - 1).

    Args:
        rho: zCDP parameter, above 0.
        delta: In (0, 1).
    """
    return 1.0 + math.exp(_best_order(float(rho), float(delta)))


def sigma_squared_for(target: float, delta: Fraction | float, scale: int) -> int:
    """Choose the noise for a target epsilon.

    Args:
        target: Epsilon of one release, above 0.
        delta: In (0, 1).
        scale: Grid units per unit of norm.

    Returns:
        The square of the smallest whole standard deviation whose epsilon is at most `target`.

    Raises:
        ReleaseError: No standard deviation up to `MAX_SIGMA` reaches the target.
    """

    def reaches(sigma: int) -> bool:
        return epsilon(Fraction(scale**2, 2 * sigma**2), delta) <= target

    if not target > 0 or not reaches(MAX_SIGMA):
        raise ReleaseError(f"no noise up to {MAX_SIGMA} grid units reaches epsilon {target}")
    low, high = 0, MAX_SIGMA
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high**2


@dataclass(frozen=True, slots=True)
class Claim:
    """Every figure of a printed claim (R1, R4).

    Attributes:
        rho: The contract of a learner's one release, which is that of a lifetime (R2).
        delta: Lifetime delta.
        mu: Sensitivity over noise, of Gaussian differential privacy.
        epsilon: Add or remove one learner.
        epsilon_replace_one: Replace one learner by another: mu doubles.
        epsilon_accounts: For a person with 2 and with 3 pseudonyms: epsilon if each is on a
            platform of its own, and if all are in one platform's release.
        mode: `open` or `secure`.
    """

    rho: Fraction
    delta: Fraction
    mu: float
    epsilon: float
    epsilon_replace_one: float
    epsilon_accounts: tuple[tuple[int, float, float], ...]
    mode: str

    @property
    def sentence(self) -> str:
        """The claim in its one printed form (R4)."""
        accounts = "; ".join(
            f"with {count} accounts {_figure(apart)} on separate platforms, "
            f"{_figure(together)} in one release"
            for count, apart, together in self.epsilon_accounts
        )
        return (
            f"Unit: {UNIT}. Adjacency: {ADJACENCY}. "
            f"Epsilon {_figure(self.epsilon)} at delta {float(self.delta):.0e} in a lifetime, "
            f"since each learner enters one release "
            f"(replace one learner: epsilon {_figure(self.epsilon_replace_one)}; {accounts}). "
            f"Contract: rho = {self.rho.numerator}/{self.rho.denominator} "
            f"(about {float(self.rho):.4f}) zCDP; epsilon by Canonne, Kamath and Steinke (2020). "
            f"Mechanism: {MECHANISM}. Trust: {TRUST[self.mode]}. "
            f"Tuning used {TUNING}. Not covered: {EXCLUSIONS}. {INFLUENCE}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the claim for a card: figures, words and the sentence."""
        return {
            "unit": UNIT,
            "adjacency": ADJACENCY,
            "epsilon": self.epsilon,
            "delta": float(self.delta),
            "rho": [self.rho.numerator, self.rho.denominator],
            "mu": self.mu,
            "epsilon_replace_one": self.epsilon_replace_one,
            "epsilon_accounts": [
                {"accounts": count, "separate_platforms": apart, "one_release": together}
                for count, apart, together in self.epsilon_accounts
            ],
            "mechanism": MECHANISM,
            "trust": TRUST[self.mode],
            "tuning": TUNING,
            "exclusions": EXCLUSIONS,
            "sentence": self.sentence,
        }


def claim(manifest: Manifest) -> Claim:
    """Work out what a release under a manifest promises."""
    contract, delta = manifest.rho, manifest.delta_fraction
    return Claim(
        rho=contract,
        delta=delta,
        mu=manifest.scale / math.sqrt(manifest.sigma_squared),
        epsilon=epsilon(contract, delta),
        epsilon_replace_one=epsilon(4 * contract, delta),
        # Independent noises add rho; shifts under one noise add up before squaring.
        epsilon_accounts=tuple(
            (count, epsilon(count * contract, delta), epsilon(count**2 * contract, delta))
            for count in (2, 3)
        ),
        mode=manifest.mode,
    )


def _at_order(log_order: float, rho: float, delta: float) -> float:
    """Epsilon that the Renyi order alpha = 1 + exp(log_order) proves."""
    less_one = math.exp(log_order)
    alpha = 1.0 + less_one
    # log1p keeps the digits that 1 - 1/alpha loses for large alpha.
    shrink = math.log(less_one) - math.log(alpha) if less_one < 1 else math.log1p(-1.0 / alpha)
    return alpha * rho + shrink - (math.log(delta) + math.log(alpha)) / less_one


def _best_order(rho: float, delta: float) -> float:
    """Search log(alpha - 1) for the smallest epsilon by shrinking a bracket."""
    low, high = LOG_ORDERS
    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _at_order(left, rho, delta) <= _at_order(right, rho, delta):
            high = right
        else:
            low = left
    return (low + high) / 2


def _figure(value: float) -> str:
    # Rounded up: a printed epsilon never promises more than was proved.
    return f"{math.ceil(value * 100) / 100:.2f}"
