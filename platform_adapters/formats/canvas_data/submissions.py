"""Canvas Data 2's `submissions`.

A submission has points and no maximum: that is the assignment's, from `assignments`.
"""

from __future__ import annotations

from platform_adapters.declared_side import Side
from platform_adapters.fields import Join, either, points
from platform_adapters.formats import canvas_submissions
from platform_adapters.formats.canvas_data import enrolments, words

_ASSIGNMENTS = Side(
    what="Canvas Data 2's table assignments",
    marks={"id", "points_possible", "grading_type", "submission_types"},
    key="id",
)

ROWS = canvas_submissions.submissions(
    what="Canvas Data 2's table submissions",
    marks={"assignment_id", "user_id", "submitted_at", "graded_at", "attempt"},
    time=either("graded_at", "submitted_at", "updated_at"),
    rules=(enrolments.students("course_id"), words.GONE),
    fields={
        **points("score", Join(_ASSIGNMENTS, "assignment_id", "points_possible")),
        "course": "course_id",
        "attempt": "attempt",
    },
    identity=words.state,
)
