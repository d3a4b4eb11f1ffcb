"""Blobs by content: each file is named by its digest and is proved against it whenever it is read.

- A blob's digest is SHA-256 over the SHA-256s of its 256 KiB chunks, so that each chunk of a
  download is proved before it is kept, and a broken download goes on where it stopped.
- A download lives in `<digest>.part` and gets its name only when it is whole and fsynced.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from swarm.codec import CHUNK_BYTES
from swarm.errors import RemoteProtocolError, StorageError
from swarm.storage.files import disk, sync_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_BLOB_BYTES = 1 << 28
DIGEST_BYTES = 32


class BlobDamagedError(StorageError):
    """A stored blob no longer matches its name; it can be fetched again.

    Attributes:
        blob: Digest that the file's name promises.
    """

    def __init__(self, message: str, *, blob: bytes) -> None:
        super().__init__(message)
        self.blob = blob


def chunk_count(size: int) -> int:
    """Number of chunks of a blob of `size` bytes."""
    return -(-size // CHUNK_BYTES)


def chunk_hashes(data: bytes) -> list[bytes]:
    """SHA-256 of each chunk of `data`."""
    view = memoryview(data)
    return [
        hashlib.sha256(view[at : at + CHUNK_BYTES]).digest()
        for at in range(0, len(data), CHUNK_BYTES)
    ]


def digest_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """Digest of the blob whose chunks have these hashes."""
    return hashlib.sha256(b"".join(hashes)).digest()


def blob_digest(data: bytes) -> bytes:
    """Digest of a blob held in memory."""
    return digest_of_hashes(chunk_hashes(data))


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A whole blob on disk, ready to be read in chunks.

    Attributes:
        path: The file.
        size: In bytes.
        hashes: SHA-256 of each chunk; they hash to the digest.
    """

    path: Path
    size: int
    hashes: tuple[bytes, ...]

    def read_chunk(self, index: int) -> bytes:
        """Read and prove one chunk.

        Raises:
            StorageError: The disk refused, or the chunk has changed since the blob was opened.
        """
        with disk("read", self.path), self.path.open("rb") as file:
            file.seek(index * CHUNK_BYTES)
            chunk = file.read(CHUNK_BYTES)
        if hashlib.sha256(chunk).digest() != self.hashes[index]:
            raise _damaged(self.path, digest_of_hashes(self.hashes))
        return chunk


def _damaged(path: Path, blob: bytes) -> BlobDamagedError:
    return BlobDamagedError(
        f"{path} is damaged: its content does not match its name; delete it, and the peer fetches "
        "it again from another member",
        blob=blob,
    )


class PartialBlob:
    """A download that has begun: chunks are added in order, each proved first."""

    def __init__(self, folder: Path, blob: bytes, size: int, hashes: Sequence[bytes]) -> None:
        """Open or begin a download, keeping the chunks that an earlier run left and that hold.

        Args:
            folder: Where blobs live.
            blob: Digest.
            size: Size that the commit promised, in bytes.
            hashes: SHA-256 of each chunk, as a holder gave them.

        Raises:
            RemoteProtocolError: The hashes are not those of a blob of this digest and size (R28).
            StorageError: The disk refused.
        """
        if len(hashes) != chunk_count(size) or digest_of_hashes(hashes) != blob:
            raise RemoteProtocolError(
                f"{len(hashes)} chunk hashes that are not those of blob {blob.hex()[:12]}… of "
                f"{size} bytes; another holder is asked",
                rule="R28",
            )
        self._blob, self._size, self._hashes = blob, size, tuple(hashes)
        self._final = folder / blob.hex()
        self.path = folder / f"{blob.hex()}.part"
        with disk("create", self.path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.next_chunk = 0
        try:
            with disk("read", self.path):
                self._keep_what_holds()
        except BaseException:
            os.close(self._file)
            raise

    def _keep_what_holds(self) -> None:
        while self.next_chunk < len(self._hashes):
            chunk = os.pread(self._file, CHUNK_BYTES, self.next_chunk * CHUNK_BYTES)
            chunk = chunk[: self._length_of(self.next_chunk)]
            if hashlib.sha256(chunk).digest() != self._hashes[self.next_chunk]:
                break
            self.next_chunk += 1
        os.ftruncate(self._file, min(self.next_chunk * CHUNK_BYTES, self._size))

    def _length_of(self, index: int) -> int:
        return min(CHUNK_BYTES, self._size - index * CHUNK_BYTES)

    @property
    def is_whole(self) -> bool:
        """Whether every chunk is there."""
        return self.next_chunk == len(self._hashes)

    def expected_bytes(self) -> int:
        """Length of the next chunk."""
        return self._length_of(self.next_chunk)

    def add_chunk(self, chunk: bytes) -> None:
        """Prove and keep the next chunk.

        Raises:
            RemoteProtocolError: It is not the chunk that the hash list names; nothing is kept.
            StorageError: The disk refused; what was kept before stays.
        """
        index = self.next_chunk
        length = self._length_of(index)
        if len(chunk) != length or hashlib.sha256(chunk).digest() != self._hashes[index]:
            raise RemoteProtocolError(
                f"chunk {index} of blob {self._blob.hex()[:12]}… does not match its hash",
                rule="R28",
            )
        with disk("write", self.path):
            view = memoryview(chunk)
            at = index * CHUNK_BYTES
            while view:
                written = os.pwrite(self._file, view, at)
                view, at = view[written:], at + written
        self.next_chunk = index + 1

    def finish(self) -> Path:
        """Give the whole blob its name, durably.

        Raises:
            StorageError: The disk refused.
        """
        if not self.is_whole:
            raise ValueError("chunks are missing")
        with disk("write", self._final):
            os.fsync(self._file)
            self.path.rename(self._final)
            sync_folder(self._final.parent)
        self.close()
        return self._final

    def close(self) -> None:
        """Close the file; the chunks stay for the next attempt."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class BlobStore:
    """The blobs of one home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, blob: bytes) -> Path:
        """Where a whole blob lies, or would lie."""
        return self.folder / blob.hex()

    def has(self, blob: bytes) -> bool:
        """Whether the whole blob is there."""
        return self.path(blob).exists()

    def add(self, data: bytes) -> bytes:
        """Store bytes durably and return their digest; storing them again heals what has decayed.

        Raises:
            StorageError: The disk refused.
        """
        blob = blob_digest(data)
        path = self.path(blob)
        with disk("read", path):
            is_there = path.exists() and path.read_bytes() == data
        if not is_there:
            write_atomically(path, data)
        return blob

    def read(self, blob: bytes) -> bytes:
        """Read a whole blob and prove it.

        Raises:
            BlobDamagedError: The file does not match its name.
            StorageError: It is missing or cannot be read.
        """
        path = self.path(blob)
        with disk("read", path):
            data = path.read_bytes()
        if blob_digest(data) != blob:
            raise _damaged(path, blob)
        return data

    def open(self, blob: bytes) -> StoredBlob:
        """Prove a blob once and open it for reading in chunks; one chunk in memory at a time.

        Raises:
            BlobDamagedError: The file does not match its name.
            StorageError: It is missing or cannot be read.
        """
        path = self.path(blob)
        hashes: list[bytes] = []
        size = 0
        with disk("read", path), path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                hashes.append(hashlib.sha256(chunk).digest())
                size += len(chunk)
        if digest_of_hashes(hashes) != blob:
            raise _damaged(path, blob)
        return StoredBlob(path, size, tuple(hashes))

    def discard(self, blob: bytes) -> None:
        """Remove a blob, whole or partial; a missing one is fine."""
        with disk("delete", self.path(blob)):
            for path in (self.path(blob), self.path(blob).with_suffix(".part")):
                path.unlink(missing_ok=True)
