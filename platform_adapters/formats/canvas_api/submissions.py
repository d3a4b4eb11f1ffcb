"""Submissions as the API lists them: `GET /api/v1/courses/:id/students/submissions`, as JSON.

With `include[]=assignment`, or the list of assignments beside them, the maximum is known.
"""

from __future__ import annotations

from platform_adapters.declared_side import Side
from platform_adapters.fields import Join, either, first, points
from platform_adapters.formats import canvas_submissions

_ASSIGNMENTS = Side(
    what="assignments as the Canvas API lists them",
    marks={"id", "points_possible", "grading_type", "submission_types"},
    key="id",
)
_MOST = first(
    ("assignment", "points_possible"), Join(_ASSIGNMENTS, "assignment_id", "points_possible")
)

ROWS = canvas_submissions.submissions(
    what="submissions as the Canvas API lists them",
    marks={"assignment_id", "user_id", "submitted_at", "preview_url"},
    kinds=("json",),
    time=either("graded_at", "submitted_at"),
    fields={
        **points("score", _MOST),
        "course": first("course_id", ("assignment", "course_id")),
        "attempt": "attempt",
    },
    identity=lambda row: (
        f"{row.get('id')}:{row.get('attempt') or 0}:{row.get('workflow_state')}:"
        f"{row.get('graded_at') or row.get('submitted_at')}"
    ),
)
