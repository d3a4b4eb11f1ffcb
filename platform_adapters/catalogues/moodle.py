"""Moodle: the table `course`, or `course_modules` with a column `name`, as CSV.

`idnumber` is the content key if it is an IRI or URN. `availability` of a module names the
modules that must be complete before it: they become its prerequisites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from platform_adapters.catalogues.entries import (
    global_key,
    minutes_of,
    once,
    required_id,
    text_of,
)
from platform_adapters.contract import Failure
from platform_adapters.errors import CatalogueError
from platform_adapters.readers.csv_rows import read_csv, read_header
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json

_SITE = "1"
"""The site's front page is the course of this number."""

_MAX_DEPTH = 20


def is_catalogue(path: Path) -> bool:
    """Whether a side table is one that `read_catalogue` reads: modules only with their names."""
    columns = set(read_header(path))
    return "fullname" in columns or {"course", "module", "name"} <= columns


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a course table or a module table.

    Raises:
        CatalogueError: It is neither, or a row has no id.
    """
    columns = set(read_header(path))
    if "id" not in columns:
        raise CatalogueError(
            f"{path.name}, line 1: the column 'id' is missing; expected Moodle's table course "
            "(id, fullname, idnumber, ...) or course_modules (id, course, name, ...)"
        )
    if "fullname" in columns:
        return once(_courses(path), path)
    if {"course", "module"} <= columns:
        return once(_modules(path), path)
    raise CatalogueError(f"{path.name}, line 1: neither Moodle's table course nor course_modules")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in read_csv(path, ("id",)):
        if isinstance(row, Failure):
            raise CatalogueError(f"{path.name}, line {line}: {row.reason}")
        yield line, row


def _courses(path: Path) -> Iterator[CatalogueItem]:
    rows = [(line, row) for line, row in _rows(path) if row["id"] != _SITE]
    # Moodle shows courses by sortorder, which need not be the order of the file.
    order = sorted(range(len(rows)), key=lambda i: (_whole(rows[i][1].get("sortorder")), i))
    position = {row: place for place, row in enumerate(order)}
    for number, (line, row) in enumerate(rows):
        own = required_id(row["id"], path, line, "id")
        yield CatalogueItem(
            item=own,
            title=text_of(row["fullname"]),
            description=text_of(row.get("summary")),
            content_key=global_key(row.get("content_key")) or global_key(row.get("idnumber")),
            course=own,
            position=position[number],
            type="course",
            language=row.get("lang", ""),
            duration_minutes=minutes_of(row.get("duration_minutes"), path, line),
            hidden=row.get("visible") == "0",
        )


def _modules(path: Path) -> Iterator[CatalogueItem]:
    for place, (line, row) in enumerate(_rows(path)):
        yield CatalogueItem(
            item=required_id(row["id"], path, line, "id"),
            title=text_of(row.get("name")),
            content_key=global_key(row.get("content_key")) or global_key(row.get("idnumber")),
            course=row["course"],
            section=row.get("section", ""),
            position=place,
            type=row.get("modname") or row["module"],
            language=row.get("lang", ""),
            duration_minutes=minutes_of(row.get("duration_minutes"), path, line),
            prerequisites=tuple(_required_modules(row.get("availability", ""))),
            hidden=row.get("visible") == "0" or row.get("deletioninprogress") == "1",
        )


def _required_modules(availability: str) -> Iterator[str]:
    """Course modules that a restriction demands to be complete, all of them."""
    if not availability:
        return
    try:
        tree = orjson.loads(availability)
    except orjson.JSONDecodeError:
        return
    yield from _conditions(tree, 0)


def _conditions(node: Json, depth: int) -> Iterator[str]:
    if not isinstance(node, dict) or depth > _MAX_DEPTH:
        return
    if node.get("type") == "completion" and str(node.get("e")) in {"1", "2"}:
        yield str(node.get("cm"))
    children = node.get("c")
    # "&" demands all of its conditions; any other operator demands none for certain.
    if node.get("op") == "&" and isinstance(children, list):
        for child in children:
            yield from _conditions(child, depth + 1)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
