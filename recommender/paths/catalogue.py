"""A platform's catalogue in the form that paths need: arrays over items, and who needs whom.

Built once per catalogue revision; every array is in the order of the catalogue's rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem

COURSE_TYPE = "course"


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where a model's items are in a catalogue.

    Attributes:
        item_ids: The model's items.
        place: Place of each among them.
        places: For each catalogue row its place among them, or -1; int64, `(n,)`.
    """

    item_ids: tuple[str, ...]
    place: dict[str, int]
    places: NDArray[np.int64]


class PathCatalogue:
    """What can be recommended, indexed.

    Attributes:
        items: The rows.
        index: Row of each item id.
        course_order: Rank of each row in the catalogue's own order; int64, `(n,)`.
        is_course: Course-level rows; bool, `(n,)`.
        hidden: Rows hidden from learners; bool, `(n,)`.
        opens: First second of availability, -inf if always; NaN if unreadable; float64, `(n,)`.
        closes: Last second of availability, +inf if never; NaN if unreadable; float64, `(n,)`.
        minutes: Expected time, NaN if unknown; float64, `(n,)`.
        teaches: Rows that teach each skill.
    """

    def __init__(self, items: Sequence[CatalogueItem]) -> None:
        """Index the rows.

        Raises:
            RecommenderError: Two rows have the same item id.
        """
        self.items = tuple(items)
        self.index = {item.item: row for row, item in enumerate(self.items)}
        if len(self.index) != len(self.items):
            twice = next(i.item for row, i in enumerate(self.items) if self.index[i.item] != row)
            raise RecommenderError(f"catalogue item {twice!r} occurs more than once")
        self.course_order = _course_order(self.items)
        self.is_course = np.array([i.type == COURSE_TYPE for i in self.items], dtype=np.bool_)
        self.hidden = np.array([i.hidden for i in self.items], dtype=np.bool_)
        self.opens = _floats(_moment(i.available_from, -math.inf) for i in self.items)
        self.closes = _floats(_end(i.available_until) for i in self.items)
        self.minutes = _floats(_minutes(i.duration_minutes) for i in self.items)
        self.teaches: dict[str, tuple[int, ...]] = {}
        for row, item in enumerate(self.items):
            for skill in item.skills:
                self.teaches[skill] = (*self.teaches.get(skill, ()), row)
        self._courses = np.array([i.course for i in self.items], dtype=object)
        self._ids = np.array([i.item for i in self.items], dtype=object)
        self._languages = [i.language.lower() for i in self.items]
        self._alignment = self._align(())

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.items)

    def has_course(self, course: str) -> bool:
        """Tell whether any row belongs to, or is, a course."""
        return bool(self.in_courses({course}).any())

    def in_courses(self, courses: set[str] | frozenset[str]) -> NDArray[np.bool_]:
        """Rows that belong to, or are, one of some courses; bool, `(n,)`."""
        wanted = list(courses)
        return np.isin(self._courses, wanted) | (self.is_course & np.isin(self._ids, wanted))

    def in_language(self, language: str) -> NDArray[np.bool_]:
        """Rows in a language, by the prefix of its tag, and rows without one; bool, `(n,)`."""
        wanted = language.lower()
        return np.array(
            [not tag or tag == wanted or tag.startswith(f"{wanted}-") for tag in self._languages],
            dtype=np.bool_,
        )

    def rows(self, ids: frozenset[str]) -> NDArray[np.bool_]:
        """Rows of some item ids; unknown ids have none; bool, `(n,)`."""
        mask = np.zeros(len(self.items), dtype=np.bool_)
        mask[[self.index[item] for item in ids if item in self.index]] = True
        return mask

    def align(self, item_ids: tuple[str, ...]) -> Alignment:
        """Match a model's items with the rows; remembered for the last model asked about."""
        kept = self._alignment  # read once: another thread may put its own there meanwhile
        if kept.item_ids is not item_ids:
            self._alignment = kept = self._align(item_ids)
        return kept

    def title(self, row: int) -> str:
        """Title of a row, or its id."""
        return self.items[row].title or self.items[row].item

    def _align(self, item_ids: tuple[str, ...]) -> Alignment:
        place = {item: index for index, item in enumerate(item_ids)}
        places = np.array([place.get(i.item, -1) for i in self.items], dtype=np.int64)
        return Alignment(item_ids, place, places)


def _course_order(items: Sequence[CatalogueItem]) -> NDArray[np.int64]:
    """Courses as they first appear, positions inside them, rows where there is no position."""
    first: dict[str, int] = {}
    for row, item in enumerate(items):
        first.setdefault(item.course, row)
    keys = [
        (first[item.course], math.inf if item.position is None else item.position, row)
        for row, item in enumerate(items)
    ]
    rank = np.empty(len(items), dtype=np.int64)
    rank[[row for *_, row in sorted(keys)]] = np.arange(len(items))
    return rank


def _floats(values: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


def _minutes(value: float | None) -> float:
    return value if value is not None and 0 <= value < math.inf else math.nan


def _end(text: str) -> float:
    """Last second of an availability; a date without a time ends with its day."""
    end = _moment(text, math.inf)
    return end if "T" in text or " " in text else end + 86_399


def _moment(text: str, otherwise: float) -> float:
    """Unix seconds of an ISO 8601 text (UTC where it has no offset); NaN if unreadable."""
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
