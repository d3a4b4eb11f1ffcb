"""Public constants of training one network together, all integers or pairs of integers (R9, R12).

Every member trains the same small network on its own learners who are due, some noised steps a
round; what leaves is the change of the parameters in fixed point. A step's gradient is clipped to
norm 1 a learner, cut to integers, summed and noised by the discrete Gaussian, like a release.

Its contract is `rho` a round, in the meaning of truncated concentrated privacy (Bun, Dwork,
Rothblum, Steinke 2018): at every Renyi order from 2 to `orders` a round costs at most rho times
that order. `recommender.network.budget` proves it; the ledger compares integers. All `rounds`
rounds of one training cost at most the rho of one release of statistics, and a learner is in one
or the other.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from recommender.errors import ManifestError

if TYPE_CHECKING:
    from recommender.release.manifest import Manifest

TEXT_FEATURES = 64
"""Places that an item's words are hashed to."""
CODE_FEATURES = 256
"""Places for the item itself; each its own while there are no more items."""
_PAIRS = ("rho", "sample_rate", "rate", "momentum")


@dataclass(frozen=True, slots=True)
class Training:
    """How a swarm trains its network.

    Attributes:
        rounds: Merged rounds that make one training; a learner is in one training at most.
        steps: Noised steps of a member in a round.
        sample_rate: Chance of a learner to be in a step (Poisson), numerator and denominator.
        scale: Grid units of a gradient of norm 1, the clip.
        sigma_squared: Variance of a step's noise, in squared grid units of gradients.
        orders: Largest Renyi order at which the contract holds.
        rho: Contract of one round, numerator and denominator.
        width: Of the network.
        parameters: Learned numbers of the network: the length of an update.
        grid: Grid units of a parameter's 1.0 in updates.
        entry: Largest magnitude of an update's entry, in grid units.
        norm: Largest L2 norm of an update, in grid units.
        batch: Divides a step's noised sum, at every member alike, so that updates can be added.
        rate: Step length, numerator and denominator.
        momentum: Of the steps within a round, numerator and denominator.
    """

    rounds: int
    steps: int
    sample_rate: tuple[int, int]
    scale: int
    sigma_squared: int
    orders: int
    rho: tuple[int, int]
    width: int
    parameters: int
    grid: int
    entry: int
    norm: int
    batch: int
    rate: tuple[int, int]
    momentum: tuple[int, int]

    def __post_init__(self) -> None:
        """Refuse constants out of their ranges.

        Raises:
            ManifestError: The message names the field.
        """
        for name, low, high in (
            ("rounds", 1, 1_000),
            ("steps", 1, 10_000),
            ("scale", 1, 2**20),
            ("sigma_squared", 64, 2**50),
            ("orders", 2, 256),
            ("width", 1, 64),
            ("parameters", 1, 2**24),
            ("grid", 1, 2**24),
            ("entry", 1, 2**24),
            ("norm", 1, 2**30),
            ("batch", 1, 10**7),
        ):
            _check(name, getattr(self, name), low, high)
        for name in _PAIRS:
            top, bottom = getattr(self, name)
            _check(name, bottom, 1, 2**62)
            _check(name, top, 0 if name == "momentum" else 1, 2**62)
        for name in ("sample_rate", "momentum"):
            top, bottom = getattr(self, name)
            _check(name, top, 0, bottom if name == "sample_rate" else bottom - 1)

    @property
    def update_bytes(self) -> int:
        """Bytes of an update: int32 a parameter; they depend on the manifest alone (R9)."""
        return 4 * self.parameters

    @property
    def rho_training(self) -> Fraction:
        """Contract of a whole training: what a learner in it spends, once (R2)."""
        return self.rounds * Fraction(*self.rho)

    @property
    def noise_multiplier(self) -> float:
        """Standard deviation of a step's noise over the clip."""
        return math.sqrt(self.sigma_squared) / self.scale

    def to_dict(self) -> dict[str, Any]:
        """Plain integers and lists."""
        values = asdict(self)
        return values | {name: list(values[name]) for name in _PAIRS}


def read_training(value: object) -> Training:
    """Read what `Training.to_dict` wrote.

    Raises:
        ManifestError: A field is missing, unknown, of another type or out of its range.
    """
    known = {field.name for field in fields(Training)}
    if not isinstance(value, dict) or set(value) != known:
        raise ManifestError(f"manifest field 'training' must have {', '.join(sorted(known))}")
    values: dict[str, Any] = dict(value)
    for name in _PAIRS:
        if not isinstance(values[name], list | tuple) or len(values[name]) != 2:
            raise ManifestError(f"manifest field 'training': {name!r} must be a pair")
        values[name] = tuple(values[name])
    return Training(**values)


def check_against(training: Training, manifest: Manifest) -> None:
    """Check what training and statistics of one manifest owe each other.

    Raises:
        ManifestError: A training costs more than a release, or has another number of parameters.
    """
    if training.rho_training > manifest.rho:
        raise ManifestError(
            f"a training costs rho {training.rho_training}, a release of statistics "
            f"{manifest.rho}: whoever is in one or the other may not spend more (R2)"
        )
    expected = count_parameters(manifest.items, training.width)
    if training.parameters != expected:
        raise ManifestError(
            f"manifest field 'training': {training.parameters} parameters, a network of width "
            f"{training.width} over {manifest.items} items has {expected}"
        )
    if manifest.mode != "open":
        raise ManifestError("a network is trained in open mode only")


def count_features(items: int) -> int:
    """Features of an item: its words, and itself."""
    return TEXT_FEATURES + min(items, CODE_FEATURES)


def count_parameters(items: int, width: int) -> int:
    """Learned numbers of the network, see `recommender.network.encoder`."""
    features = count_features(items)
    enter, norm = (features + 1) * width, 2 * width
    hidden, leave = (width + 1) * width, (width + 1) * features
    return enter + norm + hidden + leave


def _check(name: str, value: object, low: int, high: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not low <= value <= high:  # type: ignore[operator]
        raise ManifestError(
            f"manifest field 'training': {name!r} is {value!r}, expected {low} to {high}"
        )
