"""Blackboard's `attempt`: the score of each attempt at what the gradebook grades.

After queries that universities publish for these tables. Export `gradebook_grade`,
`gradebook_main` and `course_users`, too: an attempt names a grade, that names an enrolment
(`course_users.pk1`), and only the enrolment names a person.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Only, Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Join, grade, graded
from platform_adapters.formats.blackboard import grade as grades
from platform_adapters.formats.blackboard import words

_GRADES = Side(
    what=grades.ROWS.what,
    marks=grades.ROWS.marks,
    key="pk1",
    needed="it alone says whose an attempt is",
)
_COLUMN = Join(_GRADES, "gradebook_grade_pk1", "gradebook_main_pk1")
_ENROLMENT = Join(_GRADES, "gradebook_grade_pk1", "course_users_pk1")

ROWS = Rows(
    name="attempt",
    what="Blackboard's table attempt",
    example="Ana's attempt 7 at the test in content 902 got 8 of 10 points on 2 March.",
    marks={"pk1", "gradebook_grade_pk1", "score", "status", "attempt_date"},
    learner=Join(words.ENROLMENTS, _ENROLMENT, "users_pk1"),
    item=words.item_of(_COLUMN),
    time="attempt_date",
    times=words.TIMES,
    verbs="attempted",
    rules=(
        Only("status", {"7"}, "an attempt that is not graded"),
        *words.rules_of(_COLUMN, _ENROLMENT),
    ),
    fields=words.fields_of(_COLUMN, _ENROLMENT, grade("score")),
    told_apart_by=("pk1", "score"),
    outcome=graded,
)
