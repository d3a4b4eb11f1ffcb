"""Canvas's `page_views`: what somebody looked at, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues.canvas_modules import KINDS
from platform_adapters.declared_rows import Rows
from platform_adapters.fields import either
from platform_adapters.formats.canvas_data import enrolments, words

if TYPE_CHECKING:
    from platform_adapters.fields import Row


def _viewed(row: Row) -> str | None:
    """The asset of a page view."""
    kind = KINDS.get(str(row.get("asset_type")))
    return f"{kind}:{row['asset_id']}" if kind and row.get("asset_id") else None


ROWS = Rows(
    name="page",
    what="Canvas's table page_views",
    example="Ana looked at file 41 of course 17 for 90 seconds.",
    marks={"asset_id", "asset_type", "context_id", "interaction_seconds"},
    learner="user_id",
    item=_viewed,
    time="created_at",
    verbs="viewed",
    rules=(words.ITSELF, enrolments.students("context_id")),
    fields={"course": "context_id", "duration_seconds": "interaction_seconds"},
    identity=either("request_id", "id"),
)
