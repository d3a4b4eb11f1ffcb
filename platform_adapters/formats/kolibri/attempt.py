"""Attempts at questions in Kolibri's database.

An attempt at a question is one at its exercise, whose `content_id` is that of the catalogue. It
goes on changing under one number until it ends (`contract.GROWING`).
"""

from __future__ import annotations

from platform_adapters.declared_rows import Not
from platform_adapters.formats.kolibri import database

_JOINS = database.MASTERY + database.SUMMARY.format("m")

ROWS = database.log(
    name="attempt",
    what="Kolibri's database (attempts at questions)",
    example="Ana answered a question of the exercise *Fractions* right, after 20 seconds.",
    marks={"interaction_history"},
    table="logger_attemptlog",
    query=database.query("logger_attemptlog", "l.end_timestamp", database.CONTENT, _JOINS),
    verbs="answered",
    rules=(*database.RULES, Not("error", {"1"}, "a question that could not be shown")),
    fields={**database.FIELDS, "score": "correct", "session": "sessionlog_id"},
    outcome=lambda _row, values: {"success": {1.0: True, 0.0: False}.get(values["score"])},
)
