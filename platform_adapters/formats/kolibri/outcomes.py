"""What Kolibri's logs say of how far somebody got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_adapters.fields import Row


def how_far(_row: Row, values: dict[str, Any]) -> dict[str, Any]:
    """A session got somewhere, or looked."""
    return {"verb": "progressed" if values["progress"] else "viewed"}


def completed(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    """A summary counts once it says when the resource was completed."""
    if not (row.get("completion_timestamp") or row.get("Time of completion")):
        return {"ignore": "not completed; how far it went stands in the sessions"}
    return {"completion": True}
