"""Courses: who is enrolled, requests of their pages, special exams.

Example: Ana enrolled in *Biology 1*.
"""

from __future__ import annotations

import re

from platform_adapters.formats.openedx.words import Data, Outcome, Rule
from platform_adapters.values import number

COURSE_PAGE = re.compile(r"/courses/([^/]+)/(?:courseware|course)(?:/.*)?")
COURSE_VIEW = Rule("viewed", "course")
_SECONDS = "attempt_event_elapsed_time_secs"


def _exam(data: Data) -> Outcome:
    spent = number(data.get(_SECONDS), f"data.{_SECONDS}")
    return {"duration_seconds": spent if spent and spent > 0 else None}


RULES = {
    "edx.course.enrollment.activated": Rule("enrolled", "course"),
    "edx.course.enrollment.deactivated": Rule("unenrolled", "course"),
    **{
        f"edx.special_exam.{kind}.attempt.{step}": Rule(verb, outcome=outcome)
        for kind in ("timed", "proctored", "practice")
        for step, verb, outcome in (("created", "started", None), ("submitted", "submitted", _exam))
    },
}
