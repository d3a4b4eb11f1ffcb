"""How patient the links of the mesh are; apart from them, so that settings need no event loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeshTiming:
    """How patient links are."""

    ping_seconds: float = 5.0
    """Idle time after which a ping is sent."""
    misses: int = 3
    """Silent pings after which a member is disconnected."""
    redial_seconds: float = 0.25
    """First wait before dialling again; it doubles."""
    redial_most_seconds: float = 10.0
    """Longest wait before dialling again."""
