"""Frames on a stream: a length of four bytes, big-endian, then that many bytes (P22).

The length is checked before it is believed, so that a peer can make us hold one frame, never more
(R28).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from swarm.errors import RemoteProtocolError

if TYPE_CHECKING:
    from swarm.transport.stream import Stream

READ_BYTES = 256 * 1024
_LENGTH = struct.Struct(">I")


def frame(payload: bytes) -> bytes:
    """The bytes of one frame."""
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Reads frames off a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def read(self, limit: int) -> bytes:
        """Read one frame.

        Args:
            limit: Greatest payload that is acceptable here, in bytes.

        Raises:
            RemoteProtocolError: The announced length is above `limit`.
            StreamEndedError: The stream ended.
            TransportError: The stream broke.
        """
        (length,) = _LENGTH.unpack(await self._take(_LENGTH.size))
        if length > limit:
            raise RemoteProtocolError(
                f"announces a frame of {length} bytes where at most {limit} are allowed",
                peer=self._stream.peer,
                rule="R28",
            )
        return await self._take(length)

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            wanted = max(count - len(self._buffer), 1)
            self._buffer += await self._stream.read_some(min(READ_BYTES, max(wanted, 4096)))
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
