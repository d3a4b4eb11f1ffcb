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
    redial_most_seconds: float = 4.0
    """Longest wait before dialling again: a member that is back should not wait for long."""
    steady_seconds: float = 1.0
    """A link that was up for so long begins with the first wait when it breaks."""


class Backoff:
    """How long to wait before dialling again, after one attempt and the next."""

    def __init__(self, timing: MeshTiming) -> None:
        self._timing = timing
        self._wait = timing.redial_seconds

    def after(self, up_seconds: float) -> float:
        """The wait after an attempt by which the link was up for so long; less than 0 if never."""
        if up_seconds >= self._timing.steady_seconds:
            self._wait = self._timing.redial_seconds
        wait = self._wait
        self._wait = min(2 * wait, self._timing.redial_most_seconds)
        return wait
