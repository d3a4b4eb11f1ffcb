"""ILIAS: progress (`ut_lp_marks`), access (`read_event`) and results of tests, as CSV.

After ILIAS's tracking classes. What goes wrong in naive readers, and is kept here:

- `read_event` is no log but one row for each learner and object: when it was last opened, how
  long altogether. It becomes one view, marked as an aggregate;
- courses, groups, folders and categories have rows of their own, because opening anything in them
  counts for them, too: `object_data` tells them apart and is demanded;
- tutors and administrators read and pass, too: `obj_members` is demanded;
- marks are texts without a scale (5.0 may be the best or the worst) and are never scores: those
  are points of tests, which know their maximum;
- points are counted while a test is still being taken: `tst_active` says which attempts are over;
- anonymous tests have one account for everybody.

Example: Ana completed the learning module 311 on 1 March; she had spent 40 minutes in it.
"""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Not, Only, Rows
from platform_adapters.fields import (
    Apply,
    Field,
    Join,
    Row,
    constant,
    grade,
    graded,
    more_than_none,
    percent,
)
from platform_adapters.format import Sign
from platform_adapters.values import whole_number

_OBJECTS = frozenset({"obj_id", "type", "title"})
_CONTAINERS = frozenset({"root", "cat", "fold", "grp"})
_NO_MATERIAL = _CONTAINERS | {"usr", "role", "rolf", "rolt", "typ"}


def _course_of(item: Field) -> Join:
    return Join("objects", Apply(lambda own: own, (item,)), "course")


def _rules(who: Field, item: Field) -> tuple[Only | Not, ...]:
    """What makes a row nobody's learning."""
    return (
        Not(who, frozenset({"0", "6", "13"}), "ILIAS's own accounts: root and anonymous"),
        Not(
            Join("staff", Apply(lambda one: one, (who,))),
            frozenset({"1"}),
            "a tutor or administrator of some course",
        ),
        Not(
            Join("objects", Apply(lambda own: own, (item,)), "type"),
            _CONTAINERS | {"None"},
            "a container, or an object that is not in object_data",
        ),
    )


_TAKER = Join("takers", "active_fi", "user_fi")
_TEST = Join("tests", Apply(lambda test: test, (Join("takers", "active_fi", "test_fi"),)), "obj_fi")


def _is_over(this: object, last: object) -> str:
    """Whether an attempt is not later than the last one that was finished."""
    number, finished = whole_number(this, "pass"), whole_number(last, "last_finished_pass")
    return str(number is not None and finished is not None and number <= finished)


_OVER = Apply(_is_over, ("pass", Join("takers", "active_fi", "last_finished_pass")))
_UNFINISHED = Only(_OVER, frozenset({"True"}), "an attempt that is not finished")


def _number_of(row: Row) -> object:
    """Attempts are counted from 0."""
    number = whole_number(row.get("pass"), "pass")
    return None if number is None else number + 1


def _judged(row: Row) -> object:
    """A result is one of both as soon as the test's scale of marks says so."""
    if row.get("passed") == "1":
        return "passed"
    return "failed" if row.get("failed") == "1" else ""


def _teaches(row: Row) -> bool:
    return row.get("admin") == "1" or row.get("tutor") == "1"


def _course(row: Row) -> object:
    """A course is its own course, so that it is no item."""
    return row.get("course_obj_id") or (row.get("obj_id") if row.get("type") == "crs" else None)


FORMAT = Declared(
    name="ilias",
    summary="ILIAS's ut_lp_marks, read_event, tst_* with object_data and obj_members (CSV; .gz)",
    example="Ana completed the learning module 311 on 1 March; she had spent 40 minutes in it.",
    tried_on="never on a live site's tables; written after ILIAS's tracking classes",
    fold=True,
    rows=(
        Rows(
            name="progress",
            what="ILIAS's table ut_lp_marks",
            marks=frozenset({"obj_id", "usr_id", "status", "status_changed"}),
            learner="usr_id",
            item="obj_id",
            time="status_changed",
            event="status",
            verbs={
                "1": Means("progressed", {"completion": constant("0")}),
                "2": Means("completed", {"completion": constant("1")}),
                "3": Means("failed", {"success": constant("0")}),
            },
            ignored={"0": "not attempted", "": "not attempted"},
            rules=_rules("usr_id", "obj_id"),
            fields={
                "progress": percent("percentage"),
                "course": _course_of("obj_id"),
            },
            told_apart_by=("usr_id", "obj_id", "status", "status_changed"),
        ),
        Rows(
            name="read",
            what="ILIAS's table read_event",
            marks=frozenset({"obj_id", "usr_id", "last_access", "read_count", "spent_seconds"}),
            learner="usr_id",
            item="obj_id",
            time="last_access",
            verbs="viewed",
            rules=_rules("usr_id", "obj_id"),
            fields={
                "duration_seconds": more_than_none("spent_seconds"),
                "course": _course_of("obj_id"),
            },
            told_apart_by=("usr_id", "obj_id", "last_access"),
            evidence="aggregate",
        ),
        Rows(
            name="attempt",
            what="ILIAS's table tst_pass_result",
            marks=frozenset({"active_fi", "pass", "points", "maxpoints", "tstamp"}),
            learner=_TAKER,
            item=_TEST,
            time="tstamp",
            verbs="attempted",
            rules=(*_rules(_TAKER, _TEST), _UNFINISHED),
            fields={
                "raw": grade("points"),
                "max": "maxpoints",
                "attempt": _number_of,
                "duration_seconds": more_than_none("workingtime"),
                "course": _course_of(_TEST),
            },
            told_apart_by=("active_fi", "pass", "points", "maxpoints"),
            outcome=graded,
        ),
        Rows(
            name="result",
            what="ILIAS's table tst_result_cache",
            marks=frozenset({"active_fi", "pass", "reached_points", "max_points", "passed"}),
            learner=_TAKER,
            item=_TEST,
            time="tstamp",
            event=_judged,
            verbs={
                "passed": Means("passed", {"success": constant("1")}),
                "failed": Means("failed", {"success": constant("0")}),
            },
            ignored={"": "neither passed nor failed"},
            rules=(*_rules(_TAKER, _TEST), _UNFINISHED),
            fields={
                "raw": grade("reached_points"),
                "max": "max_points",
                "course": _course_of(_TEST),
            },
            told_apart_by=("active_fi", "pass", "reached_points", "max_points", "passed"),
            outcome=graded,
        ),
    ),
    sides=(
        Side(
            name="objects",
            what="ILIAS's table object_data",
            marks=_OBJECTS,
            key="obj_id",
            keep=("type",),
            made={"course": _course},
            needed="it alone tells learning material from folders",
        ),
        Side(
            name="staff",
            what="ILIAS's table obj_members",
            marks=frozenset({"obj_id", "usr_id", "admin", "tutor"}),
            key="usr_id",
            when=_teaches,
            needed="it alone tells participants from tutors",
        ),
        Side(
            name="takers",
            what="ILIAS's table tst_active",
            marks=frozenset({"active_id", "user_fi", "test_fi", "last_finished_pass"}),
            key="active_id",
            keep=("user_fi", "test_fi", "last_finished_pass"),
            needed="it alone says who took a test, and which attempts are over",
            needed_by=("attempt", "result"),
        ),
        Side(
            name="tests",
            what="ILIAS's table tst_tests",
            marks=frozenset({"test_id", "obj_fi"}),
            key="test_id",
            keep=("obj_fi",),
            needed="it alone says which object a test is",
            needed_by=("attempt", "result"),
        ),
    ),
    catalogues=(
        Entries(
            Sign("ILIAS's table object_data", _OBJECTS, role="catalogue"),
            fields={
                "item": "obj_id",
                "title": "title",
                "description": "description",
                "course": _course,
                "position": "position",
                "type": lambda row: "course" if row.get("type") == "crs" else row.get("type"),
                "hidden": "offline",
            },
            when=lambda row: (
                row.get("type") not in {"root", "cat", "fold", "grp", "usr", "role", "rolf"}
            ),
        ),
    ),
).format()
