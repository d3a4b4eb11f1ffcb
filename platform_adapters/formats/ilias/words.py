"""What ILIAS's tables have in common: whose rows count, and of which objects.

Courses, groups, folders and categories have rows of their own, because opening anything in them
counts for them, too: `object_data` tells them apart. Tutors and administrators read and pass, too:
`obj_members` names them. Both are demanded. Anonymous tests have one account for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Not
from platform_adapters.declared_side import Side
from platform_adapters.fields import Join

if TYPE_CHECKING:
    from platform_adapters.fields import Field, Row

CONTAINERS = frozenset({"root", "cat", "fold", "grp"})


def course(row: Row) -> object:
    """A course is its own course, so that it is no item."""
    return row.get("course_obj_id") or (row.get("obj_id") if row.get("type") == "crs" else None)


OBJECTS = Side(
    what="ILIAS's table object_data",
    marks={"obj_id", "type", "title"},
    key="obj_id",
    made={"course": course},
    needed="it alone tells learning material from folders",
)
_STAFF = Side(
    what="ILIAS's table obj_members",
    marks={"obj_id", "usr_id", "admin", "tutor"},
    key="usr_id",
    when=lambda row: row.get("admin") == "1" or row.get("tutor") == "1",
    needed="it alone tells participants from tutors",
)
_UNKNOWN = "a container, or an object that is not in object_data"


def rules(who: Field, item: Field) -> tuple[Not, ...]:
    """What makes a row nobody's learning."""
    return (
        Not(who, {"0", "6", "13"}, "ILIAS's own accounts: root and anonymous"),
        Not(Join(_STAFF, who), {"1"}, "a tutor or administrator of some course"),
        Not(Join(OBJECTS, item, "type"), CONTAINERS | {"None"}, _UNKNOWN),
    )
