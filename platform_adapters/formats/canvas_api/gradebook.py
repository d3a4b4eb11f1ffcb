"""Canvas's gradebook: Grades, Export, *Export entire gradebook*, as CSV.

After Canvas's own exporter. Kept here: a line is the maximum, and one `Muted` or `Manual Posting`
may stand before it; numbers are written in the exporter's language (`88,5`; whether `1.000` is one
or a thousand is told by the file's other cells); EX and N/A are no zeros; the last line may be the
test student's. It has no times: a learner's scores stand in the order of the columns, marked as an
aggregate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.declared_rows import Not, Rows
from platform_adapters.fields import about, points
from platform_adapters.format import Sign
from platform_adapters.readers.canvas_gradebook import POINTS, read_gradebook

if TYPE_CHECKING:
    from platform_adapters.fields import Row

_KNOWN = {"EX": "excused: no score and no work", "N/A": "not assigned to the learner"}
_UNCLEAR = "a number that may be thousands or decimals"


def _graded(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    cell = str(row["gradebook"])
    if row["points"] is None:
        words = _UNCLEAR if cell[-1:].isdigit() else "a grade in words, or a note"
        return {"ignore": _KNOWN.get(cell, words)}
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
    fields=points("points", "max"),
    evidence="aggregate",
    told_apart_by=("learner", "assignment", "gradebook"),
    outcome=_graded,
)
