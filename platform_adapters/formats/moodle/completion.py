"""Completion of course modules: 0 not complete, 1 complete, 2 and passed, 3 and failed.

Example: Ana completed course module 340; her teacher marked it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.errors import RecordError
from platform_adapters.formats.moodle import words
from platform_adapters.readers.php_values import parse_other

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups


def _came_to(state: str, overridden: object) -> words.Fact:
    if state not in {"0", "1", "2", "3"}:
        raise RecordError("the completion state is not 0, 1, 2 or 3")
    return {
        "verb": "completed" if state != "0" else "uncompleted",
        "completion": state != "0",
        "success": {"2": True, "3": False}.get(state),
        "evidence": "override" if str(overridden or "0") != "0" else "observed",
    }


def _logged(row: words.Row, _: Lookups) -> words.Fact:
    other = parse_other(row.get("other", ""))
    return _came_to(str(other.get("completionstate", "")), other.get("overrideby"))


def _stored(row: words.Row, lookups: Lookups) -> words.Fact:
    if row["completionstate"] == "0":
        return words.none("not complete, or no longer")
    module = row["coursemoduleid"]
    where = {"item": words.module_id(module), "course": lookups.course_of(module)}
    came = _came_to(row["completionstate"], row.get("overrideby"))
    return {"learner": row["userid"], **where, "time": row.get("timemodified"), **came}


def _key(row: words.Row, _: Lookups) -> tuple[str, ...]:
    return (row["coursemoduleid"], row["userid"]) if row["completionstate"] != "0" else ()


LOG_RULES = {
    "\\core\\event\\course_module_completion_updated": words.Rule(
        "completed", "relateduserid", outcome=_logged, told=("completion", words.OF_MODULE)
    ),
}
TABLES = {
    "course_modules_completion": words.Table(
        "id coursemoduleid userid completionstate overrideby timemodified",
        "coursemoduleid userid completionstate",
        places=(words.Place("activities/*/completion.xml", "completion"),),
        fact=_stored,
        tells="completion",
        key=_key,
        changed=("timemodified",),
        example="Ana completed course module 340; her teacher marked it so.",
    )
}
