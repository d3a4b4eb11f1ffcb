"""Sakai's `GB_GRADE_RECORD_T`: the grades of the gradebook.

Export `GB_GRADABLE_OBJECT_T`, `GB_GRADEBOOK_T` and the members of sites, too. Kept here: a record
is changed in place, so that its number does not tell a new grade from the old; an item that another
tool keeps up is that tool's (`EXTERNAL_ID` names it); records of categories and of the course's
grade stand among those of items.
"""

from __future__ import annotations

import re
from functools import partial

from platform_adapters.declared_rows import Not, Only, Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join, grade, graded
from platform_adapters.formats.sakai import words

_SET = {"1", "true", "True", "t", "\x01"}
_SAMIGO = re.compile("samigo|quiz", re.IGNORECASE)
_ITEMS = Side(
    what="Sakai's table GB_GRADABLE_OBJECT_T",
    marks={"id", "object_type_id", "gradebook_id", "points_possible"},
    key="id",
    needed="it alone says what was graded, and of how many points",
)
_GRADEBOOKS = Side(
    what="Sakai's table GB_GRADEBOOK_T",
    marks={"id", "gradebook_uid"},
    key="id",
    needed="it alone says which site a grade was given in",
)
_item = partial(Join, _ITEMS, "gradable_object_id")
_SITE = Join(_GRADEBOOKS, Apply(str, (_item("gradebook_id"),)), "gradebook_uid")


def _graded_item(number: str | None, external: str | None, tool: str | None) -> str:
    """What was graded, by the name that the log has for it where another tool keeps it up."""
    external = external or ""
    if external.startswith("/assignment/"):
        return words.assignment(external)
    if external.isdigit() and _SAMIGO.search(tool or ""):
        return f"assessment:{external}"
    return f"gradebook:{number}" if number else ""


ROWS = Rows(
    name="grade",
    what="Sakai's table GB_GRADE_RECORD_T",
    example="Ana has had 8 of 10 points for the gradebook's item 12 since 3 March.",
    marks={"gradable_object_id", "student_id", "date_recorded", "points_earned"},
    learner="student_id",
    item=Apply(
        _graded_item, ("gradable_object_id", _item("external_id"), _item("external_app_name"))
    ),
    time="date_recorded",
    verbs="scored",
    rules=(
        Not(_item("object_type_id"), {"None"}, "an item of no known site"),
        Only(_item("object_type_id"), {"1"}, "a course's grade, no item's"),
        Not(_item("removed"), _SET, "an item that was removed from the gradebook"),
        words.student(_SITE, "student_id"),
    ),
    fields={"raw": grade("points_earned"), "max": _item("points_possible"), "course": _SITE},
    told_apart_by=("gradable_object_id", "student_id", "date_recorded", "points_earned"),
    outcome=graded,
)
