"""Prerequisites in order: what must come before an item, and whether it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.paths.catalogue import PathCatalogue


MAX_TEACHERS = 3
"""Teachers of one skill tried before an item is left out."""
MAX_VISITS = 500
"""Bounds the search for one item, whatever the catalogue says."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item cannot be placed: a code of `texts.EXCLUSIONS`, and what it needs."""

    code: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One item of a chain.

    Attributes:
        row: Catalogue row.
        needed_by: Row of the item that needs it; None for the item asked for.
        skill: The skill it is needed for; empty where the item itself is needed.
    """

    row: int
    needed_by: int | None = None
    skill: str = ""


class Planner:
    """Finds what has to come before an item, at one point of a path.

    Args:
        catalogue: The catalogue.
        is_open: Whether a row may be placed now.
        met: Item and skill ids that are met: done, or provided by earlier steps.
        score: Score of a row; among several teachers of a skill the best is taken.
        room: Most items of a chain, the one asked for included.
    """

    def __init__(
        self,
        catalogue: PathCatalogue,
        is_open: Callable[[int], bool],
        met: frozenset[str],
        score: Callable[[int], float],
        room: int,
    ) -> None:
        self._catalogue = catalogue
        self._is_open = is_open
        self._met = met
        self._score = score
        self._room = room
        self._visits = 0

    def chain(self, row: int) -> tuple[Link, ...] | Refusal:
        """List the open items to take, prerequisites first, the item itself last."""
        self._visits = 0
        chain: list[Link] = []
        refusal = self._visit(Link(row), (), chain)
        return tuple(chain) if refusal is None else refusal

    def _visit(self, link: Link, above: tuple[int, ...], chain: list[Link]) -> Refusal | None:
        if link.row in above:
            return Refusal("prerequisite_cycle")
        self._visits += 1
        if self._visits > MAX_VISITS:
            return Refusal("prerequisite_tangle")
        if len(above) >= self._room:
            return Refusal("limit")
        for need in self._catalogue.items[link.row].prerequisites:
            refusal = self._provide(need, (*above, link.row), chain)
            if refusal is not None:
                return refusal
        chain.append(link)
        return Refusal("limit") if len(chain) > self._room else None

    def _provide(self, need: str, above: tuple[int, ...], chain: list[Link]) -> Refusal | None:
        catalogue = self._catalogue
        if need in self._met or any(need in provides(catalogue, link.row) for link in chain):
            return None
        if need in catalogue.index:
            row = catalogue.index[need]
            if not self._is_open(row):
                return Refusal("prerequisite_missing", need)
            return self._visit(Link(row, needed_by=above[-1]), above, chain)
        return self._teach(need, above, chain)

    def _teach(self, skill: str, above: tuple[int, ...], chain: list[Link]) -> Refusal | None:
        teachers = [row for row in self._catalogue.teaches.get(skill, ()) if self._is_open(row)]
        refusals = []
        for row in sorted(teachers, key=lambda row: (-self._score(row), row))[:MAX_TEACHERS]:
            length = len(chain)
            refusal = self._visit(Link(row, needed_by=above[-1], skill=skill), above, chain)
            if refusal is None or refusal.code == "prerequisite_tangle":
                return refusal
            refusals.append(refusal)
            del chain[length:]
        # Where every teacher fails, the best one's reason is the skill's.
        return refusals[0] if refusals else Refusal("prerequisite_missing", skill)


def provides(catalogue: PathCatalogue, row: int) -> frozenset[str]:
    """Ids that are met once an item is done: itself and the skills it teaches."""
    item = catalogue.items[row]
    return frozenset({item.item, *item.skills})
