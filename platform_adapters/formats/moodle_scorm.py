"""SCORM tracks in Moodle: one row an element of an attempt at an object (SCO) of a package.

Until 4.2 they stand in `scorm_scoes_track`; since 4.3 in `scorm_scoes_value`, with
`scorm_attempt` and `scorm_element` beside it. Statuses and raw scores are facts. A maximum that
the package did not report is not assumed; a scaled score stands for the raw one beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle_tables import module_id, track_key
from platform_adapters.values import ratio, text_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_adapters.formats.moodle_tables import Lookups, Row

STATUSES = frozenset({"cmi.core.lesson_status", "cmi.completion_status", "cmi.success_status"})
RAW = frozenset({"cmi.core.score.raw", "cmi.score.raw"})
WANTED = STATUSES | RAW
"""Elements that are facts; what learners typed or where they stopped is not read."""

VERBS: Mapping[str, str] = {
    "completed": "completed",
    "passed": "passed",
    "failed": "failed",
    "incomplete": "progressed",
}


def value(row: Row, lookups: Lookups) -> dict[str, object]:
    """What a row of `scorm_scoes_value` says."""
    whole = lookups.whole_track(row)
    if whole is None:
        return {"ignore": "SCORM value without its rows in scorm_attempt and scorm_element"}
    return track(whole, lookups)


def track(row: Row, lookups: Lookups) -> dict[str, object]:
    """What a row of `scorm_scoes_track` says."""
    element = row["element"]
    if element not in WANTED:
        return {"ignore": "SCORM element that is no outcome"}
    module = lookups.module("scorm", row["scormid"])
    if not module:
        return {"ignore": "SCORM package that is not in course_modules: pass that table too"}
    number = text_number(row.get("attempt"), "attempt")
    outcome = _status(row["value"]) if element in STATUSES else _score(row, lookups)
    return {
        "learner": row["userid"],
        "item": module_id(module),
        "course": lookups.course_of(module),
        "time": row.get("timemodified"),
        "attempt": int(number) if number is not None else None,
        **outcome,
    }


def told(element: str, text: str) -> dict[str, object]:
    """What an element's value says where nothing else of the attempt is known."""
    if element in RAW:
        return {"verb": "scored", "raw": text_number(text, "value")}
    return _status(text) if element in STATUSES else {"ignore": "SCORM element that is no outcome"}


def _status(text: str) -> dict[str, object]:
    verb = VERBS.get(text.strip().lower())
    if verb is None:
        return {"ignore": "SCORM status that is not learning"}
    completion = {"completed": True, "progressed": False}.get(verb)
    success = {"passed": True, "failed": False}.get(verb)
    return {"verb": verb, "completion": completion, "success": success}


def _score(row: Row, lookups: Lookups) -> dict[str, object]:
    beside = lookups.scorm_bounds.get(track_key(row), {})
    raw = text_number(row.get("value"), "value")
    if raw is None:
        return {"ignore": "grade without a value"}
    low, high, scaled = (text_number(beside.get(n), n) for n in ("min", "max", "scaled"))
    score = ratio(raw, low, high)
    if scaled is not None:
        score = min(1.0, max(0.0, scaled))
    return {"verb": "scored", "raw": raw, "min": low, "max": high, "score": score}
