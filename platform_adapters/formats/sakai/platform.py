"""Sakai: events, the gradebook, and the members of sites, as CSV."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.sakai import event, grade

FORMAT = Declared(
    name="sakai",
    summary="Sakai's SAKAI_EVENT with SAKAI_SESSION, gradebook tables, members of sites (CSV; .gz)",
    tried_on="never on a live site's log; written after Sakai's schema and list of events",
    fold=True,
    rows=(event.ROWS, grade.ROWS),
).format()
