"""Canvas's gradebook: Grades, Export, *Export entire gradebook*, as CSV.

After Canvas's own exporter. Kept here: the second line is the maximum, numbers are written in the
exporter's language (`88,5`), EX and N/A are no zeros, and the last line may be the test student's;
it has no times: a learner's scores stand in the order of the columns, marked as an aggregate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.declared_rows import Not, Rows
from platform_adapters.fields import Apply, about, points
from platform_adapters.format import Sign
from platform_adapters.readers.canvas_gradebook import POINTS, number_of, read_gradebook

if TYPE_CHECKING:
    from platform_adapters.fields import Row

_KNOWN = {"EX": "excused: no score and no work", "N/A": "not assigned to the learner"}


def _graded(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    cell = str(row["gradebook"])
    if number_of(cell) is None:
        return {"ignore": _KNOWN.get(cell, "a grade in words, or a note")}
    return {}


ROWS = Rows(
    name="grade",
    what="Canvas's gradebook",
    example="Ana has 8 of 10 points for assignment 355.",
    marks={"gradebook", "assignment", "place"},
    files=tuple(Sign("", {name}, ("csv",), (POINTS,)) for name in ("Student", "LastName")),
    read=read_gradebook,
    learner="learner",
    item=about("assignment", "assignment"),
    time="time",
    order="place",
    verbs="scored",
    rules=(Not("name", {"Student, Test", "Test Student"}, "the test student"),),
    fields=points(Apply(number_of, ("gradebook",)), "max"),
    evidence="aggregate",
    told_apart_by=("learner", "assignment", "gradebook"),
    outcome=_graded,
)
