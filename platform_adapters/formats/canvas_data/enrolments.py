"""Canvas Data 2's `enrollments`: who learns in which course.

Nobody tells a teacher's visit from a student's without this table, so it is demanded.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Not, Only
from platform_adapters.declared_side import Side
from platform_adapters.fields import Join
from platform_adapters.formats.canvas_submissions import enrolments

ROWS = enrolments(
    what="Canvas Data 2's table enrollments",
    marks={"id", "user_id", "course_id", "type", "course_section_id"},
    rules=(Not("workflow_state", {"deleted", "rejected"}, "no longer enrolled"),),
)
ROLES = Side(
    what=ROWS.what,
    marks=ROWS.marks,
    key=("user_id", "course_id"),
    needed="without it a teacher's visit cannot be told from a student's",
)
_NO_STUDENT = "of somebody who is no student of the course"


def students(course: str) -> Only:
    """Nobody but students of a course."""
    return Only(Join(ROLES, ("user_id", course), "type"), {"StudentEnrollment"}, _NO_STUDENT)
