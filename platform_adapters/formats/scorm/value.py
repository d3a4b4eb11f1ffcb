"""Moodle's `scorm_scoes_value`, since Moodle 4.3: one row for each element of an attempt.

After Moodle's mod/scorm/db/install.xml; export `scorm_attempt` and `scorm_element`, which say whose
attempt and which element it is, and `scorm` for the courses. Tracks of teachers look like those of
learners: name the teachers with `--staff`.
"""

from __future__ import annotations

from functools import partial

from platform_adapters.declared_rows import Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Join, about
from platform_adapters.formats.scorm import elements

_WHAT = "Moodle's table scorm_scoes_value"
_MARKS = {"attemptid", "elementid", "scoid", "value", "timemodified"}
_ATTEMPTS = Side("Moodle's table scorm_attempt", {"id", "userid", "scormid", "attempt"}, key="id")
_ELEMENTS = Side("Moodle's table scorm_element", {"id", "element"}, key="id")
_ELEMENT = Join(_ELEMENTS, "elementid", "element")
_attempt = partial(Join, _ATTEMPTS, "attemptid")
_beside = elements.bounds(_WHAT, _MARKS, _ELEMENT, ("attemptid", "scoid"))

ROWS = Rows(
    name="value",
    what=_WHAT,
    example="Ana completed the object *Fire safety 2* at her second attempt.",
    marks=_MARKS,
    learner=_attempt("userid"),
    item=about("sco", "scoid"),
    time="timemodified",
    event=elements.event(_ELEMENT, _beside),
    verbs=elements.verbs(_beside),
    ignored=elements.IGNORED,
    fields={"attempt": _attempt("attempt"), **elements.package(_attempt("scormid"))},
    identity="id",
)
