"""The gradebook: a final grade, in the range of its item, of a module or of a course.

Example: Ana was given 7 of 10 points for course module 340, the pass mark being 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import words
from platform_adapters.readers.php_values import parse_other
from platform_adapters.values import ratio, text_number

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups


def _said(final: float | None, item: words.Row, *, overridden: bool) -> words.Fact:
    """What a final grade says; below a range from zero on it means words.none."""
    low = text_number(item.get("grademin"), "grade_items.grademin") or 0.0
    if final is None or (final < 0 <= low):
        return words.none("grade without a value")
    passed = text_number(item.get("gradepass"), "grade_items.gradepass") or 0.0
    high = text_number(item.get("grademax"), "grade_items.grademax")
    measured = item.get("gradetype", "1") in {"", "1"}  # 2 is an ordinal scale, 3 a text
    return {
        "verb": "scored",
        "score": ratio(final, low, high) if measured else None,
        "raw": final,
        "min": low,
        "max": high,
        "success": final >= passed if passed > 0 else None,
        "evidence": "override" if overridden else "observed",
    }


def _of(item_id: str, lookups: Lookups) -> tuple[words.Row, str, str]:
    """The grade's item, its place, and why there is words.none."""
    item = lookups.grade_items.get(item_id)
    if item is None:
        return {}, "", "grade whose item is not in grade_items: pass that table too"
    place = lookups.place_of_grade(item)
    missing = "" if place else "grade of a module that is not in course_modules, or of a category"
    return item, place, missing


def _logged(row: words.Row, lookups: Lookups) -> words.Fact:
    other = parse_other(row.get("other", ""))
    item, place, missing = _of(str(other.get("itemid", "")), lookups)
    if missing:
        return words.none(missing)
    final = text_number(other.get("finalgrade"), "other.finalgrade")
    return {"item": place, **_said(final, item, overridden=other.get("overridden") is True)}


def _stored(row: words.Row, lookups: Lookups) -> words.Fact:
    item, place, missing = _of(row["itemid"], lookups)
    time = words.latest(row, "timemodified", "timecreated")
    if missing or not time:
        return words.none(missing or "grade without a time: computed, not given")
    final = text_number(row.get("finalgrade"), "grade_grades.finalgrade")
    where = {"learner": row["userid"], "item": place, "course": item.get("courseid", "")}
    return {
        **where,
        "time": time,
        **_said(final, item, overridden=words.is_set(row.get("overridden"))),
    }


LOG_RULES = {
    "\\core\\event\\user_graded": words.Rule(
        "scored", "relateduserid", "grade", _logged, ("grade", words.OF_OBJECT)
    )
}
_FILES = ("activities/*/grades.xml", "gradebook.xml")
TABLES = {
    "grade_items": words.Table(
        "id courseid itemtype itemmodule iteminstance gradetype grademax grademin gradepass",
        "id itemtype grademax",
        "oldid",
        tuple(words.Place(files, "grade_item") for files in _FILES),
    ),
    "grade_grades": words.Table(
        "id itemid userid finalgrade overridden timecreated timemodified",
        "id itemid userid finalgrade",
        "oldid",
        tuple(
            words.Place(f, "grade_grade", around={"itemid": ("grade_item", "id")}) for f in _FILES
        ),
        fact=_stored,
        tells="grade",
        key=lambda row, _lookups: (row["id"],) if row.get("finalgrade") else (),
        changed=("timemodified", "timecreated"),
        example="Ana was given 7 of 10 points for course module 340, the pass mark being 5.",
    ),
}
