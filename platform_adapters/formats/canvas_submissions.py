"""What Canvas's tables and the lists of its API have in common: submissions and enrolments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_adapters.declared_rows import Rows
from platform_adapters.fields import about

if TYPE_CHECKING:
    from platform_adapters.fields import Row

TRUE = frozenset({"true", "True", "t", "1"})

enrolments = partial(
    Rows,
    name="enrolment",
    example="Ana was enrolled as a student in course 17 on 1 March.",
    learner="user_id",
    item="course_id",
    time="created_at",
    event="type",
    verbs={"StudentEnrollment": "enrolled"},
    otherwise="enrolment of somebody who is no student",
    fields={"course": "course_id"},
    identity="id",
)
"""Enrolments, whose state stands in a column of its own name."""


def _submitted(row: Row, values: dict[str, Any]) -> dict[str, Any]:
    """A submission as it stands now: graded, or handed in, or nothing yet."""
    if str(row.get("excused")) in TRUE:
        return {"ignore": "excused: no score and no work"}
    if row.get("workflow_state") == "graded" and values["raw"] is not None:
        return {"verb": "scored"}
    nothing = {"raw": None, "min": None, "max": None}
    return nothing if row.get("submitted_at") else {"ignore": "nothing submitted yet"}


submissions = partial(
    Rows,
    name="submission",
    example="Ana's second attempt at assignment 7 was graded 8 of 10 on 2 March.",
    learner="user_id",
    item=about("assignment", "assignment_id"),
    verbs="submitted",
    outcome=_submitted,
)
"""Submissions: a row is the attempt as it stands now, its maximum the assignment's."""
