"""What the tables of ILIAS's tests have in common: whose a result is, of which test.

Points are counted while a test is still being taken: `tst_active` says which attempts are over.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Not, Only
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join
from platform_adapters.formats.ilias import words
from platform_adapters.values import whole_number

_TAKERS = Side(
    what="ILIAS's table tst_active",
    marks={"active_id", "user_fi", "test_fi", "last_finished_pass"},
    key="active_id",
    needed="it alone says who took a test, and which attempts are over",
)
_TESTS = Side(
    what="ILIAS's table tst_tests",
    marks={"test_id", "obj_fi"},
    key="test_id",
    needed="it alone says which object a test is",
)


def _is_over(this: object, last: object) -> str:
    """Whether an attempt is not later than the last one that was finished."""
    number, finished = whole_number(this, "pass"), whole_number(last, "last_finished_pass")
    return str(number is not None and finished is not None and number <= finished)


TAKER = Join(_TAKERS, "active_fi", "user_fi")
TEST = Join(_TESTS, Join(_TAKERS, "active_fi", "test_fi"), "obj_fi")
COURSE = Join(words.OBJECTS, TEST, "course")
_OVER = Apply(_is_over, ("pass", Join(_TAKERS, "active_fi", "last_finished_pass")))
RULES: tuple[Only | Not, ...] = (
    *words.rules(TAKER, TEST),
    Only(_OVER, {"True"}, "an attempt that is not finished"),
)
