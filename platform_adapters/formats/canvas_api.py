"""Canvas without an administrator: what a teacher can export from the gradebook and the API.

After the API's documentation and Canvas's own gradebook exporter. What goes wrong in naive readers,
and is kept here:

- the gradebook's second line is the maximum, its numbers are written in the exporter's language
  (`88,5`), EX and N/A are no zeros, and its last line may be the test student's;
- it has no times: a learner's scores stand in the order of the columns, marked as an aggregate;
- a submission's row is the attempt as it stands now, and its maximum is the assignment's;
- a post of a teacher in a discussion is no learning.

Example: Ana has 8 of 10 points for assignment 355.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.canvas_api import read_csv_items, read_json_modules
from platform_adapters.catalogues.declared import Reader
from platform_adapters.contract import Failure
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Not, Only, Rows
from platform_adapters.fields import Apply, Join, about, constant, either, first, points
from platform_adapters.format import Sign
from platform_adapters.formats.canvas_tables import enrolments, submitted
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import read_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.fields import Row

_POINTS = b"    Points Possible"
_COLUMN = re.compile(r"(.*) \((\d{1,20}|[0-9a-f]{32})\)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_SPLIT_NAME = ("LastName", "FirstName")
_TEST_STUDENT = frozenset({"Student, Test", "Test Student"})


def number_of(text: object) -> str | None:
    """A number as any of Canvas's languages writes it, with a dot; None if it is none."""
    written = str(text or "").strip()
    return written.replace(",", ".") if _NUMBER.fullmatch(written) else None


def is_gradebook(path: Path) -> bool:
    """Whether a file is the gradebook's export."""
    return _POINTS in read_start(path, 1 << 16)


def read_gradebook(path: Path) -> Iterator[Record]:
    """One record for each grade, with the maximum of its assignment.

    Raises:
        ReadError: The file is damaged.
    """
    columns = [name for name in read_header(path) if _COLUMN.fullmatch(name)]
    most: dict[str, str | None] = {}
    for line, row in read_csv(path):
        if isinstance(row, Failure):
            yield line, row
            continue
        name = row.get("Student") or ", ".join(filter(None, map(row.get, _SPLIT_NAME)))
        if name.strip(" ,") == _POINTS.decode().strip():
            most = {column: number_of(row[column]) for column in columns}
            continue
        learner = row.get("ID") or ("" if "ID" in row else name)
        for place, column in enumerate(columns, 1):
            if row[column] and (learner or name):
                yield (
                    line,
                    {
                        "gradebook": row[column],
                        "learner": learner,
                        "name": name,
                        "assignment": _COLUMN.fullmatch(column)[2],  # type: ignore[index]  # it matched
                        "place": place,
                        "max": most.get(column),
                    },
                )


def _graded(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    cell = str(row["gradebook"])
    if number_of(cell) is None:
        known = {"EX": "excused: no score and no work", "N/A": "not assigned to the learner"}
        return {"ignore": known.get(cell, "a grade in words, or a note")}
    return {}


class _Exports(Declared):
    """Exports of the API, and the gradebook's, whose columns are assignments."""

    def signs(self) -> tuple[Sign, ...]:
        """The gradebook is known by its second line, too."""
        gradebook = Sign("Canvas's gradebook", frozenset({"Student"}), ("csv",), (_POINTS,))
        split = Sign("Canvas's gradebook", frozenset({"LastName"}), ("csv",), (_POINTS,))
        return (gradebook, split, *super().signs())

    def records(self, path: Path) -> Iterator[Record]:
        """Grades of a gradebook, rows of anything else."""
        return read_gradebook(path) if is_gradebook(path) else super().records(path)


FORMAT = _Exports(
    name="canvas-api",
    summary="Canvas's gradebook (CSV), and lists of the API: submissions, enrolments, discussion "
    "posts, modules (JSON, CSV; .gz)",
    example="Ana has 8 of 10 points for assignment 355.",
    tried_on="a real anonymised course of UBC 2022 (gradebook, posts, modules); submissions and "
    "enrolments by the documentation",
    rows=(
        Rows(
            name="grade",
            what="a grade of Canvas's gradebook",
            marks=frozenset({"gradebook", "assignment", "place"}),
            kinds=(),
            learner="learner",
            item=about("assignment", "assignment"),
            time="time",
            order="place",
            verbs="scored",
            rules=(Not("name", _TEST_STUDENT, "the test student"),),
            fields=points(Apply(number_of, ("gradebook",)), "max"),
            evidence="aggregate",
            told_apart_by=("learner", "assignment", "gradebook"),
            outcome=_graded,
        ),
        Rows(
            name="submission",
            what="submissions as the Canvas API lists them",
            marks=frozenset({"assignment_id", "user_id", "submitted_at", "preview_url"}),
            kinds=("json",),
            learner="user_id",
            item=about("assignment", "assignment_id"),
            time=either("graded_at", "submitted_at"),
            verbs="submitted",
            fields={
                **points(
                    "score",
                    first(
                        ("assignment", "points_possible"),
                        Join("assignments", "assignment_id", "points_possible"),
                    ),
                ),
                "course": first("course_id", ("assignment", "course_id")),
                "attempt": "attempt",
            },
            identity=lambda row: (
                f"{row.get('id')}:{row.get('attempt') or 0}:{row.get('workflow_state')}:"
                f"{row.get('graded_at') or row.get('submitted_at')}"
            ),
            outcome=submitted,
        ),
        enrolments(
            "enrolments as the Canvas API lists them",
            frozenset({"user_id", "course_id", "type", "enrollment_state", "created_at"}),
            "enrollment_state",
            ("json",),
        ),
        Rows(
            name="post",
            what="posts in Canvas discussions",
            marks=frozenset({"actor_id", "membership_role", "timestamp", "discussion_topic_id"}),
            learner="actor_id",
            item=about("discussion_topic", "discussion_topic_id"),
            time="timestamp",
            verbs="interacted",
            rules=(
                Only(
                    lambda row: "Learner" in str(row.get("membership_role")),
                    frozenset({"True"}),
                    "a post of somebody who is no learner",
                ),
            ),
            identity="post_id",
        ),
    ),
    sides=(
        Side(
            name="assignments",
            what="assignments as the Canvas API lists them",
            marks=frozenset({"id", "points_possible", "grading_type", "submission_types"}),
            key="id",
            keep=("points_possible",),
        ),
        Side(
            name="pages",
            what="pages as the Canvas API lists them (for the modules' catalogue)",
            marks=frozenset({"page_url", "title", "id"}),
            key="id",
            when=constant(None),
        ),
        Side(
            name="pages",
            what="pages as the Canvas API lists them, in JSON",
            marks=frozenset({"page_id", "url", "title"}),
            key="page_id",
            when=constant(None),
        ),
    ),
    catalogues=(
        Reader(
            Sign(
                "modules as the Canvas API lists them",
                frozenset(
                    {
                        "prerequisite_module_ids",
                        "require_sequential_progress",
                        "items",
                        "position",
                        "name",
                    }
                ),
                ("json",),
                role="catalogue",
            ),
            read_json_modules,
        ),
        Reader(
            Sign(
                "module items of Canvas as a table",
                frozenset({"module_id", "module_name", "content_id", "type", "position"}),
                ("csv",),
                role="catalogue",
            ),
            read_csv_items,
        ),
    ),
).format()
