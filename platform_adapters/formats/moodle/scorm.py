"""SCORM packages: a row an element of an attempt at an object (SCO) of a package.

Until 4.2 in `scorm_scoes_track`; since 4.3 in `scorm_scoes_value`, with `scorm_attempt` and
`scorm_element`. A maximum that the package did not report is not assumed; a scaled score stands
for the raw one beside it. What learners typed or where they stopped is not read.

Example: the package of course module 346 says that Ana's first attempt was passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import words
from platform_adapters.readers.php_values import parse_other
from platform_adapters.values import ratio, text_number

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups

STATUSES = frozenset({"cmi.core.lesson_status", "cmi.completion_status", "cmi.success_status"})
RAW = frozenset({"cmi.core.score.raw", "cmi.score.raw"})
WANTED = STATUSES | RAW
BOUNDS = {
    **{f"cmi.{core}score.{name}": name for core in ("core.", "") for name in ("min", "max")},
    "cmi.score.scaled": "scaled",
}
"""Elements that say what a raw score is worth."""

VERBS = {
    "completed": "completed", "passed": "passed", "failed": "failed", "incomplete": "progressed"
}  # fmt: skip


def told(element: str, text: str) -> words.Fact:
    """What an element's value words.says where nothing else of the attempt is known."""
    if element in RAW:
        return {"verb": "scored", "raw": text_number(text, "value")}
    return _status(text) if element in STATUSES else words.none("SCORM element that is no outcome")


def _status(text: str) -> words.Fact:
    verb = VERBS.get(text.strip().lower())
    if verb is None:
        return words.none("SCORM status that is not learning")
    completion = {"completed": True, "progressed": False}.get(verb)
    success = {"passed": True, "failed": False}.get(verb)
    return {"verb": verb, "completion": completion, "success": success}


def _logged(row: words.Row, _: Lookups) -> words.Fact:
    other = parse_other(row.get("other", ""))
    return {"raw": text_number(other.get("cmivalue"), "other.cmivalue")}


def _logged_status(row: words.Row, _: Lookups) -> words.Fact:
    fact = _status(str(parse_other(row.get("other", "")).get("cmivalue", "")))
    return fact if "ignore" in fact else {"verb": fact["verb"]}


def _score(row: words.Row, lookups: Lookups) -> words.Fact:
    beside = lookups.scorm_bounds.get(lookups.track_key(row), {})
    raw = text_number(row.get("value"), "value")
    if raw is None:
        return words.none("grade without a value")
    low, high, scaled = (text_number(beside.get(n), n) for n in ("min", "max", "scaled"))
    score = ratio(raw, low, high) if scaled is None else min(1.0, max(0.0, scaled))
    return {"verb": "scored", "raw": raw, "min": low, "max": high, "score": score}


def _track(row: words.Row, lookups: Lookups) -> words.Fact:
    if row["element"] not in WANTED:
        return words.none("SCORM element that is no outcome")
    module = lookups.module("scorm", row["scormid"])
    if not module:
        return words.none("SCORM package that is not in course_modules: pass that table too")
    number = text_number(row.get("attempt"), "attempt")
    return {
        "learner": row["userid"],
        "item": words.module_id(module),
        "course": lookups.course_of(module),
        "time": row.get("timemodified"),
        "attempt": int(number) if number is not None else None,
        **(_status(row["value"]) if row["element"] in STATUSES else _score(row, lookups)),
    }


def _value(row: words.Row, lookups: Lookups) -> words.Fact:
    whole = lookups.whole_track(row)
    if whole is None:
        return words.none("SCORM value without its rows in scorm_attempt and scorm_element")
    return _track(whole, lookups)


def _key(row: words.Row, lookups: Lookups) -> tuple[str, ...]:
    return lookups.module("scorm", row["scormid"]), row["userid"]


def _value_key(row: words.Row, lookups: Lookups) -> tuple[str, ...]:
    track = lookups.whole_track(row)
    return _key(track, lookups) if track else ()


_EXAMPLE = "The package of course module 346 says that Ana's first attempt was passed."
_TOLD = ("SCORM track", words.OF_MODULE)
LOG_RULES = {
    "\\mod_scorm\\event\\sco_launched": words.Rule("started"),
    "\\mod_scorm\\event\\scoreraw_submitted": words.Rule(
        "scored", "author", outcome=_logged, told=_TOLD
    ),
    "\\mod_scorm\\event\\status_submitted": words.Rule(
        "progressed", "author", outcome=_logged_status, told=_TOLD
    ),
}
SENTENCES = (
    words.says(r"launched the sco with id", "started"),
    words.says(
        r"submitted the element '(?P<element>[\w.]+)' with the value of '(?P<value>[^']*)'", ""
    ),
)
_TRACK = {"scormid": ("scorm", "id"), "scoid": ("sco", "id")}
TABLES = {
    "scorm_scoes_track": words.Table(
        "id userid scormid scoid attempt element value timemodified",
        "userid scormid scoid element value",
        places=(words.Place("activities/scorm_*/scorm.xml", "sco_track", around=_TRACK),),
        fact=_track,
        tells="SCORM track",
        key=_key,
        changed=("timemodified",),
        example=_EXAMPLE,
    ),
    "scorm_scoes_value": words.Table(
        "id scoid attemptid elementid value timemodified",
        "scoid attemptid elementid value",
        fact=_value,
        tells="SCORM track",
        key=_value_key,
        changed=("timemodified",),
        example=_EXAMPLE,
    ),
    "scorm_attempt": words.Table("id userid scormid attempt", "id userid scormid attempt", "scoid"),
    "scorm_element": words.Table("id element", "id element", "value"),
}
