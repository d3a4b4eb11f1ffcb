"""Grades of problems, of sections and of courses.

Example: Ana was graded 8 of 10 points for the problem *Osmosis*.
"""

from __future__ import annotations

from platform_adapters.formats.openedx.words import Data, Outcome, Rule, points
from platform_adapters.values import number, share


def _weighted(data: Data) -> Outcome:
    return points(data, "weighted_earned", "weighted_possible")


def _section(data: Data) -> Outcome:
    return points(data, "weighted_graded_earned", "weighted_graded_possible")


def _course(data: Data) -> Outcome:
    grade = share(number(data.get("percent_grade"), "data.percent_grade"))
    return {"score": grade, "raw": grade, "min": 0.0, "max": 1.0}


RULES = {
    "edx.grades.problem.submitted": Rule("scored", outcome=_weighted),
    "edx.grades.subsection.grade_calculated": Rule("scored", outcome=_section),
    "edx.grades.course.grade_calculated": Rule("scored", "course", _course),
    "edx.course.grade.now_passed": Rule("passed", "course"),
    "edx.course.grade.passed.first_time": Rule("passed", "course"),
    "edx.course.grade.now_failed": Rule("failed", "course"),
}
