"""ILIAS's `read_event`: when somebody last opened an object, and how long altogether.

Export `object_data` and `obj_members`, too. It is no log but one row for each learner and object:
it becomes one view, marked as an aggregate.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Rows
from platform_adapters.fields import Join, more_than_none
from platform_adapters.formats.ilias import words

ROWS = Rows(
    name="read",
    what="ILIAS's table read_event",
    example="Ana opened the file 87 last on 1 March; she has spent 40 minutes in it.",
    marks={"obj_id", "usr_id", "last_access", "read_count", "spent_seconds"},
    learner="usr_id",
    item="obj_id",
    time="last_access",
    verbs="viewed",
    rules=words.rules("usr_id", "obj_id"),
    fields={
        "duration_seconds": more_than_none("spent_seconds"),
        "course": Join(words.OBJECTS, "obj_id", "course"),
    },
    told_apart_by=("usr_id", "obj_id", "last_access"),
    evidence="aggregate",
)
