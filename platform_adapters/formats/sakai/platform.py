"""Sakai: events, the gradebook, and the members of sites, as CSV."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.sakai import event, grade, gradebook

FORMAT = Declared(
    name="sakai",
    summary="Sakai's SAKAI_EVENT with SAKAI_SESSION, gradebook tables, members of sites, the "
    "exported gradebook (CSV; .gz)",
    tried_on="the gradebooks of Sakai's own tests; tables never on a live site's, written after "
    "Sakai's schema and list of events",
    fold=True,
    rows=(event.ROWS, grade.ROWS, gradebook.ROWS),
).format()
