"""A network that loses, delays, repeats and reorders messages, and falls apart, by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from swarm.simulation.scenario import Scenario


class Network:
    """Says when a message arrives: never, once or several times.

    Attributes:
        sides: Side of the present partition of each member; empty while there is none.
    """

    def __init__(self, scenario: Scenario, rng: Random) -> None:
        """Draw how bad this network is."""
        self.sides: dict[str, int] = {}
        self._faults = scenario.faults
        self._until_ms = scenario.faults_until_ms
        self._rng = rng
        self._loss = rng.choice((0.05, 0.2, 0.4)) if "loss" in self._faults else 0.0
        self._late = rng.choice((0.05, 0.3)) if "delay" in self._faults else 0.0

    def arrivals(self, sender: str, receiver: str, now_ms: int) -> list[int]:
        """Delays in ms after which copies of a message arrive."""
        if not self.is_faulty(now_ms):
            return [5 + int(self._rng.random() * 20)]
        if self.is_cut(sender, receiver) or self._rng.random() < self._loss:
            return []
        copies = 2 if "duplicate" in self._faults and self._rng.random() < 0.1 else 1
        return [self._delay() for _ in range(copies)]

    def is_faulty(self, now_ms: int) -> bool:
        """Whether faults have not stopped yet."""
        return now_ms < self._until_ms

    def is_cut(self, sender: str, receiver: str) -> bool:
        """Whether the present partition is between two members."""
        return self.sides.get(sender, 0) != self.sides.get(receiver, 0)

    def change(self, ids: tuple[str, ...]) -> None:
        """Fall apart along new lines, or come together."""
        if self._rng.random() < 0.5:
            self.sides = {}
        else:
            self.sides = {member: self._rng.randrange(2) for member in ids}

    def _delay(self) -> int:
        spread = 80 if "reorder" in self._faults else 1
        delay = 5 + int(self._rng.random() * spread)
        if self._rng.random() < self._late:
            delay += int(self._rng.random() * 4_000)
        return delay
