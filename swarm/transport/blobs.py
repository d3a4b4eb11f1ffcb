"""Blob transfer: verified chunk by chunk, resumed where it stopped, from whoever has it (P23).

One stream, protocol `/murmuration/blob/1`, frames as in `framing`:

1. asker: digest (32 bytes);
2. holder: status (1 byte) and size (8 bytes, big-endian); then, if it has the blob, one frame with
   the SHA-256 of every chunk;
3. asker: number of the first chunk wanted (4 bytes);
4. holder: the chunks from there on, a frame each.

The asker proves the hash list against the digest, and the size against the one that the ledger
committed to, before the first chunk (R28); and each chunk against the list before it is kept.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import struct
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

import trio

from swarm.codec import CHUNK_BYTES
from swarm.errors import RemoteProtocolError, StorageError, TransportError
from swarm.storage.blobs import (
    DIGEST_BYTES,
    MAX_BLOB_BYTES,
    PartialBlob,
    StoredBlob,
    chunk_count,
    digest_of_hashes,
)
from swarm.transport.framing import FrameReader, frame
from swarm.transport.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm.storage.blobs import BlobStore
    from swarm.transport.host import Host
    from swarm.transport.stream import Stream

logger = logging.getLogger(__name__)

PROTOCOL = "/murmuration/blob/1"
TRANSFERS_AT_ONCE = 8
TRANSFERS_PER_MEMBER = 2
_OPENED_AT_ONCE = 16
_ANSWER_SECONDS = 20.0
_HERE, _NOT_HERE, _BUSY = 0, 1, 2
_STATUS = struct.Struct(">BQ")
_FIRST = struct.Struct(">I")


class BlobMalformedError(RemoteProtocolError):
    """The blob itself, proved by its digest, is not what its member committed to."""


class BlobServer:
    """Answers other members' requests for blobs."""

    def __init__(
        self,
        host: Host,
        store: BlobStore,
        may_serve: Callable[[bytes], bool],
        traffic: Traffic | None = None,
    ) -> None:
        """Register the protocol; call before the host runs.

        Args:
            host: The network.
            store: Where blobs lie.
            may_serve: Whether a blob may leave: its commit must be final first.
            traffic: Counts what leaves.
        """
        self._traffic = traffic or Traffic()
        self._store = store
        self._may_serve = may_serve
        self._running: Counter[str] = Counter()
        self._opened: OrderedDict[bytes, StoredBlob] = OrderedDict()
        host.serve(PROTOCOL, self._answer)

    async def _answer(self, stream: Stream) -> None:
        busy = (
            self._running.total() >= TRANSFERS_AT_ONCE
            or self._running[stream.peer] >= TRANSFERS_PER_MEMBER
        )
        self._running[stream.peer] += 1
        try:
            await self._serve(stream, busy=busy)
        except (TransportError, RemoteProtocolError, trio.TooSlowError) as error:
            logger.debug("transfer to %s ended: %s", stream.peer, error)
            await stream.reset()
        finally:
            self._running[stream.peer] -= 1

    async def _serve(self, stream: Stream, *, busy: bool) -> None:
        reader = FrameReader(stream)
        with trio.fail_after(_ANSWER_SECONDS):
            blob = await reader.read(DIGEST_BYTES)
        stored = None if busy else await self._open(blob)
        if stored is None:
            await stream.write(frame(_STATUS.pack(_BUSY if busy else _NOT_HERE, 0)))
            return
        answer = frame(_STATUS.pack(_HERE, stored.size)) + frame(b"".join(stored.hashes))
        await stream.write(answer)
        with trio.fail_after(_ANSWER_SECONDS):
            request = await reader.read(_FIRST.size)
        if len(request) != _FIRST.size:
            raise RemoteProtocolError("asks for no chunk number", peer=stream.peer)
        for index in range(_FIRST.unpack(request)[0], len(stored.hashes)):
            chunk = await self._read_chunk(stored, index)
            await stream.write(frame(chunk))
            self._traffic.blob_bytes_sent += len(chunk)

    async def _open(self, blob: bytes) -> StoredBlob | None:
        if not self._may_serve(blob) or not self._store.has(blob):
            return None
        if blob not in self._opened:
            try:
                self._opened[blob] = await trio.to_thread.run_sync(self._store.open, blob)
            except StorageError as error:
                logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
                return None
        self._opened.move_to_end(blob)
        while len(self._opened) > _OPENED_AT_ONCE:
            self._opened.popitem(last=False)
        return self._opened.get(blob)

    async def _read_chunk(self, stored: StoredBlob, index: int) -> bytes:
        try:
            return await trio.to_thread.run_sync(stored.read_chunk, index)
        except StorageError as error:
            logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
            raise TransportError("the blob cannot be read any more") from error


class BlobClient:
    """Fetches blobs from other members."""

    def __init__(
        self,
        host: Host,
        store: BlobStore,
        *,
        retry_seconds: float = 0.25,
        retry_most_seconds: float = 10.0,
        answer_seconds: float = 20.0,
        traffic: Traffic | None = None,
    ) -> None:
        self._traffic = traffic or Traffic()
        self._host = host
        self._store = store
        self._retry_seconds = retry_seconds
        self._retry_most_seconds = retry_most_seconds
        self._answer_seconds = answer_seconds

    async def fetch(self, blob: bytes, size: int, holders: Sequence[str]) -> None:
        """Fetch, prove and store a blob; holders are tried in turn until one has given it.

        Args:
            blob: Digest.
            size: Exact size in bytes, from the ledger.
            holders: Members to ask, best first.

        Raises:
            BlobMalformedError: The blob is proved not to be what was committed to.
            StorageError: The disk refused; what was fetched so far stays.
        """
        if not 0 < size <= MAX_BLOB_BYTES:
            raise BlobMalformedError(
                f"{size} bytes are committed; 1 to {MAX_BLOB_BYTES} are allowed"
            )
        wait = self._retry_seconds
        while not self._store.has(blob):
            for holder in holders:
                if await self._try(blob, size, holder):
                    return
            await trio.sleep(wait * (0.5 + secrets.randbelow(1000) / 1000))
            wait = min(2 * wait, self._retry_most_seconds)

    async def _try(self, blob: bytes, size: int, holder: str) -> bool:
        """Ask one holder; whether the blob is whole now."""
        try:
            stream = await self._host.open_stream(holder, PROTOCOL)
        except TransportError as error:
            logger.debug("blob %s from %s: %s", blob.hex()[:12], holder, error)
            return False
        try:
            return await self._fetch(blob, size, stream)
        except BlobMalformedError:
            raise
        except RemoteProtocolError as error:
            logger.warning("blob %s: %s %s", blob.hex()[:12], holder, error)
        except (TransportError, trio.TooSlowError) as error:
            logger.debug("blob %s from %s: %s", blob.hex()[:12], holder, error)
        finally:
            with trio.move_on_after(1) as scope:
                scope.shield = True
                await stream.reset()
        return False

    async def _fetch(self, blob: bytes, size: int, stream: Stream) -> bool:
        reader = FrameReader(stream)
        await stream.write(frame(blob))
        with trio.fail_after(self._answer_seconds):
            hashes = await _read_hashes(reader, blob, size)
        if hashes is None:
            return False
        part = await trio.to_thread.run_sync(PartialBlob, self._store.folder, blob, size, hashes)
        try:
            await stream.write(frame(_FIRST.pack(part.next_chunk)))
            while not part.is_whole:
                with trio.fail_after(self._answer_seconds):
                    chunk = await reader.read(CHUNK_BYTES)
                self._traffic.blob_bytes_received += len(chunk)
                if len(chunk) != part.expected_bytes():
                    _refuse_length(chunk, hashes[part.next_chunk], part.expected_bytes())
                await trio.to_thread.run_sync(part.add_chunk, chunk)
            await trio.to_thread.run_sync(part.finish)
        finally:
            part.close()
        return True


async def _read_hashes(reader: FrameReader, blob: bytes, size: int) -> list[bytes] | None:
    """The holder's hash list, or None if it does not have the blob or is busy."""
    answer = await reader.read(_STATUS.size)
    if len(answer) != _STATUS.size:
        raise RemoteProtocolError("gives a malformed answer", rule="R28")
    status, offered = _STATUS.unpack(answer)
    if status != _HERE:
        return None
    raw = await reader.read(DIGEST_BYTES * chunk_count(MAX_BLOB_BYTES))
    hashes = [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]
    if len(hashes) != chunk_count(size) and digest_of_hashes(hashes) == blob:
        raise BlobMalformedError(
            f"the blob has {len(hashes)} chunks, its commit promised {size} bytes", rule="R28"
        )
    if offered != size:
        raise RemoteProtocolError(
            f"offers {offered} bytes where {size} were committed to", rule="R28"
        )
    return hashes


def _refuse_length(chunk: bytes, expected_hash: bytes, expected_bytes: int) -> None:
    if hashlib.sha256(chunk).digest() == expected_hash:
        raise BlobMalformedError(
            f"a chunk has {len(chunk)} bytes, its commit promised {expected_bytes}", rule="R28"
        )
    raise RemoteProtocolError(
        f"sends a chunk of {len(chunk)} bytes, expected {expected_bytes}", rule="R28"
    )
