"""Blackboard Learn: activity and grades of Direct Data Access, grades of Blackboard Data, as CSV.

After Anthology's description of `activity_accumulator` and its events (SaaS release notes 3900.95
on), and after queries that universities publish for the gradebook's tables and for the schema
`cdm_lms`. What goes wrong in naive readers, and is kept here:

- the table says who acted, not who learns: without `course_users` nobody tells an instructor's
  visit from a student's, so that table is demanded;
- logins, tabs and pages of the system are most of the rows and no learning;
- `data` is free text and is not read;
- rows older than 180 days are in the statistics database: export both;
- a grade names an enrolment (`course_users.pk1`), not a person;
- scores stand with the attempts; `manual_score` alone is a grade by hand, and `average_score` is
  made of the attempts again;
- a course's total is made of its other columns;
- `normalized_score` of Blackboard Data is below 0 and above 1 in real exports.

Example: Ana (user 41) opened content 902 of course 17 on 1 March at 9:00.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.declared import Entries
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Not, Only, Rows
from platform_adapters.fields import Apply, Join, either, grade, graded
from platform_adapters.format import Sign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_adapters.fields import Field, Row

_COURSE = "course_pk1"
_TIMES = ("%d-%b-%y %I.%M.%S.%f %p", "%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%d %H:%M:%S %z")
_SET = frozenset({"true", "True", "TRUE", "t", "1"})
_NAVIGATION = "finding the way, not learning"

_USERS = "Blackboard's table course_users"
_GRADES = "Blackboard's table gradebook_grade"
_GRADE_MARKS = frozenset({"pk1", "gradebook_main_pk1", "course_users_pk1", "manual_score"})
_NO_STUDENT = "somebody who is no student of the course"


def _in_column(column: Field, take: str) -> Join:
    return Join("columns", Apply(lambda key: key, (column,)), take)


def _enrolled(enrolment: Field, take: str) -> Join:
    return Join("enrolments", Apply(lambda key: key, (enrolment,)), take)


def _graded_item(column: str | None, content: str | None) -> str:
    """The content that a column of the gradebook belongs to; it is the item of the log."""
    return content or (f"gradebook:{column}" if column else "")


def _of_column(column: Field) -> Apply:
    return Apply(_graded_item, (column, _in_column(column, "course_contents_pk1")))


def _of_grade(take: str) -> Join:
    return Join("grades", "gradebook_grade_pk1", take)


def _grade_rules(column: Field, enrolment: Field) -> tuple[Only | Not, ...]:
    return (
        Only(_enrolled(enrolment, "role"), frozenset({"S"}), _NO_STUDENT),
        Not(_in_column(column, "deleted_ind"), frozenset({"Y", "y"}), "a deleted column"),
    )


def _grade_fields(column: Field, enrolment: Field, raw: Field) -> dict[str, Field]:
    return {
        "raw": raw,
        "max": _in_column(column, "possible"),
        "course": _enrolled(enrolment, "crsmain_pk1"),
    }


def _normalised(row: Row, values: dict[str, Any]) -> Mapping[str, Any]:
    """Its own share counts; points may be kept in another scale than the column's."""
    if values.get("score") is None:
        return {"ignore": "no grade yet"}
    return graded(row, values)


_CDM_ITEM = Join("cdm_columns", "gradebook_id", "course_item_id")
_COLUMN, _ENROLMENT = _of_grade("gradebook_main_pk1"), _of_grade("course_users_pk1")

FORMAT = Declared(
    name="blackboard",
    summary="Blackboard's activity_accumulator, attempt, gradebook_grade with course_users, "
    "cdm_lms.grade (CSV; .gz), course_contents",
    example="Ana (user 41) opened content 902 of course 17 on 1 March at 9:00.",
    tried_on="never on a live site's log; written after the vendor's table descriptions",
    fold=True,
    rows=(
        Rows(
            name="activity",
            what="Blackboard's table activity_accumulator",
            marks=frozenset({"pk1", "event_type", "user_pk1", "course_pk1", "timestamp"}),
            learner="user_pk1",
            item="content_pk1",
            time="timestamp",
            times=_TIMES,
            event="event_type",
            verbs={
                "COURSE_ACCESS": Means("viewed", item=_COURSE),
                "CONTENT_ACCESS": "viewed",
                "ASSESSMENT_SUBMIT": "submitted",
                "ASSESSMENT_DRAFT": "progressed",
                "DISCUSSION_RESPONSE": "interacted",
                "DISCUSSION_REPLY": "interacted",
                "DISCUSSION_EDIT": "interacted",
            },
            ignored={
                "LOGIN_ATTEMPT": _NAVIGATION,
                "LOGOUT": _NAVIGATION,
                "SESSION_INIT": _NAVIGATION,
                "SESSION_TIMEOUT": _NAVIGATION,
                "TAB_ACCESS": _NAVIGATION,
                "PAGE_ACCESS": _NAVIGATION,
                "MODULE_ACCESS": _NAVIGATION,
                "DISCUSSION_DRAFT": "a draft that nobody has seen",
            },
            rules=(
                Only(
                    Join("members", ("user_pk1", _COURSE), "role"),
                    frozenset({"S"}),
                    _NO_STUDENT,
                ),
            ),
            fields={"course": _COURSE, "session": "session_id"},
            identity="pk1",
        ),
        Rows(
            name="attempt",
            what="Blackboard's table attempt",
            marks=frozenset({"pk1", "gradebook_grade_pk1", "score", "status", "attempt_date"}),
            learner=_enrolled(_ENROLMENT, "users_pk1"),
            item=_of_column(_COLUMN),
            time="attempt_date",
            times=_TIMES,
            verbs="attempted",
            rules=(
                Only("status", frozenset({"7"}), "an attempt that is not graded"),
                *_grade_rules(_COLUMN, _ENROLMENT),
            ),
            fields=_grade_fields(_COLUMN, _ENROLMENT, grade("score")),
            told_apart_by=("pk1", "score"),
            outcome=graded,
        ),
        Rows(
            name="grade",
            what=_GRADES,
            marks=_GRADE_MARKS,
            learner=_enrolled("course_users_pk1", "users_pk1"),
            item=_of_column("gradebook_main_pk1"),
            time=either("last_override_date", "date_modified", "last_attempt_date"),
            times=_TIMES,
            verbs="scored",
            rules=(
                Not("manual_score", frozenset({"", "None"}), "no grade by hand"),
                Not("exempt_ind", frozenset({"Y", "y"}), "exempted from the grade"),
                *_grade_rules("gradebook_main_pk1", "course_users_pk1"),
            ),
            fields=_grade_fields("gradebook_main_pk1", "course_users_pk1", grade("manual_score")),
            told_apart_by=("pk1", "manual_score"),
            evidence="override",
            outcome=graded,
        ),
        Rows(
            name="cdm_grade",
            what="Blackboard Data's table cdm_lms.grade",
            marks=frozenset({"id", "gradebook_id", "person_course_id", "normalized_score"}),
            learner=Join("cdm_people", "person_course_id", "person_id"),
            item=Apply(
                _graded_item,
                ("gradebook_id", Join("cdm_columns", "gradebook_id", "course_item_id")),
            ),
            time=either("last_graded_time", "last_attempted_time", "modified_time"),
            times=_TIMES,
            verbs="scored",
            rules=(
                Only("row_deleted_time", frozenset({"", "None"}), "a row that was deleted"),
                Only(
                    Join("cdm_people", "person_course_id", "course_role"),
                    frozenset({"S"}),
                    _NO_STUDENT,
                ),
                Not(
                    Join("cdm_columns", "gradebook_id", "final_grade_ind"),
                    _SET,
                    "a course's total, made of its other grades",
                ),
                Not(Join("cdm_columns", "gradebook_id", "deleted_ind"), _SET, "a deleted column"),
            ),
            fields={
                "score": grade("normalized_score"),
                "raw": grade("score"),
                "max": "possible_score",
                "course": Join("cdm_people", "person_course_id", "course_id"),
            },
            told_apart_by=("id", "normalized_score"),
            outcome=_normalised,
        ),
    ),
    sides=(
        Side(
            name="members",
            what=_USERS,
            marks=frozenset({"users_pk1", "crsmain_pk1", "role"}),
            key=("users_pk1", "crsmain_pk1"),
            keep=("role",),
            needed="it alone tells students from instructors",
            needed_by=("activity",),
        ),
        Side(
            name="enrolments",
            what=_USERS,
            marks=frozenset({"pk1", "users_pk1", "crsmain_pk1", "role"}),
            key="pk1",
            keep=("users_pk1", "crsmain_pk1", "role"),
            needed="it alone says whose grade a grade is",
            needed_by=("attempt", "grade"),
        ),
        Side(
            name="columns",
            what="Blackboard's table gradebook_main",
            marks=frozenset({"pk1", "crsmain_pk1", "possible", "course_contents_pk1"}),
            key="pk1",
            keep=("possible", "course_contents_pk1", "deleted_ind"),
            needed="it alone says what was graded, and of how many points",
            needed_by=("attempt", "grade"),
        ),
        Side(
            name="grades",
            what=_GRADES,
            marks=_GRADE_MARKS,
            key="pk1",
            keep=("gradebook_main_pk1", "course_users_pk1"),
            needed="it alone says whose an attempt is",
            needed_by=("attempt",),
        ),
        Side(
            name="cdm_people",
            what="Blackboard Data's table cdm_lms.person_course",
            marks=frozenset({"id", "person_id", "course_id", "course_role"}),
            key="id",
            keep=("person_id", "course_id", "course_role"),
            needed="it alone says whose grade a grade is",
            needed_by=("cdm_grade",),
        ),
        Side(
            name="cdm_columns",
            what="Blackboard Data's table cdm_lms.gradebook",
            marks=frozenset({"id", "course_id", "course_item_id", "final_grade_ind"}),
            key="id",
            keep=("course_item_id", "final_grade_ind", "deleted_ind"),
            needed="it alone says what was graded",
            needed_by=("cdm_grade",),
        ),
    ),
    catalogues=(
        Entries(
            Sign(
                "Blackboard's table course_contents",
                frozenset({"pk1", "crsmain_pk1", "title"}),
                role="catalogue",
            ),
            fields={
                "item": "pk1",
                "title": "title",
                "course": "crsmain_pk1",
                "section": "parent_pk1",
                "position": "position",
                "type": "cnthndlr_handle",
                "available_from": "start_date",
                "available_until": "end_date",
                "hidden": "available_ind",
            },
            hidden=frozenset({"N", "n"}),
        ),
    ),
).format()
