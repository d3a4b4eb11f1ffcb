"""Completion of courses.

Example: Ana completed course 7 on 3 June.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import words

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups


def _stored(row: words.Row, _: Lookups) -> words.Fact:
    if not words.is_set(row.get("timecompleted")):
        return words.none("course not complete")
    fact = {"learner": row["userid"], "item": row["course"], "course": row["course"]}
    return {**fact, "time": row["timecompleted"], "verb": "completed", "completion": True}


def _key(row: words.Row, _: Lookups) -> tuple[str, ...]:
    return (row["course"], row["userid"]) if words.is_set(row.get("timecompleted")) else ()


LOG_RULES = {
    "\\core\\event\\course_completed": words.Rule(
        "completed",
        "relateduserid",
        "course",
        lambda _row, _lookups: {"completion": True},
        ("course completion", ("courseid", "relateduserid")),
    )
}
SENTENCES = (words.says(r"completed the course with id", "completed", about_course=True),)
TABLES = {
    "course_completions": words.Table(
        "id userid course timecompleted",
        "userid course timecompleted",
        "criteriaid",
        fact=_stored,
        versions=False,
        tells="course completion",
        key=_key,
        changed=("timecompleted",),
        example="Ana completed course 7 on 3 June.",
    )
}
