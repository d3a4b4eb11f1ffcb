"""Statements flattened to CSV, as record stores and their tools export them.

A column is a path into the statement: `actor.account.name`, `statement.verb.id` (Learning Locker),
`context.contextActivities.parent[0].id` or `…parent.0.id`; behind `extensions` the rest is one IRI.
A cell may also hold a whole object as JSON. Empty cells are missing members.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.contract import Failure
from platform_adapters.readers.csv_rows import read_csv
from platform_adapters.readers.files import read_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json, Record

_MAX_PLACE = 64
"""Most entries of an array that columns may name."""

_INDEX = re.compile(r"\[(\d+)\]")
_NAMES = {
    name.casefold(): name
    for name in ("homePage", "objectType", "contextActivities", "interactionType", "moreInfo")
}
_NUMBERS = frozenset({"raw", "min", "max", "scaled"})
_TRUTH = {"true": True, "false": False}


def is_flat(path: Path) -> bool:
    """Whether a file is no JSON."""
    return read_start(path, 4096).lstrip()[:1] not in {b"{", b"[", b""}


@lru_cache(maxsize=1024)
def header_of(column: str) -> str:
    """A column as a path with dots: no `statement.` in front, no brackets, names in their case."""
    path = _INDEX.sub(r".\1", column.strip().replace("&46;", "."))
    head, mark, iri = path.partition("extensions.")
    parts = [part for part in head.split(".") if part]
    if parts and parts[0].casefold() == "statement":
        parts = parts[1:]
    named = ".".join(_NAMES.get(part.casefold(), part) for part in parts)
    return f"{named}.extensions.{iri}" if mark else named


def read_flat(path: Path) -> Iterator[Record]:
    """Rows as statements.

    Raises:
        ReadError: As `read_csv`.
    """
    for line, row in read_csv(path, rename=header_of):
        yield line, row if isinstance(row, Failure) else statement_of(row)


def statement_of(row: dict[str, str]) -> dict[str, Any]:
    """The statement that a row's columns are paths into."""
    statement: dict[str, Any] = {}
    for column, text in row.items():
        if text and column:
            _put(statement, _steps(column), text)
    return statement


@lru_cache(maxsize=1024)
def _steps(column: str) -> tuple[str, ...]:
    head, mark, iri = column.partition(".extensions.")
    return (*head.split("."), "extensions", iri) if mark else tuple(head.split("."))


def _put(statement: dict[str, Any], steps: tuple[str, ...], text: str) -> None:
    """Set a value; what contradicts an earlier column is left out, as a JSON cell says it all."""
    place: Json = statement
    for step, following in zip(steps, (*steps[1:], ""), strict=True):
        last = not following
        value: Json = _value(steps, text) if last else ([] if following.isdigit() else {})
        if isinstance(place, list):
            if not step.isdigit() or int(step) >= _MAX_PLACE:
                return
            while len(place) <= int(step):
                place.append({})
            if last:
                place[int(step)] = value
            place = place[int(step)]
        elif isinstance(place, dict):
            place = place.setdefault(step, value)
        else:
            return


def _value(steps: tuple[str, ...], text: str) -> Json:
    """A cell's value: what the specification has as a number or truth value becomes one."""
    if text[0] in "{[":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    if steps[0] == "result":
        if steps[-1] in {"success", "completion"}:
            return _TRUTH.get(text.casefold(), text)
        if steps[-1] in _NUMBERS or "extensions" in steps:
            try:
                return float(text)
            except ValueError:
                return text
    return text
