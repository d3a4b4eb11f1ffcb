"""Blackboard Data's `cdm_lms.grade`: the share that a grade is of its column's points.

Export `cdm_lms.person_course` and `cdm_lms.gradebook`, too. Kept here: a course's total is made of
its other columns; `normalized_score` is below 0 and above 1 in real exports; points may be kept in
another scale than the column's, so that the share counts.
"""

from __future__ import annotations

from functools import partial

from platform_adapters.declared_rows import Not, Only, Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join, either, grade, graded
from platform_adapters.formats.blackboard import words

_SET = {"true", "True", "TRUE", "t", "1"}
_PEOPLE = Side(
    what="Blackboard Data's table cdm_lms.person_course",
    marks={"id", "person_id", "course_id", "course_role"},
    key="id",
    needed="it alone says whose grade a grade is",
)
_COLUMNS = Side(
    what="Blackboard Data's table cdm_lms.gradebook",
    marks={"id", "course_id", "course_item_id", "final_grade_ind"},
    key="id",
    needed="it alone says what was graded",
)
_person = partial(Join, _PEOPLE, "person_course_id")
_column = partial(Join, _COLUMNS, "gradebook_id")
_share = grade("normalized_score")

ROWS = Rows(
    name="cdm_grade",
    what="Blackboard Data's table cdm_lms.grade",
    example="Ana's grade for course item 31 is 0.8 of its points since 4 March.",
    marks={"id", "gradebook_id", "person_course_id", "normalized_score"},
    learner=_person("person_id"),
    item=Apply(words.graded_item, ("gradebook_id", _column("course_item_id"))),
    time=either("last_graded_time", "last_attempted_time", "modified_time"),
    times=words.TIMES,
    verbs="scored",
    rules=(
        Only("row_deleted_time", {"", "None"}, "a row that was deleted"),
        Only(_person("course_role"), {"S"}, words.NO_STUDENT),
        Not(_column("final_grade_ind"), _SET, "a course's total, made of its other grades"),
        Not(_column("deleted_ind"), _SET, "a deleted column"),
        Not(_share, {"None"}, "no grade yet"),
    ),
    fields={
        "score": _share,
        "raw": grade("score"),
        "max": "possible_score",
        "course": _person("course_id"),
    },
    told_apart_by=("id", "normalized_score"),
    outcome=graded,
)
