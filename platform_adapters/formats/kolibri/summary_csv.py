"""Kolibri's export of summary logs: Facility, Data, *Summary logs*, as CSV.

One row for each learner and resource, as it stands now: it says what was completed; how far the
rest went stands in the sessions.
"""

from __future__ import annotations

from platform_adapters.fields import either
from platform_adapters.formats.kolibri import csv_logs, outcomes

ROWS = csv_logs.log(
    name="summary-csv",
    what="Kolibri's export of summary logs",
    example="Ana of *Nairobi South* completed *Cell walls* on 1 March.",
    marks={*csv_logs.COLUMNS, "Time of completion"},
    time=either("Time of completion", "Time of first interaction"),
    verbs="completed",
    evidence="aggregate",
    outcome=outcomes.completed,
)
