"""How much of our time each member may cost: a share of one core, and a moment at once (P31).

A member's bytes are read, decrypted, decoded and verified before anybody can say that they are
worth nothing. So each has a budget in seconds of our time, charged for what it has cost; while
it is used up, no more is read from that member: its own line fills up, and nobody else waits.
"""

from __future__ import annotations

from typing import Final

import trio

SHARE: Final = 0.1
"""Of one core, for each member, in the long run."""
AT_ONCE_SECONDS: Final = 1.0
"""What a member that was quiet may cost at once."""
LONGEST_PAUSE_SECONDS: Final = 4.0
"""Shorter than a ping's interval: who is paused for so long is read again, one message."""
_FRAME_SECONDS: Final = 1e-4
_UNIT_SECONDS: Final = 5e-5
_UNIT_BYTES: Final = 128
"""About a signature with its member: the most costly thing that so many bytes can hold."""
_MOST_UNITS: Final = 150
"""A block's transactions and its certificate: no message holds more."""


def expected_cost(size: int) -> float:
    """What a message costs before it is known what it cost: some of it, in seconds of one core."""
    return _FRAME_SECONDS + _UNIT_SECONDS * min(size / _UNIT_BYTES, _MOST_UNITS)


class Budgets:
    """The budget of each member; times are of the event loop's clock."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def left(self, member: str) -> float:
        """What a member has left, in seconds; negative if it has cost more."""
        left, at = self._left.get(member, (AT_ONCE_SECONDS, trio.current_time()))
        return min(AT_ONCE_SECONDS, left + SHARE * (trio.current_time() - at))

    def charge(self, member: str, seconds: float) -> None:
        """A member has cost so much; negative gives back what turned out to be useful."""
        left = min(AT_ONCE_SECONDS, self.left(member) - seconds)
        self._left[member] = (left, trio.current_time())

    async def wait(self, member: str) -> None:
        """Wait while a member's budget is used up, but not for ever."""
        left = self.left(member)
        if left < 0:
            await trio.sleep(min(-left / SHARE, LONGEST_PAUSE_SECONDS))
