"""What the tables of Canvas Data 2 have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Not, Only

if TYPE_CHECKING:
    from platform_adapters.fields import Row

ITSELF = Only("real_user_id", {"", "None"}, "somebody acted as the learner")
GONE = Not("workflow_state", {"deleted"}, "deleted in Canvas")


def state(row: Row) -> str:
    """A row that has changed is another event."""
    when = row.get("graded_at") or row.get("submitted_at") or row.get("finished_at")
    return f"{row['id']}:{row.get('attempt') or 0}:{row.get('workflow_state')}:{when}"
