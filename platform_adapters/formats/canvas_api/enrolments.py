"""Enrolments as the API lists them: `GET /api/v1/courses/:id/enrollments`, as JSON."""

from __future__ import annotations

from platform_adapters.declared_rows import Not
from platform_adapters.formats import canvas_submissions

ROWS = canvas_submissions.enrolments(
    what="enrolments as the Canvas API lists them",
    marks={"user_id", "course_id", "type", "enrollment_state", "created_at"},
    kinds=("json",),
    rules=(Not("enrollment_state", {"deleted", "rejected"}, "no longer enrolled"),),
)
