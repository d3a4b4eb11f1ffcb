"""ILIAS's `tst_result_cache`: whether somebody passed a test.

Export `tst_active`, `tst_tests`, `object_data` and `obj_members`, too. A result is one of both
(passed, failed) as soon as the test's scale of marks says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Means, Rows
from platform_adapters.fields import constant, grade, graded
from platform_adapters.formats.ilias import takers

if TYPE_CHECKING:
    from platform_adapters.fields import Row


def _judged(row: Row) -> str:
    return next((name for name in ("passed", "failed") if row.get(name) == "1"), "")


ROWS = Rows(
    name="result",
    what="ILIAS's table tst_result_cache",
    example="Ana passed the test 412 with 8 of 10 points.",
    marks={"active_fi", "pass", "reached_points", "max_points", "passed"},
    learner=takers.TAKER,
    item=takers.TEST,
    time="tstamp",
    event=_judged,
    verbs={
        "passed": Means("passed", {"success": constant("1")}),
        "failed": Means("failed", {"success": constant("0")}),
    },
    ignored={"": "neither passed nor failed"},
    rules=takers.RULES,
    fields={"raw": grade("reached_points"), "max": "max_points", "course": takers.COURSE},
    told_apart_by=("active_fi", "pass", "reached_points", "max_points", "passed"),
    outcome=graded,
)
