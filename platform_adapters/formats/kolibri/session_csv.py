"""Kolibri's export of session logs: Facility, Data, *Session logs*, as CSV.

A session goes on changing under one number until it ends (`contract.GROWING`).
"""

from __future__ import annotations

from platform_adapters.fields import either
from platform_adapters.formats.kolibri import csv_logs, outcomes

ROWS = csv_logs.log(
    name="session-csv",
    what="Kolibri's export of session logs",
    example="Ana of *Nairobi South* spent 3 minutes with *Cell walls* on 1 March.",
    marks={*csv_logs.COLUMNS},
    time=either("Time of last interaction", "Time of first interaction"),
    verbs="viewed",
    told_apart_by=(
        *("Username", "Facility name", "Channel id"),
        *("Content id", "Time of first interaction"),
    ),
    outcome=outcomes.how_far,
)
