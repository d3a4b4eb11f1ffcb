"""ILIAS: learning progress (`ut_lp_marks`) and access (`read_event`), as CSV.

After ILIAS's tracking classes. What goes wrong in naive readers, and is kept here:

- `read_event` is no log but one row for each learner and object: when it was last opened, how
  long altogether. It becomes one view, marked as an aggregate;
- courses, groups, folders and categories have rows of their own, because opening anything in them
  counts for them, too: `object_data` tells them apart and is demanded;
- tutors and administrators read and pass, too: `obj_members` is demanded;
- marks are texts of the tutor's and are not read as scores.

Example: Ana completed the learning module 311 on 1 March; she had spent 40 minutes in it.
"""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Not, Rows
from platform_adapters.fields import Join, Row, constant, more_than_none, percent
from platform_adapters.format import Sign

_OBJECTS = frozenset({"obj_id", "type", "title"})
_COURSE = Join("objects", "obj_id", "course")
_CONTAINERS = frozenset({"root", "cat", "fold", "grp"})
_NO_MATERIAL = _CONTAINERS | {"usr", "role", "rolf", "rolt", "typ"}
_RULES = (
    Not("usr_id", frozenset({"0", "6", "13"}), "ILIAS's own accounts: root and anonymous"),
    Not(Join("staff", "usr_id"), frozenset({"1"}), "a tutor or administrator of some course"),
    Not(
        Join("objects", "obj_id", "type"),
        _CONTAINERS | {"None"},
        "a container, or an object that is not in object_data",
    ),
)


def _teaches(row: Row) -> bool:
    return row.get("admin") == "1" or row.get("tutor") == "1"


def _course(row: Row) -> object:
    """A course is its own course, so that it is no item."""
    return row.get("course_obj_id") or (row.get("obj_id") if row.get("type") == "crs" else None)


FORMAT = Declared(
    name="ilias",
    summary="ILIAS's ut_lp_marks and read_event with object_data and obj_members (CSV; .gz)",
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
            rules=_RULES,
            fields={
                "progress": percent("percentage"),
                "course": Join("objects", "obj_id", "course"),
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
            rules=_RULES,
            fields={"duration_seconds": more_than_none("spent_seconds"), "course": _COURSE},
            told_apart_by=("usr_id", "obj_id", "last_access"),
            evidence="aggregate",
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
