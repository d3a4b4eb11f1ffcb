"""Grades of assignments and of courses; the learner stands in the body, the grader acts.

Example: Ana was given 9 of 10 points for the assignment *Essay 2*.
"""

from __future__ import annotations

from platform_adapters.formats.canvas_live.submissions import ASSIGNMENT
from platform_adapters.formats.canvas_live.words import Event, Outcome, Rule, points
from platform_adapters.values import text_number


def _grade(event: Event) -> Outcome:
    if event.body.get("muted") is True or event.body.get("grading_complete") is False:
        return {"ignore": "a grade that is not final"}
    raw = text_number(event.body.get("score"), "body.score")
    high = text_number(event.body.get("points_possible"), "body.points_possible")
    if raw is None:
        return {"ignore": "a grade that was taken away"}
    return points(raw, high)


def _of_100(event: Event, *names: str) -> Outcome:
    given = next((event.body[name] for name in names if name in event.body), None)
    raw = text_number(given, f"body.{names[0]}")
    return {"ignore": "a course grade without a value"} if raw is None else points(raw, 100.0)


def _course(event: Event) -> Outcome:
    return _of_100(event, "current_score", "final_score")


def _override(event: Event) -> Outcome:
    return {"evidence": "override", **_of_100(event, "override_score")}


RULES = {
    "grade_change": Rule("scored", ("student_id",), ASSIGNMENT, _grade),
    "course_grade_change": Rule("scored", ("user_id",), (), _course),
    "grade_override": Rule("scored", ("user_id",), (), _override),
}
