"""ILIAS's `tst_pass_result`: the points of each attempt at a test.

Export `tst_active`, `tst_tests`, `object_data` and `obj_members`, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Rows
from platform_adapters.fields import grade, graded, more_than_none
from platform_adapters.formats.ilias import takers
from platform_adapters.values import whole_number

if TYPE_CHECKING:
    from platform_adapters.fields import Row


def _number_of(row: Row) -> object:
    """Attempts are counted from 0."""
    number = whole_number(row.get("pass"), "pass")
    return None if number is None else number + 1


ROWS = Rows(
    name="attempt",
    what="ILIAS's table tst_pass_result",
    example="Ana got 7 of 10 points at her second attempt at the test 412.",
    marks={"active_fi", "pass", "points", "maxpoints", "tstamp"},
    learner=takers.TAKER,
    item=takers.TEST,
    time="tstamp",
    verbs="attempted",
    rules=takers.RULES,
    fields={
        "raw": grade("points"),
        "max": "maxpoints",
        "attempt": _number_of,
        "duration_seconds": more_than_none("workingtime"),
        "course": takers.COURSE,
    },
    told_apart_by=("active_fi", "pass", "points", "maxpoints"),
    outcome=graded,
)
