"""Sessions of Kolibri's database: one goes on changing under one number until it ends."""

from __future__ import annotations

from platform_adapters.formats.kolibri import database, outcomes

_TABLE = "logger_contentsessionlog"

ROWS = database.log(
    name="session",
    what="Kolibri's database (session logs)",
    example="Ana watched half of *Cell walls* on 1 March, 9:07 in Nairobi.",
    marks={"visitor_id"},
    table=_TABLE,
    query=database.query(_TABLE, "COALESCE(l.end_timestamp, l.start_timestamp)"),
    verbs="viewed",
    fields={**database.FIELDS, "progress": "progress"},
    outcome=outcomes.how_far,
)
