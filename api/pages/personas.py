"""Example learners derived from the catalogue, so that a designer can look without anybody's data.

An example has done the first two items of a section, course or subject. Nothing here reads an
interaction.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.pages.wording import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.catalogue import CatalogueItem

MOST_PERSONAS = 6
SMALLEST_GROUP = 3
ITEMS_DONE = 2
NEWCOMER = "newcomer"
_NUMBERS = re.compile(r"(\d+)")
_TITLE_CUT = re.compile(r"\s*[,:–|]\s*|\s+-\s+")


@dataclass(frozen=True, slots=True)
class Persona:
    """An example learner.

    Attributes:
        key: Stable for a catalogue; part of the page's address.
        title: What the list shows.
        detail: What the example has done, in words.
        items: Item ids done, oldest first.
    """

    key: str
    title: str
    detail: str
    items: tuple[str, ...]


def personas(catalogue: Sequence[CatalogueItem]) -> tuple[Persona, ...]:
    """Examples for a catalogue: somebody new, and beginners in its largest groups.

    Args:
        catalogue: What can be recommended, in the catalogue's order.
    """
    if not catalogue:
        return ()
    groups: dict[str, list[CatalogueItem]] = {}
    titles = {item.item: item.title for item in catalogue}
    for item in catalogue:
        groups.setdefault(_group(item, titles), []).append(item)
    large = [(name, rows) for name, rows in groups.items() if name and len(rows) >= SMALLEST_GROUP]
    large.sort(key=lambda pair: (-len(pair[1]), pair[0]))
    newcomer = Persona(NEWCOMER, "Somebody new", "Has done nothing yet", ())
    return newcomer, *(_beginner(name, rows) for name, rows in large[: MOST_PERSONAS - 1])


def _group(item: CatalogueItem, titles: dict[str, str]) -> str:
    """Section, else course, else the subject that begins the title (`Education, course 3`)."""
    if item.section:
        return item.section
    if item.course and item.course != item.item:
        return titles.get(item.course) or item.course
    head, *rest = _TITLE_CUT.split(item.title, maxsplit=1)
    return head if rest else ""


def _beginner(name: str, rows: list[CatalogueItem]) -> Persona:
    first = sorted(rows, key=_place)[:ITEMS_DONE]
    shown = [row.title or row.item for row in first]
    return Persona(
        key=hashlib.sha256(name.encode()).hexdigest()[:10],
        title=f"Beginning: {name}",
        detail=f"Has done {listing(shown)}",
        items=tuple(row.item for row in first),
    )


def _place(item: CatalogueItem) -> tuple[bool, int, list[tuple[int, str]]]:
    """Own order where the catalogue has one, else the title with its numbers as numbers."""
    natural = [
        (int(part), "") if part.isdigit() and part.isascii() else (0, part)
        for part in _NUMBERS.split(item.title)
    ]
    return item.position is None, item.position or 0, natural
