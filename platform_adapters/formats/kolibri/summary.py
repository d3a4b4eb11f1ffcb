"""Summaries of Kolibri's database: one row for each learner and resource, as it stands now."""

from __future__ import annotations

from platform_adapters.formats.kolibri import database, outcomes

_TABLE = "logger_contentsummarylog"

ROWS = database.log(
    name="summary",
    what="Kolibri's database (summary logs)",
    example="Ana completed *Cell walls* on 1 March, 9:10 in Nairobi.",
    marks={"completion_timestamp", "kind"},
    table=_TABLE,
    query=database.query(_TABLE, "COALESCE(l.completion_timestamp, l.start_timestamp)"),
    verbs="completed",
    fields={**database.FIELDS, "progress": "progress"},
    evidence="aggregate",
    outcome=outcomes.completed,
)
