"""What several of Blackboard's tables have in common, and the tables that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Not, Only
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join

if TYPE_CHECKING:
    from platform_adapters.fields import Field

TIMES = ("%d-%b-%y %I.%M.%S.%f %p", "%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%d %H:%M:%S %z")
NO_STUDENT = "somebody who is no student of the course"

_USERS = "Blackboard's table course_users"
MEMBERS = Side(
    what=_USERS,
    marks={"users_pk1", "crsmain_pk1", "role"},
    key=("users_pk1", "crsmain_pk1"),
    needed="it alone tells students from instructors",
)
ENROLMENTS = Side(
    what=_USERS,
    marks={"pk1", "users_pk1", "crsmain_pk1", "role"},
    key="pk1",
    needed="it alone says whose grade a grade is",
)
COLUMNS = Side(
    what="Blackboard's table gradebook_main",
    marks={"pk1", "crsmain_pk1", "possible", "course_contents_pk1"},
    key="pk1",
    needed="it alone says what was graded, and of how many points",
)


def graded_item(column: str | None, content: str | None) -> str:
    """The content that a column of the gradebook belongs to; it is the item of the log."""
    return content or (f"gradebook:{column}" if column else "")


def item_of(column: Field) -> Apply:
    """What a column of the gradebook grades."""
    return Apply(graded_item, (column, Join(COLUMNS, column, "course_contents_pk1")))


def rules_of(column: Field, enrolment: Field) -> tuple[Only | Not, ...]:
    """Whose grade counts, and in which columns."""
    return (
        Only(Join(ENROLMENTS, enrolment, "role"), {"S"}, NO_STUDENT),
        Not(Join(COLUMNS, column, "deleted_ind"), {"Y", "y"}, "a deleted column"),
    )


def fields_of(column: Field, enrolment: Field, raw: Field) -> dict[str, Field]:
    """Points, their maximum and the course."""
    most, course = Join(COLUMNS, column, "possible"), Join(ENROLMENTS, enrolment, "crsmain_pk1")
    return {"raw": raw, "max": most, "course": course}
