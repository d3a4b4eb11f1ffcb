"""The project's own catalogue table (CSV with a header, JSON lines or list)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.entries import minutes_of, once, required_id
from platform_adapters.contract import Failure
from platform_adapters.errors import CatalogueError, RecordError
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import text_number
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS: tuple[str, ...] = (
    "item",
    "title",
    "description",
    "url",
    "content_key",
    "course",
    "section",
    "position",
    "type",
    "language",
    "duration_minutes",
    "skills",
    "prerequisites",
    "available_from",
    "available_until",
    "publisher",
    "hidden",
)
"""Columns of the catalogue table, in the order in which they are written."""

_TEXTS = (
    "title",
    "description",
    "url",
    "content_key",
    "course",
    "section",
    "type",
    "language",
    "available_from",
    "available_until",
    "publisher",
)


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a catalogue table.

    Raises:
        CatalogueError: There is no column `item`, or a row without one.
    """
    return once(_items(path), path)


def _items(path: Path) -> Iterator[CatalogueItem]:
    if read_start(path).lstrip()[:1] in {b"{", b"["}:
        rows = read_json(path)
    else:
        if "item" not in read_header(path):
            raise CatalogueError(
                f"{path.name}, line 1: the column 'item' is missing; every item needs an id, the "
                f"one that the logs use. Expected columns: {', '.join(COLUMNS[:5])}, ..."
            )
        rows = read_csv(path)
    for line, row in rows:
        if isinstance(row, Failure) or not isinstance(row, dict):
            reason = row.reason if isinstance(row, Failure) else "not a JSON object"
            raise CatalogueError(f"{path.name}, line {line}: {reason}")
        yield _item(row, path, line)


def _item(row: dict[str, Any], path: Path, line: int) -> CatalogueItem:
    try:
        position = text_number(row.get("position"), "position")
    except RecordError as error:
        raise CatalogueError(f"{path.name}, line {line}: {error}") from error
    texts = {name: str(row[name]).strip() for name in _TEXTS if row.get(name) is not None}
    return CatalogueItem(
        item=required_id(row.get("item"), path, line, "item"),
        position=int(position) if position is not None else None,
        duration_minutes=minutes_of(row.get("duration_minutes"), path, line),
        skills=_list(row.get("skills")),
        prerequisites=_list(row.get("prerequisites")),
        hidden=str(row.get("hidden", "")).strip().lower() in {"true", "1"},
        **texts,
    )


def _list(value: object) -> tuple[str, ...]:
    """Ids from a list or a text with `;` between them."""
    parts = value if isinstance(value, list) else str(value or "").split(";")
    return tuple(text for part in parts if (text := str(part).strip()))


def row_of(item: CatalogueItem) -> dict[str, object]:
    """An item as a row of the table; missing values are None."""
    row: dict[str, object] = {name: getattr(item, name) for name in COLUMNS}
    row["skills"], row["prerequisites"] = ";".join(item.skills), ";".join(item.prerequisites)
    return {name: None if value == "" else value for name, value in row.items()}
