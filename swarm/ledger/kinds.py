"""The kinds of rounds, and what a contribution to a round of each kind costs and weighs.

- `statistics`: sums over learners; a member's contribution is added for good.
- `parameters`: updates of one network, trained on with privacy at each member; some merged rounds
  make one training, whose cost is declared and spent as a whole.

A kind of another name has the terms of `statistics`: the swarm only tells apart how it merges.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from swarm.protocol import Fields, refuse

MAX_CONTRIBUTION_BYTES: Final = 64 * 1024 * 1024
MAX_TRAINING_ROUNDS: Final = 1_000
MAX_ENTRY: Final = 2**24
MAX_NORM: Final = 2**30
"""Bounds within which an update is scaled without leaving int64."""
STATISTICS: Final = "statistics"
PARAMETERS: Final = "parameters"
AGAIN: Final = "again"
"""Kinds of rounds; every kind but `parameters` has the terms of `statistics`. Nobody opens
an `again`: a membership block does, when other sums are to be merged than before (R29)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contribution to a round of one kind costs and how long it is.

    Attributes:
        rho: zCDP cost of one contribution, numerator and denominator (R12).
        size: Exact size in bytes (R9).
    """

    rho: tuple[int, int]
    size: int


@dataclass(frozen=True, slots=True)
class Updates:
    """Rounds of the kind `parameters`: updates of a network, int32 in fixed point (R34).

    Attributes:
        terms: Of one update. `rounds` updates of one training cost no more than one release of
            statistics, so that a learner may be in either, and never spends more.
        rounds: Merged rounds that make one training.
        entry: An update's entries are cut to this magnitude, in grid units.
        norm: An update longer than this is scaled down to it, in grid units.
    """

    terms: Terms
    rounds: int
    entry: int
    norm: int

    @property
    def rho_training(self) -> tuple[int, int]:
        """Cost of a whole training: what a learner in any of its rounds spends, once."""
        whole = self.rounds * Fraction(*self.terms.rho)
        return whole.numerator, whole.denominator

    def to_value(self) -> dict[str, Any]:
        """For the codec."""
        return {
            "rho": list(self.terms.rho),
            "bytes": self.terms.size,
            "rounds": self.rounds,
            "entry": self.entry,
            "norm": self.norm,
        }


def choose_terms(kind: str, statistics: Terms, updates: Updates | None) -> Terms:
    """The terms of a kind.

    Raises:
        RemoteProtocolError: There are none: this swarm has no rounds of the kind.
    """
    if kind != PARAMETERS:
        return statistics
    if updates is None:
        raise refuse("a round of the kind 'parameters'; genesis has no terms for one", "R15")
    return updates.terms


def read_updates(value: object, rho: tuple[int, int]) -> Updates:
    """Read the terms of updates in a genesis whose statistics cost `rho`.

    Raises:
        RemoteProtocolError: Wrong shape, out of bounds, or a training costs more than `rho` (R12).
    """
    fields = Fields(value, "genesis 'parameters'", ("rho", "bytes", "rounds", "entry", "norm"))
    updates = Updates(
        Terms(fields.rational("rho"), fields.integer("bytes", 4, MAX_CONTRIBUTION_BYTES)),
        fields.integer("rounds", 1, MAX_TRAINING_ROUNDS),
        fields.integer("entry", 1, MAX_ENTRY),
        fields.integer("norm", 1, MAX_NORM),
    )
    if updates.terms.size % 4:
        raise refuse("a genesis whose updates are not whole int32 numbers", "R9")
    top, bottom = updates.terms.rho
    if updates.rounds * top * rho[1] > rho[0] * bottom:
        raise refuse("a genesis whose training costs more than one release of statistics", "R12")
    return updates
