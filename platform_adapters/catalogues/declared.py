"""Catalogues as data: which column says what, and the one reader for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.entries import (
    global_key,
    minutes_of,
    once,
    required_id,
    text_of,
)
from platform_adapters.contract import Failure
from platform_adapters.errors import CatalogueError, RecordError
from platform_adapters.fields import getter
from platform_adapters.format import ROWS, Sign
from platform_adapters.readers.rows import read_rows
from platform_adapters.values import text_number
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Set
    from pathlib import Path

    from platform_adapters.fields import Field


@dataclass(frozen=True, slots=True)
class Entries:
    """A catalogue of rows.

    Attributes:
        what: What it is called on the platform.
        marks: Columns by which it is known.
        fields: Where the columns of the catalogue table stand; `item` must be among them. Where
            nothing says the `position`, it is the order of the rows.
        when: Rows of which nothing stands here are no items.
        hidden: Values of the field `hidden` that mean that learners do not see the item.
        example: What one record says, in a sentence.
    """

    what: str
    marks: Set[str]
    fields: Mapping[str, Field]
    when: Field | None = None
    hidden: Set[str] = frozenset({"1", "true", "True"})
    example: str = ""

    def sign(self) -> Sign:
        """How its files are recognised."""
        return Sign(self.what, self.marks, role="catalogue", example=self.example)


@dataclass(frozen=True, slots=True)
class Reader:
    """A catalogue that is no rows: a function reads it.

    Attributes:
        what: What it is called on the platform.
        marks: Names by which it is known.
        read: What reads it.
        kinds: Kinds of file it may be.
        example: What one record says, in a sentence.
    """

    what: str
    marks: Set[str]
    read: Callable[[Path], Iterator[CatalogueItem]]
    kinds: tuple[str, ...] = ROWS
    example: str = ""

    def sign(self) -> Sign:
        """How its files are recognised."""
        return Sign(self.what, self.marks, self.kinds, role="catalogue", example=self.example)


_TEXTS = frozenset(
    {
        "title",
        "description",
        "url",
        "course",
        "section",
        "type",
        "language",
        "available_from",
        "available_until",
        "publisher",
    }
)


def read_entries(
    entries: Entries, path: Path, rename: Callable[[str], str]
) -> Iterator[CatalogueItem]:
    """Items of a catalogue of rows.

    Raises:
        CatalogueError: A row has no id, or one that another has.
    """
    return once(_items(entries, path, rename), path)


def _items(entries: Entries, path: Path, rename: Callable[[str], str]) -> Iterator[CatalogueItem]:
    takes = {column: getter(where, {}) for column, where in entries.fields.items()}
    wanted = getter(entries.when, {}) if entries.when is not None else None
    place = -1
    for line, row in read_rows(path, rename):
        if isinstance(row, Failure) or not isinstance(row, dict):
            reason = row.reason if isinstance(row, Failure) else "not a JSON object"
            raise CatalogueError(f"{path.name}, line {line}: {reason}")
        if wanted is not None and not wanted(row):
            continue
        place += 1
        values = {column: take(row) for column, take in takes.items()}
        yield _item(entries, values, path, line, place)


def _item(
    entries: Entries, values: dict[str, Any], path: Path, line: int, place: int
) -> CatalogueItem:
    position = _position(values.get("position"), path, line)
    texts = {n: text_of(v if v is None else str(v)) for n, v in values.items() if n in _TEXTS}
    return CatalogueItem(
        item=required_id(values["item"], path, line, "item"),
        position=place if position is None else position,
        content_key=global_key(values.get("content_key")),
        duration_minutes=minutes_of(values.get("duration_minutes"), path, line),
        hidden=str(values.get("hidden", "")) in entries.hidden,
        skills=_list(values.get("skills")),
        prerequisites=_list(values.get("prerequisites")),
        **texts,
    )


def _position(value: object, path: Path, line: int) -> int | None:
    try:
        found = text_number(value, "position")
    except RecordError as error:
        raise CatalogueError(f"{path.name}, line {line}: {error}") from error
    return None if found is None else int(found)


def _list(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else str(value or "").split(";")
    return tuple(text for part in parts if (text := str(part).strip()))
