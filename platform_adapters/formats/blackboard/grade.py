"""Blackboard's `gradebook_grade`: grades that somebody gave by hand.

Export `gradebook_main` and `course_users`, too. Scores stand with the attempts; `manual_score`
alone is a grade by hand, and `average_score` is made of the attempts again.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Not, Rows
from platform_adapters.fields import Join, either, grade, graded
from platform_adapters.formats.blackboard import words

_COLUMN, _ENROLMENT = "gradebook_main_pk1", "course_users_pk1"

ROWS = Rows(
    name="grade",
    what="Blackboard's table gradebook_grade",
    example="An instructor gave Ana 9 of 10 points for content 902 on 3 March.",
    marks={"pk1", "gradebook_main_pk1", "course_users_pk1", "manual_score"},
    learner=Join(words.ENROLMENTS, _ENROLMENT, "users_pk1"),
    item=words.item_of(_COLUMN),
    time=either("last_override_date", "date_modified", "last_attempt_date"),
    times=words.TIMES,
    verbs="scored",
    rules=(
        Not("manual_score", {"", "None"}, "no grade by hand"),
        Not("exempt_ind", {"Y", "y"}, "exempted from the grade"),
        *words.rules_of(_COLUMN, _ENROLMENT),
    ),
    fields=words.fields_of(_COLUMN, _ENROLMENT, grade("manual_score")),
    told_apart_by=("pk1", "manual_score"),
    evidence="override",
    outcome=graded,
)
