"""A network that loses, delays, repeats and reorders messages, and falls apart, by seed.

Partitions are of three kinds: two sides that hear nothing of each other; two sides with one member
that hears both (a bridge); and links that are dead in one direction only.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection
    from random import Random

PARTITIONS = ("partition", "one-way", "bridge")


class Network:
    """Says when a message arrives: never, once or several times.

    Attributes:
        cuts: Links (sender, receiver) that carry nothing at present.
    """

    def __init__(
        self, faults: Collection[str], until_ms: int, rng: Random, injected: Counter[str]
    ) -> None:
        """Draw how bad this network is.

        Args:
            faults: Which are on.
            until_ms: When they stop.
            rng: The only source of chance.
            injected: Counts each fault as it happens.
        """
        self.cuts: frozenset[tuple[str, str]] = frozenset()
        self._faults = frozenset(faults)
        self._until_ms = until_ms
        self._rng = rng
        self._injected = injected
        self._loss = rng.choice((0.05, 0.2, 0.4)) if "loss" in faults else 0.0
        self._late = rng.choice((0.05, 0.3)) if "delay" in faults else 0.0

    def arrivals(self, sender: str, receiver: str, now_ms: int) -> list[int]:
        """Delays in ms after which copies of a message arrive."""
        if not self.is_faulty(now_ms):
            return [5 + int(self._rng.random() * 20)]
        if (sender, receiver) in self.cuts:
            self._injected["cut off"] += 1
            return []
        if self._rng.random() < self._loss:
            self._injected["loss"] += 1
            return []
        copies = 2 if "duplicate" in self._faults and self._rng.random() < 0.1 else 1
        self._injected["duplicate"] += copies - 1
        return [self._delay() for _ in range(copies)]

    def is_faulty(self, now_ms: int) -> bool:
        """Whether faults have not stopped yet."""
        return now_ms < self._until_ms

    def is_cut(self, one: str, other: str) -> bool:
        """Whether two members cannot speak with each other, in one direction or both."""
        return (one, other) in self.cuts or (other, one) in self.cuts

    def change(self, ids: tuple[str, ...]) -> None:
        """Fall apart along new lines, or come together."""
        kinds = [kind for kind in PARTITIONS if kind in self._faults]
        if not kinds or self._rng.random() < 0.5:
            self.cuts = frozenset()
            return
        kind = self._rng.choice(kinds)
        self._injected[kind] += 1
        links = list(permutations(ids, 2))
        if kind == "one-way":
            self.cuts = frozenset(self._draw_one_way(links, ids))
            return
        sides = {member: self._rng.randrange(2) for member in ids}
        if kind == "bridge":
            sides[self._rng.choice(ids)] = 2
        self.cuts = frozenset(
            (one, other) for one, other in links if {sides[one], sides[other]} == {0, 1}
        )

    def _draw_one_way(
        self, links: list[tuple[str, str]], ids: tuple[str, ...]
    ) -> list[tuple[str, str]]:
        """Any links, or all that lead away from one member: it hears everything, unheard."""
        if self._rng.random() < 0.5:
            return self._rng.sample(links, self._rng.randrange(1, len(links) // 2 + 1))
        unheard = self._rng.choice(ids)
        return [link for link in links if link[0] == unheard]

    def _delay(self) -> int:
        spread = 80 if "reorder" in self._faults else 1
        self._injected["reorder"] += spread > 1
        delay = 5 + int(self._rng.random() * spread)
        if self._rng.random() < self._late:
            self._injected["delay"] += 1
            delay += int(self._rng.random() * 4_000)
        return delay
