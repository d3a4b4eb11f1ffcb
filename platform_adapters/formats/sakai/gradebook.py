"""Sakai's gradebook: *Gradebook, Import / Export, Export Gradebook*, as an instructor has it.

After Sakai's own exporter and importer. Kept here: it has no times and no numbers, so that a
learner's scores stand in the order of the columns, marked as an aggregate, and items are known by
their titles; it names learners by their user name, as no table of the database does; columns that
begin with `*` are comments, with `#` or `$` no grades; numbers are written in the exporter's way.
"""

from __future__ import annotations

import re
from functools import partial

from platform_adapters.declared_rows import Not, Rows
from platform_adapters.fields import about, grade, graded, points
from platform_adapters.format import Sign
from platform_adapters.readers.gradebooks import read_grades

_COLUMN = re.compile(r"(?P<title>[^*#$].*) \[(?P<most>\d+(?:[.,]\d+)?)\] *", re.DOTALL)

ROWS = Rows(
    name="gradebook",
    what="Sakai's gradebook as instructors export it",
    example="Ana has 7 of 10 points for *Quiz 1* of the gradebook.",
    marks={"learner", "cell", "title", "most"},
    files=(Sign("", {"Student ID", "Student Name"}, ("csv",), (b"]",)),),
    read=partial(read_grades, learner="Student ID", column=_COLUMN),
    learner="learner",
    item=about("gradebook", "title"),
    time="time",
    order="place",
    verbs="scored",
    rules=(Not("points", {"None"}, "a grade in words, or none yet"),),
    fields=points(grade("points"), "most"),
    evidence="aggregate",
    told_apart_by=("learner", "title", "cell"),
    outcome=graded,
)
