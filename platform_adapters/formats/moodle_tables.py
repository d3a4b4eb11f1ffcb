"""Moodle's side tables: what the log alone does not say about grades and attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers.csv_rows import read_csv, read_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Table = dict[str, dict[str, str]]

_MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("grade_items", frozenset({"id", "itemtype", "grademax"})),
    ("grades", frozenset({"id", "itemid", "finalgrade"})),
    ("course_modules", frozenset({"id", "course", "module", "instance"})),
    ("quiz_attempts", frozenset({"id", "quiz", "attempt", "timefinish"})),
    ("quizzes", frozenset({"id", "sumgrades", "timelimit"})),
    ("courses", frozenset({"id", "fullname", "shortname"})),
)
"""A table is known by its columns, not by its file's name."""


@dataclass
class SideTables:
    """Rows by id; each table may be empty.

    Attributes:
        grade_items: Ranges and places of grades.
        grades: `grade_grades`, for events whose `other` lacks the grade.
        course_modules: Needed to place a module's grade.
        modules: `modules`: numbers of module kinds to names.
        quizzes: Maximum of each quiz.
        quiz_attempts: Outcome of each attempt.
    """

    grade_items: Table = field(default_factory=dict)
    grades: Table = field(default_factory=dict)
    course_modules: Table = field(default_factory=dict)
    modules: Table = field(default_factory=dict)
    quizzes: Table = field(default_factory=dict)
    quiz_attempts: Table = field(default_factory=dict)
    _module_places: dict[tuple[str, str], str] = field(default_factory=dict)

    def index_modules(self) -> None:
        """Find a course module by its kind and instance, which is how grade items name it."""
        for row in self.course_modules.values():
            kind = self.modules.get(row["module"], {}).get("name", row["module"])
            self._module_places[kind, row["instance"]] = row["id"]

    def place_of_grade(self, item: dict[str, str]) -> str:
        """The course module or course that a grade item grades; empty if unknown."""
        if item.get("itemtype") == "course":
            return item.get("courseid", "")
        if item.get("itemtype") != "mod":
            return ""
        key = (item.get("itemmodule", ""), item.get("iteminstance", ""))
        return self._module_places.get(key, "")


def kind_of(path: Path) -> str:
    """Which side table a file is; empty if none."""
    columns = set(read_header(path))
    for kind, marks in _MARKS:
        if marks <= columns:
            return kind
    if {"id", "name"} <= columns and "modules" in path.name and "course" not in path.name:
        return "modules"
    return ""


def read_tables(paths: Sequence[Path]) -> SideTables:
    """Read all side tables among the paths; a course table is a catalogue and is passed over.

    Raises:
        ReadError: A file is none of the known tables, or does not parse.
    """
    tables = SideTables()
    for path in paths:
        kind = kind_of(path)
        if not kind:
            raise ReadError(
                f"{path.name} is neither a Moodle log (a CSV with the columns eventname, userid, "
                "timecreated, ...) nor one of the tables grade_items, grade_grades, "
                "course_modules, modules, quiz, quiz_attempts, course; export the table "
                "mdl_logstore_standard_log with its header. (The Logs report page is read too, if "
                "exported with the interface in English.)"
            )
        if kind != "courses":
            getattr(tables, kind).update(_read_table(path))
    tables.index_modules()
    return tables


def _read_table(path: Path) -> Table:
    rows: Table = {}
    for line, row in read_csv(path, ("id",)):
        if isinstance(row, Failure):
            raise ReadError(f"{path.name}, line {line}: {row.reason}")
        rows[row["id"]] = row
    return rows
