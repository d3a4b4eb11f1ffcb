"""Moodle's logstore_xapi: scales 0..1 to -1..1; success compares with a pass mark that may be 0.

Example: Ana was scored 91.4 of 100 on *Humanities, course 12*.
"""

from __future__ import annotations

from platform_adapters.formats.xapi.words import Producer, Statement
from platform_adapters.values import get

_TLA = "https://w3id.org/xapi/tla/verbs/"
_HALTED = (_TLA + "resumed", _TLA + "suspended")


def _no_act(statement: Statement) -> str:
    kind = str(get(statement, "object", "definition", "type"))
    if kind.endswith("/course") and get(statement, "verb", "id") in _HALTED:
        return "an enrolment that was halted or taken up again"
    return ""


MOODLE = Producer(
    extension="http://lrs.learninglocker.net/define/extensions/info",
    unless="bblearn",
    no_act=_no_act,
    unscaled=lambda scaled: (scaled + 1) / 2,
    scaled_beside_raw=False,
    takes_back=lambda _result, _verb: {"success": None},
)
