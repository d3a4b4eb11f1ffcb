"""Mastery of exercises in Kolibri's database, and quizzes that were handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.formats.kolibri import database

if TYPE_CHECKING:
    from platform_adapters.fields import Row

_CRITERION = ", json_extract(l.mastery_criterion, '$.type') AS criterion" + database.CONTENT


def _mastered(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    if not row.get("complete"):
        return {"ignore": "not mastered yet"}
    return {"verb": "submitted"} if row.get("criterion") == "quiz" else {"success": True}


ROWS = database.log(
    name="mastery",
    what="Kolibri's database (mastery of exercises)",
    example="Ana mastered the exercise *Fractions* on 2 March.",
    marks={"mastery_criterion"},
    table="logger_masterylog",
    query=database.query(
        "logger_masterylog",
        "COALESCE(l.completion_timestamp, l.start_timestamp)",
        _CRITERION,
        database.SUMMARY.format("l"),
    ),
    verbs="passed",
    fields=database.FIELDS,
    outcome=_mastered,
)
