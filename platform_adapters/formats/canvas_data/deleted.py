"""A record of any table that was deleted since: only its key is left."""

from __future__ import annotations

from platform_adapters.declared_rows import Rows

ROWS = Rows(
    name="deleted",
    what="a record that was deleted",
    marks={"deleted"},
    kinds=(),
    learner="deleted",
    item="deleted",
    time="deleted",
    event="deleted",
    verbs={},
    ignored={"D": "deleted in Canvas since"},
)
