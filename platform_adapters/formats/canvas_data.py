"""Canvas Data 2: tables of the Data Access Platform, as `dap snapshot` and `incremental` write.

After the published schema. What goes wrong in naive readers, and is kept here:

- a row is `{key, value, meta}` (JSON lines, nested Parquet) or has these names before its columns
  (CSV, TSV, flat Parquet); TSV has no quotes;
- nobody tells a teacher's visit from a student's without `enrollments`, so that table is demanded;
- a submission has points and no maximum: that is the assignment's, from `assignments`;
- `web_logs` of somebody who acts as a student are nobody's learning;
- a record that was deleted since (`meta.action` D) has no values.

Example: Ana's second attempt at assignment 7 was graded 8 of 10.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from platform_adapters.catalogues.canvas_data import read_modules
from platform_adapters.catalogues.canvas_modules import KINDS
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Not, Only, Rows
from platform_adapters.fields import Apply, Join, about, constant, either, points
from platform_adapters.format import Sign
from platform_adapters.formats.canvas_ids import ASSESSED
from platform_adapters.formats.canvas_tables import (
    ROW_KINDS,
    enrolments,
    open_table,
    plain_name,
    submitted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.fields import Row
    from recommender.catalogue import CatalogueItem

_ENROLMENTS = "Canvas Data 2's table enrollments"
_ENROLMENT_MARKS = frozenset({"id", "user_id", "course_id", "type", "course_section_id"})
_TRUE = frozenset({"true", "True", "t", "1"})


def _students(course: str) -> Only:
    """Nobody but students of a course."""
    role = Join("roles", ("user_id", course), "type")
    return Only(
        role, frozenset({"StudentEnrollment"}), "of somebody who is no student of the course"
    )


_ITSELF = Only("real_user_id", frozenset({"", "None"}), "somebody acted as the learner")
_GONE = Not("workflow_state", frozenset({"deleted"}), "deleted in Canvas")
_PAGE = re.compile(r"/courses/\d+(?:~\d+)?/pages/([^/?#]+)")
_FILE = re.compile(r"/courses/\d+(?:~\d+)?/files/(\d+)(?:[/?#]|$)")


def _slug(row: Row) -> str:
    """The page that an address names; empty if it names none."""
    found = _PAGE.search(str(row.get("url") or ""))
    return unquote(found[1]) if found else ""


def _seen(quiz: object, topic: object, assignment: object, page: object, url: object) -> str | None:
    """What a request was for: the most special thing that the log names."""
    file = _FILE.search(str(url or ""))
    named = (
        ("quiz", quiz),
        ("discussion_topic", topic),
        ("assignment", assignment),
        ("wiki_page", page),
        ("attachment", file[1] if file else None),
    )
    return next((f"{kind}:{own}" for kind, own in named if own), None)


def _viewed(row: Row) -> str | None:
    """The asset of a page view."""
    kind = KINDS.get(str(row.get("asset_type")))
    return f"{kind}:{row['asset_id']}" if kind and row.get("asset_id") else None


def _assessed(row: Row) -> str | None:
    kind = ASSESSED.get(str(row.get("associated_asset_type")))
    return f"{kind}:{row['associated_asset_id']}" if kind else None


def _state(row: Row) -> str:
    """A row that has changed is another event."""
    when = row.get("graded_at") or row.get("submitted_at") or row.get("finished_at")
    return f"{row['id']}:{row.get('attempt') or 0}:{row.get('workflow_state')}:{when}"


def _both(course: object, slug: object) -> tuple[str, str]:
    return str(course), str(slug)


_PAGE_OF = Join("pages", Apply(_both, ("course_id", _slug)), "id")


class _Tables(Declared):
    """Rows of the platform's tables, opened."""

    def rename(self, column: str) -> str:
        """A column without the `key.` or `value.` before it."""
        return plain_name(column)

    def signs(self) -> tuple[Sign, ...]:
        """In JSON a table's row stands within `value`."""
        plain = [replace(sign, kinds=("csv", "parquet")) for sign in super().signs() if sign.kinds]
        return (
            *plain,
            *(replace(s, needs=s.needs | {"key", "value"}, kinds=("json",)) for s in plain),
        )

    def read_catalogue(self, path: Path) -> Iterator[CatalogueItem]:
        """There is one kind."""
        return read_modules(path)

    def records(self, path: Path) -> Iterator[Record]:
        """Rows with plain names."""
        return open_table(path)


FORMAT = _Tables(
    name="canvas-data",
    summary="Canvas Data 2 tables: submissions, quiz_submissions, web_logs, outcome results, "
    "enrollments (CSV, TSV, JSON lines, Parquet; .gz)",
    example="Ana's second attempt at assignment 7 was graded 8 of 10.",
    tried_on="never on a live site's tables; written after the published schema",
    rows=(
        Rows(
            name="deleted",
            what="a record that was deleted",
            marks=frozenset({"deleted"}),
            kinds=(),
            learner="deleted",
            item="deleted",
            time="deleted",
            event="deleted",
            verbs={},
            ignored={"D": "deleted in Canvas since"},
        ),
        Rows(
            name="submission",
            what="Canvas Data 2's table submissions",
            marks=frozenset({"assignment_id", "user_id", "submitted_at", "graded_at", "attempt"}),
            kinds=ROW_KINDS,
            learner="user_id",
            item=about("assignment", "assignment_id"),
            time=either("graded_at", "submitted_at", "updated_at"),
            verbs="submitted",
            rules=(_students("course_id"), _GONE),
            fields={
                **points("score", Join("assignments", "assignment_id", "points_possible")),
                "course": "course_id",
                "attempt": "attempt",
            },
            identity=_state,
            outcome=submitted,
        ),
        Rows(
            name="quiz",
            what="Canvas Data 2's table quiz_submissions",
            marks=frozenset({"quiz_id", "user_id", "finished_at", "quiz_points_possible"}),
            kinds=ROW_KINDS,
            learner="user_id",
            item=about("quiz", "quiz_id"),
            time=either("finished_at", "started_at"),
            event="workflow_state",
            verbs={"complete": "scored", "pending_review": Means("submitted", {"raw": ""})},
            otherwise="a quiz that was not handed in, or a preview",
            fields={
                **points(either("kept_score", "score"), "quiz_points_possible"),
                "attempt": "attempt",
            },
            identity=_state,
        ),
        Rows(
            name="outcome",
            what="Canvas Data 2's table learning_outcome_results",
            marks=frozenset({"learning_outcome_id", "user_id", "mastery", "possible"}),
            kinds=ROW_KINDS,
            learner="user_id",
            item=_assessed,
            time=either("submitted_at", "assessed_at", "created_at"),
            verbs="scored",
            rules=(_GONE, Not("hidden", _TRUE, "hidden from the learner")),
            fields={
                **points("score", "possible"),
                "success": "mastery",
                "skill": about("outcome", "learning_outcome_id"),
                "course": "context_id",
                "attempt": "attempt",
            },
            identity=lambda row: f"{row['id']}:{row.get('attempt') or 0}:{row.get('score')}",
        ),
        Rows(
            name="web",
            what="Canvas Data 2's table web_logs",
            marks=frozenset({"url", "http_method", "real_user_id", "user_id", "timestamp"}),
            kinds=ROW_KINDS,
            learner="user_id",
            item=Apply(_seen, ("quiz_id", "discussion_id", "assignment_id", _PAGE_OF, "url")),
            time="timestamp",
            event="http_method",
            verbs={"GET": "viewed"},
            otherwise="a request that changes something: its table says what",
            rules=(_ITSELF, _students("course_id")),
            fields={"course": "course_id", "session": "session_id"},
            identity="id",
        ),
        Rows(
            name="page",
            what="Canvas's table page_views",
            marks=frozenset({"asset_id", "asset_type", "context_id", "interaction_seconds"}),
            kinds=ROW_KINDS,
            learner="user_id",
            item=_viewed,
            time="created_at",
            verbs="viewed",
            rules=(_ITSELF, _students("context_id")),
            fields={"course": "context_id", "duration_seconds": "interaction_seconds"},
            identity=either("request_id", "id"),
        ),
        enrolments(_ENROLMENTS, _ENROLMENT_MARKS, "workflow_state", ROW_KINDS),
    ),
    sides=(
        Side(
            name="roles",
            what=_ENROLMENTS,
            marks=_ENROLMENT_MARKS,
            key=("user_id", "course_id"),
            keep=("type",),
            needed="without it a teacher's visit cannot be told from a student's",
        ),
        Side(
            name="assignments",
            what="Canvas Data 2's table assignments",
            marks=frozenset({"id", "points_possible", "grading_type", "submission_types"}),
            key="id",
            keep=("points_possible",),
        ),
        Side(
            name="pages",
            what="Canvas Data 2's table wiki_pages",
            marks=frozenset({"id", "url", "context_id", "title"}),
            key=Apply(_both, ("context_id", "url")),
            keep=("id",),
        ),
        Side(
            name="modules",
            what="Canvas Data 2's table context_modules",
            marks=frozenset({"id", "context_id", "prerequisites", "completion_requirements"}),
            key="id",
            when=constant(None),
        ),
        *(
            Side("others", "another table of Canvas Data 2", marks, key="id", when=constant(None))
            for marks in (frozenset({"meta.ts"}), frozenset({"key", "value", "meta"}))
        ),
    ),
    catalogues=(
        Reader(
            Sign(
                "Canvas Data 2's table content_tags",
                frozenset({"content_id", "content_type", "context_module_id", "tag_type"}),
                ROW_KINDS,
                role="catalogue",
            ),
            read_modules,
        ),
    ),
).format()
