"""Moodle: courses and course modules out of a dump's tables, a backup, or a live database.

- Names of modules stand in the tables of their instances (`page`, `quiz`, ...), their order in
  `course_sections`, and what must come first in `availability`; what of that is no prerequisite
  for certain is said in a warning.
- Modules are called `module:340`: courses and modules are numbered alike.
- `idnumber` is the content key if it is an IRI or URN.
- What Moodle hides from learners is marked hidden, and so are labels, which cannot be opened.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from platform_adapters.catalogues.entries import (
    global_key,
    minutes_of,
    once,
    required_id,
    text_of,
)
from platform_adapters.catalogues.moodle_availability import PREVIOUS, Demands
from platform_adapters.contract import Failure
from platform_adapters.engines.moodle_tables import CsvTables, read_table
from platform_adapters.errors import CatalogueError
from platform_adapters.formats.moodle.words import module_id
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.moodle_backup import BackupTables, is_backup
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.engines.moodle_tables import TableSource
    from platform_adapters.formats.moodle.words import Row

_LOG = logging.getLogger("murmuration.catalogue")

_SITE = "1"
"""The site's front page is the course of this number."""

_INSTANCE = ("id", "name")
_NEVER_OPENED = frozenset({"label", "subsection", "qbank"})


def is_catalogue(path: Path) -> bool:
    """Whether an input is one that `read_catalogue` reads."""
    if is_backup(path):
        return True
    columns = set(read_header(path))
    return "fullname" in columns or {"course", "module", "instance"} <= columns


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a backup, a course table, or a module table.

    A module table without names is completed by the other tables in its folder.

    Raises:
        CatalogueError: It is none of them, or a row has no id.
    """
    if path.is_dir():
        return once(items_of(CsvTables(_tables_in(path))), path)
    if is_backup(path):
        backup = BackupTables(path)
        return once(items_of(backup, backup.site), path)
    columns = set(read_header(path))
    if "id" not in columns:
        raise CatalogueError(
            f"{path.name}, line 1: the column 'id' is missing; expected Moodle's table course "
            "(id, fullname, idnumber, ...) or course_modules (id, course, name, ...)"
        )
    if "fullname" in columns:
        return once(_courses(CsvTables([path]), path), path)
    if {"course", "module"} <= columns:
        _check_ids(path)
        others = [] if "name" in columns else _tables_in(path.parent)
        found = _modules(CsvTables([path, *(o for o in others if o != path)]), "", path)
        return once(found, path)
    raise CatalogueError(f"{path.name}, line 1: neither Moodle's table course nor course_modules")


def items_of(source: TableSource, site: str = "") -> Iterator[CatalogueItem]:
    """Courses and modules of a site, or of the part of one that a source holds.

    Args:
        source: Where the tables come from.
        site: Address of the site; without it items have no URL.
    """
    yield from _courses(source, None, site)
    yield from _modules(source, site)


def _tables_in(folder: Path) -> list[Path]:
    inside = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in inside if path.is_file() and read_header(path)[:1])


def _check_ids(path: Path) -> None:
    for line, row in read_csv(path, ("id",)):
        if isinstance(row, Failure):
            raise CatalogueError(f"{path.name}, line {line}: {row.reason}")
        required_id(row["id"], path, line, "id")


def _courses(source: TableSource, path: Path | None, site: str = "") -> Iterator[CatalogueItem]:
    rows = [row for row in read_table(source, "course") if row["id"] != _SITE]
    # Moodle shows courses by sortorder, which need not be the order of the file.
    order = sorted(range(len(rows)), key=lambda i: (_whole(rows[i].get("sortorder")), i))
    position = {row: place for place, row in enumerate(order)}
    for number, row in enumerate(rows):
        own = required_id(row["id"], path, number + 1, "id") if path else row["id"]
        yield CatalogueItem(
            item=own,
            title=text_of(row["fullname"]),
            description=text_of(row.get("summary")),
            url=f"{site}/course/view.php?id={own}" if site else "",
            content_key=global_key(row.get("content_key")) or global_key(row.get("idnumber")),
            course=own,
            position=position[number],
            type="course",
            language=row.get("lang", "").replace("_", "-"),
            duration_minutes=_minutes(row, path, number),
            hidden=row.get("visible") == "0",
        )


def _minutes(row: Row, path: Path | None, number: int) -> float | None:
    return minutes_of(row.get("duration_minutes"), path, number + 1) if path else None


def _modules(source: TableSource, site: str, path: Path | None = None) -> Iterator[CatalogueItem]:
    table = _ModuleTable(source)
    others: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for number, row in enumerate(table.rows):
        demands = table.demands(row)
        others.update(demands.others.keys())
        kind = table.kind(row)
        section = table.sections.get(row.get("section", ""), {})
        yield CatalogueItem(
            item=module_id(row["id"]),
            title=text_of(table.title(row)),
            url=f"{site}/mod/{kind}/view.php?id={row['id']}" if site else "",
            content_key=global_key(row.get("content_key")) or global_key(row.get("idnumber")),
            course=row["course"],
            section=text_of(section.get("name")) or section.get("section", row.get("section", "")),
            position=places[row["course"]],
            type=kind,
            language=row.get("lang", "").replace("_", "-"),
            duration_minutes=_minutes(row, path, number),
            prerequisites=tuple(map(module_id, table.resolved(row, demands, others))),
            hidden=table.hidden(row),
        )
        places[row["course"]] += 1
    if others:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in others.most_common())
        _LOG.warning(
            "%s: conditions of modules that are not prerequisites for certain were left out "
            "(with the number of modules): %s. What Moodle "
            "then shows as locked may be recommended; state prerequisites as overrides",
            source.name,
            kinds,
        )


class _ModuleTable:
    """The modules in the order in which learners see them, and what belongs to them."""

    def __init__(self, source: TableSource) -> None:
        self._source = source
        self.sections = {row["id"]: row for row in read_table(source, "course_sections")}
        self._kinds = {row["id"]: row["name"] for row in read_table(source, "modules")}
        self._shown = {r["id"]: r.get("visible") != "0" for r in read_table(source, "course")}
        rows = list(read_table(source, "course_modules"))
        rows = [row for row in rows if row.get("deletioninprogress", "0") != "1"]
        places = self._places()
        if places:
            rows.sort(key=lambda row: places.get(row["id"], (_whole(row["course"]), 1 << 30, 0)))
        self.rows = rows
        self._ids = {row["id"] for row in rows}
        self._names: dict[str, dict[str, str]] = {}
        self._tracked = self._before()

    def _places(self) -> dict[str, tuple[int, int, int]]:
        """Course, section and place in the section of each module."""
        found = {}
        for section in self.sections.values():
            where = _whole(section["course"]), _whole(section["section"])
            for place, module in enumerate(section.get("sequence", "").split(",")):
                found[module.strip()] = (*where, place)
        return found

    def _before(self) -> dict[str, str]:
        """For each module the one before it in its course that tracks completion."""
        found: dict[str, str] = {}
        last: dict[str, str] = {}
        for row in self.rows:
            found[row["id"]] = last.get(row["course"], "")
            if row.get("completion", "0") not in {"", "0"}:
                last[row["course"]] = row["id"]
        return found

    def kind(self, row: Row) -> str:
        """Name of the module's kind; its number if `modules` is not there."""
        return row.get("modname") or self._kinds.get(row["module"], row["module"])

    def title(self, row: Row) -> str:
        """The module's name, from the table of its kind."""
        if row.get("name"):
            return row["name"]
        kind = self.kind(row)
        if kind not in self._names:
            columns = self._source.columns(kind)
            rows = self._source.rows(kind, _INSTANCE) if set(_INSTANCE) <= columns else ()
            self._names[kind] = {found["id"]: found["name"] for found in rows}
        return self._names[kind].get(row["instance"], "")

    def hidden(self, row: Row) -> bool:
        """Whether learners do not see the module on the course's page."""
        section = self.sections.get(row.get("section", ""), {})
        marks = (row.get("visible"), row.get("visibleoncoursepage"), section.get("visible"))
        shown = self._shown.get(row["course"], True)
        return "0" in marks or not shown or self.kind(row) in _NEVER_OPENED

    def demands(self, row: Row) -> Demands:
        """What the module's own tree and its section's demand."""
        demands = Demands()
        demands.add(row.get("availability", ""))
        demands.add(self.sections.get(row.get("section", ""), {}).get("availability", ""))
        return demands

    def resolved(self, row: Row, demands: Demands, others: Counter[str]) -> list[str]:
        """The modules demanded; those that are gone are counted among the others."""
        found = [self._tracked[row["id"]] if m == PREVIOUS else m for m in demands.modules]
        if not self._ids.issuperset(found):
            others["a module that is not there"] += 1
        return [module for module in dict.fromkeys(found) if module in self._ids]


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
