"""What all catalogue readers share: whole JSON files, checked ids, keys that are global."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.errors import CatalogueError, RecordError
from platform_adapters.readers.files import Position, open_bytes
from platform_adapters.values import identifier, text_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from platform_adapters.contract import Json
    from recommender.catalogue import CatalogueItem

MAX_BYTES = 256 << 20
"""Largest catalogue file in JSON; it is parsed as a whole."""

_GLOBAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_TAGS = re.compile(r"<[^>]*>")


def load_json(path: Path) -> Json:
    """Parse a whole JSON file.

    Raises:
        CatalogueError: It is not JSON, or larger than 256 MiB.
        ReadError: It cannot be read.
    """
    with open_bytes(path, Position()) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CatalogueError(f"{path.name} is larger than 256 MiB; split it by course")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CatalogueError(
            f"{path.name}, line {error.lineno}: not JSON ({error.msg}); export it again"
        ) from error


def listed(value: Json, path: Path, *members: str) -> list[dict[str, Any]]:
    """The objects of a list, or of the first of these members that is one.

    Raises:
        CatalogueError: There is no such list, or something in it is no object.
    """
    if isinstance(value, dict):
        value = next((value[name] for name in members if isinstance(value.get(name), list)), None)
    if not isinstance(value, list):
        expected = " or ".join(["a JSON list", *(f"an object with {m!r}" for m in members)])
        raise CatalogueError(f"{path.name}: expected {expected}")
    for place, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise CatalogueError(f"{path.name}, entry {place}: not a JSON object")
    return value


def required_id(value: object, path: Path, place: int, field: str) -> str:
    """An entry's id.

    Raises:
        CatalogueError: There is none, or it is longer than 1,024 bytes.
    """
    try:
        return identifier(value, field)
    except RecordError as error:
        raise CatalogueError(
            f"{path.name}, entry {place}: {error}; every item needs an id, the one that the "
            "logs use"
        ) from error


def once(items: Iterable[CatalogueItem], path: Path) -> Iterator[CatalogueItem]:
    """Refuse a catalogue that gives one id to two items, and an empty one.

    Raises:
        CatalogueError: An id repeats, or there is no item.
    """
    seen: set[str] = set()
    for place, item in enumerate(items, 1):
        if item.item in seen:
            raise CatalogueError(
                f"{path.name}, entry {place}: the id of another item, {item.item!r}; "
                "ids must be unique"
            )
        seen.add(item.item)
        yield item
    if not seen:
        raise CatalogueError(f"{path.name}: holds no item")


def text_of(value: object) -> str:
    """Plain text: markup goes, space is normalised; empty if there is none."""
    if not isinstance(value, str):
        return ""
    return " ".join(_TAGS.sub(" ", value).split())


def global_key(value: object) -> str:
    """A content key, if the value is one: an IRI, URN, DOI or ISBN with its scheme."""
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= 1024 and _GLOBAL.fullmatch(text) else ""


def minutes_of(value: object, path: Path, place: int) -> float | None:
    """Minutes as a number, or None.

    Raises:
        CatalogueError: It is something else, or negative.
    """
    try:
        found = text_number(value, "duration_minutes")
    except RecordError as error:
        raise CatalogueError(f"{path.name}, entry {place}: {error}") from error
    if found is not None and found < 0:
        raise CatalogueError(f"{path.name}, entry {place}: duration_minutes is negative")
    return found
