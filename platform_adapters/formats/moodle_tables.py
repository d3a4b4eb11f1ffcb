"""Moodle's tables: which are read, how a CSV of one is known, and what is looked up in them.

A table may come as CSV of a dump (any prefix), out of a live database or out of a course
backup; all three are a `TableSource`. Names and columns are those of Moodle's `install.xml`
files, 3.11 to 5; columns that a version lacks are missing values.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers.csv_rows import read_csv, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record

Row = dict[str, str]
Table = dict[str, Row]
Equal = tuple[str, "Sequence[int] | Sequence[str]"]

LOG = "logstore_standard_log"

COLUMNS: Mapping[str, tuple[str, ...]] = {
    LOG: (
        *("id", "eventname", "objectid", "contextlevel", "contextinstanceid", "userid"),
        *("courseid", "relateduserid", "anonymous", "other", "timecreated", "origin"),
        "realuserid",
    ),
    "course_modules_completion": (
        *("id", "coursemoduleid", "userid", "completionstate", "overrideby", "timemodified"),
    ),
    "grade_grades": (
        *("id", "itemid", "userid", "finalgrade", "overridden", "timecreated", "timemodified"),
    ),
    "quiz_attempts": (
        *("id", "quiz", "userid", "attempt", "preview", "state", "timestart", "timefinish"),
        *("timemodified", "sumgrades"),
    ),
    "scorm_scoes_track": (
        *("id", "userid", "scormid", "scoid", "attempt", "element", "value", "timemodified"),
    ),
    "scorm_scoes_value": ("id", "scoid", "attemptid", "elementid", "value", "timemodified"),
    "course_completions": ("id", "userid", "course", "timecompleted"),
    "user_enrolments": ("id", "enrolid", "userid", "timestart", "timecreated"),
    "scorm_attempt": ("id", "userid", "scormid", "attempt"),
    "scorm_element": ("id", "element"),
    "enrol": ("id", "enrol", "courseid"),
    "grade_items": (
        *("id", "courseid", "itemtype", "itemmodule", "iteminstance", "gradetype", "grademax"),
        *("grademin", "gradepass"),
    ),
    "course_modules": (
        *("id", "course", "module", "instance", "section", "idnumber", "visible"),
        *("visibleoncoursepage", "completion", "availability", "deletioninprogress", "lang"),
    ),
    "modules": ("id", "name"),
    "quiz": ("id", "course", "name", "sumgrades"),
    "course": ("id", "fullname", "idnumber", "summary", "sortorder", "visible", "lang"),
    "course_sections": (
        *("id", "course", "section", "name", "sequence", "visible", "availability"),
    ),
    "role_assignments": ("roleid", "contextid", "userid"),
    "context": ("id", "contextlevel", "instanceid", "path"),
    "role": ("id", "shortname", "archetype"),
    "user": ("id", "username"),
}
"""Tables that are read, and nothing but these columns of them; names of people are not there."""

STATES = (
    "course_modules_completion",
    "grade_grades",
    "quiz_attempts",
    "scorm_scoes_track",
    "scorm_scoes_value",
    "course_completions",
    "user_enrolments",
)
"""Tables that hold what came of it, better than the log does; their rows are events."""

MARKS: tuple[tuple[str, str, str], ...] = (
    (LOG, "eventname userid timecreated", ""),
    ("course_modules_completion", "coursemoduleid userid completionstate", ""),
    ("grade_items", "id itemtype grademax", "oldid"),
    ("grade_grades", "id itemid userid finalgrade", "oldid"),
    ("quiz_attempts", "id quiz attempt timefinish", ""),
    ("scorm_scoes_track", "userid scormid scoid element value", ""),
    ("scorm_scoes_value", "scoid attemptid elementid value", ""),
    ("scorm_attempt", "id userid scormid attempt", "scoid"),
    ("scorm_element", "id element", "value"),
    ("course_completions", "userid course timecompleted", "criteriaid"),
    ("user_enrolments", "id enrolid userid status", ""),
    ("enrol", "id enrol courseid", ""),
    ("role_assignments", "roleid contextid userid", ""),
    ("role", "id shortname archetype", ""),
    ("context", "id contextlevel instanceid", ""),
    ("user", "id username", ""),
    ("course_modules", "id course module instance", ""),
    ("course_sections", "id course section sequence", ""),
    ("course", "id fullname shortname", ""),
    ("quiz", "id sumgrades timelimit", ""),
)
"""A table, columns that it has, and one that it has not: it is known by them, not by its name."""

_INSTANCE = frozenset({"id", "course", "name"})

SCORM_BOUNDS: Mapping[str, str] = {
    "cmi.core.score.min": "min",
    "cmi.score.min": "min",
    "cmi.core.score.max": "max",
    "cmi.score.max": "max",
    "cmi.score.scaled": "scaled",
}
"""Elements of SCORM that say what a raw score is worth."""


class TableSource(Protocol):
    """Where tables come from."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def columns(self, table: str) -> frozenset[str]:
        """Columns of a table; empty if it is not there."""
        ...

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Its rows, missing values empty; only those whose column has one of the values."""
        ...


def module_id(number: str) -> str:
    """What a course module is called here: courses and modules are numbered alike."""
    return f"module:{number}"


def table_of(path: Path) -> str:
    """Which table a CSV is; empty if none that is read.

    The tables of modules' instances (page, quiz, ...) look alike: their name is the end of the
    file's, after the prefix.
    """
    columns = frozenset(read_header(path))
    for table, needed, without in MARKS:
        if columns >= frozenset(needed.split()) and without not in columns:
            return table
    stem = path.name.partition(".")[0].rpartition("_")[2].lower()
    if columns >= _INSTANCE:
        return stem
    return "modules" if columns >= {"id", "name"} and stem == "modules" else ""


class CsvTables:
    """Tables of a dump, one or several CSV files each."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths: dict[str, list[Path]] = {}
        for path in paths:
            self._paths.setdefault(table_of(path), []).append(path)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "the dump"

    def columns(self, table: str) -> frozenset[str]:
        """Columns of a table's first file."""
        paths = self._paths.get(table)
        return frozenset(read_header(paths[0])) if paths else frozenset()

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of all of a table's files.

        Raises:
            ReadError: A row is no CSV: a side table with holes would be worse than none.
        """
        del columns  # a CSV has what it has
        allowed = {str(value) for value in equal[1]} if equal else frozenset()
        for path in self._paths.get(table, ()):
            for line, row in read_csv(path):
                if isinstance(row, Failure):
                    raise ReadError(f"{path.name}, line {line}: {row.reason}")
                if equal is None or row.get(equal[0]) in allowed:
                    yield row


@dataclass(frozen=True)
class UnitedTables:
    """Several sources as one: a site numbers its rows throughout, so they do not collide."""

    parts: Sequence[TableSource]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return ", ".join(part.name for part in self.parts)

    def columns(self, table: str) -> frozenset[str]:
        """Columns that any part has."""
        return frozenset().union(*(part.columns(table) for part in self.parts))

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of all parts."""
        for part in self.parts:
            if part.columns(table):
                yield from part.rows(table, columns, equal=equal)


def whole(table: str, rows: Iterator[Row], columns: frozenset[str]) -> Iterator[Row]:
    """Rows with every column that is read of their table; those that it lacks are empty."""
    missing = {name: "" for name in COLUMNS[table] if name not in columns}
    return ({**missing, **row} for row in rows) if missing else rows


def read_table(source: TableSource, table: str, *, equal: Equal | None = None) -> Iterator[Row]:
    """Rows of a table with the columns that are read of it; none if it is not there."""
    columns = source.columns(table)
    if columns:
        yield from whole(table, source.rows(table, COLUMNS[table], equal=equal), columns)


def state_records(path: Path, table: str) -> Iterator[Record]:
    """Rows of a state table's CSV, each with the table's name."""
    columns = frozenset(read_header(path))
    missing = {name: "" for name in COLUMNS[table] if name not in columns}
    for line, row in read_csv(path):
        yield line, row if isinstance(row, Failure) else (table, {**missing, **row})


def track_key(row: Row) -> tuple[str, ...]:
    """What makes an attempt at an object of a SCORM package."""
    return row["scormid"], row["userid"], row["attempt"], row["scoid"]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


class Lookups:
    """What the log and the state tables refer to; each table is read when it is first needed."""

    def __init__(self, source: TableSource) -> None:
        self.source = source

    def _by_id(self, table: str) -> Table:
        return {row["id"]: row for row in read_table(self.source, table)}

    @cached_property
    def grade_items(self) -> Table:
        """Ranges and places of grades."""
        return self._by_id("grade_items")

    @cached_property
    def quizzes(self) -> Table:
        """Maximum of each quiz."""
        return self._by_id("quiz")

    @cached_property
    def started_attempts(self) -> dict[str, int]:
        """Number of each quiz attempt; 0 for a teacher's preview. A number each: there are many."""
        rows = read_table(self.source, "quiz_attempts")
        return {row["id"]: 0 if row["preview"] == "1" else _number(row["attempt"]) for row in rows}

    @cached_property
    def enrolments(self) -> dict[str, str]:
        """Course of each way to enrol."""
        return {row["id"]: row["courseid"] for row in read_table(self.source, "enrol")}

    @cached_property
    def scorm_attempts(self) -> dict[str, tuple[str, str, str]]:
        """Learner, package and number of each SCORM attempt (Moodle 4.3 and later)."""
        rows = read_table(self.source, "scorm_attempt")
        return {row["id"]: (row["userid"], row["scormid"], row["attempt"]) for row in rows}

    @cached_property
    def scorm_elements(self) -> dict[str, str]:
        """Names of SCORM's elements (Moodle 4.3 and later)."""
        return {row["id"]: row["element"] for row in read_table(self.source, "scorm_element")}

    def whole_track(self, row: Row) -> Row | None:
        """A row of `scorm_scoes_value` as `scorm_scoes_track` had it; None if parts are missing."""
        attempt = self.scorm_attempts.get(row["attemptid"])
        element = self.scorm_elements.get(row["elementid"])
        if attempt is None or element is None:
            return None
        user, package, number = attempt
        return {**row, "userid": user, "scormid": package, "attempt": number, "element": element}

    def prepare_tracks(self) -> None:
        """Read what tracks refer to, since not every database reads two tables at a time."""
        _ = self.scorm_attempts, self.scorm_elements, self._modules

    @cached_property
    def scorm_bounds(self) -> dict[tuple[str, ...], Row]:
        """Minimum, maximum and scaled score of each attempt at each object of a package."""
        self.prepare_tracks()
        named = ("element", tuple(SCORM_BOUNDS))
        ids = [int(i) for i, element in self.scorm_elements.items() if element in SCORM_BOUNDS]
        old = read_table(self.source, "scorm_scoes_track", equal=named)
        new = read_table(self.source, "scorm_scoes_value", equal=("elementid", ids)) if ids else ()
        found: dict[tuple[str, ...], Row] = {}
        for row in (*old, *filter(None, map(self.whole_track, new))):
            found.setdefault(track_key(row), {})[SCORM_BOUNDS[row["element"]]] = row["value"]
        return found

    @cached_property
    def _modules(self) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        kinds = {row["id"]: row["name"] for row in read_table(self.source, "modules")}
        courses, places = {}, {}
        for row in read_table(self.source, "course_modules"):
            kind = row.get("modname") or kinds.get(row["module"], row["module"])
            courses[row["id"]] = row["course"]
            places[kind, row["instance"]] = row["id"]
        return courses, places

    def module(self, kind: str, instance: str) -> str:
        """The course module of an instance, which is how grades and attempts name it; or empty."""
        return self._modules[1].get((kind, instance), "")

    def course_of(self, module: str) -> str:
        """The course of a course module; empty if unknown."""
        return self._modules[0].get(module, "")

    def place_of_grade(self, item: Row) -> str:
        """The course module or course that a grade item grades; empty if unknown."""
        if item.get("itemtype") == "course":
            return item.get("courseid", "")
        if item.get("itemtype") != "mod":
            return ""
        module = self.module(item.get("itemmodule", ""), item.get("iteminstance", ""))
        return module_id(module) if module else ""
