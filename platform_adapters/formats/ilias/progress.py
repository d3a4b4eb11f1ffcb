"""ILIAS's `ut_lp_marks`: how far somebody got in an object.

After ILIAS's tracking classes. Export `object_data` and `obj_members`, too. Marks are texts without
a scale (5.0 may be the best or the worst) and are never scores: those are points of tests.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Means, Rows
from platform_adapters.fields import Join, constant, percent
from platform_adapters.formats.ilias import words

ROWS = Rows(
    name="progress",
    what="ILIAS's table ut_lp_marks",
    example="Ana completed the learning module 311 on 1 March.",
    marks={"obj_id", "usr_id", "status", "status_changed"},
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
    rules=words.rules("usr_id", "obj_id"),
    fields={"progress": percent("percentage"), "course": Join(words.OBJECTS, "obj_id", "course")},
    told_apart_by=("usr_id", "obj_id", "status", "status_changed"),
)
