"""Blackboard's gradebook: *Grade Center, Work Offline, Download*, as an instructor has it.

After files that instructors published. Kept here: it has no times, so that a learner's scores stand
in the order of the columns, marked as an aggregate; it names learners by their user name, as no
table of the database does; totals (`up to 100`) are made of other columns; a percentage is out of
100 whatever the points; text, letters and what is still to be graded are no scores.
"""

from __future__ import annotations

import re
from functools import partial

from platform_adapters.declared_rows import Not, Only, Rows
from platform_adapters.fields import Apply, about, grade, graded, points
from platform_adapters.format import Sign
from platform_adapters.readers.gradebooks import read_grades

_COLUMN = re.compile(
    r".* \[Total Pts: (?P<made>up to )?(?P<most>\d+(?:\.\d+)?)(?: (?P<shown>[^\]]*))?\]"
    r" \|(?P<pk1>\d+)",
    re.DOTALL,
)


def _most(shown: str, most: str | None) -> str | None:
    return "100" if shown == "Percentage" else most


def _is_preview(username: str | None) -> str:
    return str((username or "").endswith("_previewuser"))


ROWS = Rows(
    name="gradebook",
    what="Blackboard's gradebook as instructors download it",
    example="Ana has 8 of 10 points for column 51772 of the gradebook.",
    marks={"learner", "cell", "pk1", "most", "shown", "made"},
    files=(Sign("", {"Last Name", "First Name", "Username"}, ("csv",), (b"[Total Pts:",)),),
    read=partial(read_grades, learner="Username", column=_COLUMN),
    learner="learner",
    item=about("gradebook", "pk1"),
    time="time",
    order="place",
    verbs="scored",
    rules=(
        Only(Apply(_is_preview, ("learner",)), {"False"}, "the preview user of an instructor"),
        Only("made", {""}, "a total, made of the course's other grades"),
        Not("shown", {"Text"}, "a text, no grade"),
        Not("points", {"None"}, "a grade in words, or not graded yet"),
    ),
    fields=points(grade("points"), Apply(_most, ("shown", "most"))),
    evidence="aggregate",
    told_apart_by=("learner", "pk1", "cell"),
    outcome=graded,
)
