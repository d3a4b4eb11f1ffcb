"""What has crossed the network since the start, as counters; nothing in them is about learners."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TEXT = 0x60
_LONGEST = 0x17


@dataclass(slots=True)
class Traffic:
    """Payload counted where it enters and leaves our protocols: without noise, yamux, TCP."""

    messages_sent: int = 0
    messages_received: int = 0
    message_bytes_sent: int = 0
    message_bytes_received: int = 0
    messages_dropped: int = 0
    """Messages that a full queue pushed out; the protocol repeats itself."""
    blob_bytes_sent: int = 0
    blob_bytes_received: int = 0
    types_sent: dict[str, int] = field(default_factory=dict)
    """Messages sent, by type."""

    def sent(self, messages: Iterable[bytes], size: int) -> None:
        """Messages have left, in so many bytes together."""
        self.message_bytes_sent += size
        for message in messages:
            self.messages_sent += 1
            name = name_type(message)
            self.types_sent[name] = self.types_sent.get(name, 0) + 1


def name_type(message: bytes) -> str:
    """The type of a message of ours: a list whose first part is a short text (P1)."""
    length = message[1] - _TEXT if len(message) > 1 else -1
    if not 0 < length <= _LONGEST:
        return "unknown"
    return message[2 : 2 + length].decode("ascii", errors="replace")
