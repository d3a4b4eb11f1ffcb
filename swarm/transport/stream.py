"""What the rest of the transport sees of a network stream, whatever carries it."""

from __future__ import annotations

from typing import Protocol

from swarm.errors import TransportError


class StreamEndedError(TransportError):
    """The other side closed the stream, or the connection is gone."""


class Stream(Protocol):
    """A reliable byte stream to or from one authenticated member.

    Attributes:
        peer: Member id of the other side, proved by the handshake.
        protocol: What both sides agreed to speak.
    """

    peer: str
    protocol: str

    async def read_some(self, limit: int) -> bytes:
        """Read between 1 and `limit` bytes.

        Raises:
            StreamEndedError: There is nothing more to read.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            TransportError: The stream broke, or the other side has not read for 5 s.
        """
        ...

    async def close(self) -> None:
        """Close in order; what was written still arrives. Never raises."""
        ...

    async def reset(self) -> None:
        """Drop the stream at once. Never raises."""
        ...
