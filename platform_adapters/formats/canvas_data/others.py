"""Tables of Canvas Data 2 that may stand among the inputs though nothing is read of them."""

from __future__ import annotations

from platform_adapters.declared_side import Side
from platform_adapters.fields import constant

_NOTHING = constant(None)
_OTHER = "another table of Canvas Data 2"

SIDES = (
    Side(
        what="Canvas Data 2's table context_modules",
        marks={"id", "context_id", "prerequisites", "completion_requirements"},
        key="id",
        when=_NOTHING,
    ),
    Side(_OTHER, {"meta.ts"}, key="id", when=_NOTHING),
    Side(_OTHER, {"key", "value", "meta"}, key="id", when=_NOTHING),
)
