"""What has crossed the network since the start, as counters; nothing in them is about learners."""

from __future__ import annotations

from dataclasses import dataclass


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
