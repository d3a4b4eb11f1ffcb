"""Moodle's `scorm_scoes_track`, until Moodle 4.2: one row for each element of an attempt.

After Moodle's mod/scorm/db/install.xml; export `scorm`, too, for the courses. Tracks of teachers
look like those of learners: name the teachers with `--staff`.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Rows
from platform_adapters.fields import about
from platform_adapters.formats.scorm import elements

_WHAT = "Moodle's table scorm_scoes_track"
_MARKS = {"userid", "scormid", "attempt", "element", "scoid", "value", "timemodified"}
_beside = elements.bounds(_WHAT, _MARKS, "element", ("userid", "scormid", "scoid", "attempt"))

ROWS = Rows(
    name="track",
    what=_WHAT,
    example="Ana passed the object *Fire safety 1* with 80 of 100 points at her first attempt.",
    marks=_MARKS,
    learner="userid",
    item=about("sco", "scoid"),
    time="timemodified",
    event=elements.event("element", _beside),
    verbs=elements.verbs(_beside),
    ignored=elements.IGNORED,
    fields={"attempt": "attempt", **elements.package("scormid")},
    identity="id",
)
