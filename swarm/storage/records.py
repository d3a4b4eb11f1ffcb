"""An append-only file of records: the write-ahead log and the ledger's blocks.

- A record is length (4 bytes), CRC-32 of the length (4), CRC-32 of the payload (4), payload;
  integers are little-endian. The file begins with a line that names its kind.
- A record is durable once `sync` has returned (R26: persist, then send).
- A crash can only leave the last record incomplete, or ending in zeros; that tail was never
  acted on, and opening the file removes it and says so. Any other difference is damage: the
  length has its own checksum, so a flipped bit cannot pass for a torn tail.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from swarm.errors import StorageError
from swarm.storage.files import disk, sync_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_RECORD_BYTES = 1 << 24
_HEADER = struct.Struct("<III")
_ZEROS = 64
"""So many zero bytes up to the end of the file are a torn write: what we write ends otherwise."""


@dataclass(frozen=True, slots=True)
class Records:
    """What a record file holds.

    Attributes:
        payloads: Oldest first.
        end: Offset behind the last whole record, in bytes.
        torn: Bytes of an incomplete record behind `end`; 0 if the file ends cleanly.
    """

    payloads: tuple[bytes, ...]
    end: int
    torn: int


def pack_kind(kind: str) -> bytes:
    """The first line of a record file."""
    return f"murmuration-{kind}/1\n".encode()


def pack_record(payload: bytes) -> bytes:
    """The bytes of one record.

    Raises:
        ValueError: The payload is larger than `MAX_RECORD_BYTES`.
    """
    if len(payload) > MAX_RECORD_BYTES:
        raise ValueError(f"a record of {len(payload)} bytes; at most {MAX_RECORD_BYTES}")
    length_sum = zlib.crc32(struct.pack("<I", len(payload)))
    return _HEADER.pack(len(payload), length_sum, zlib.crc32(payload)) + payload


def _damage(path: Path, offset: int, what: str) -> StorageError:
    return StorageError(
        f"{path} is damaged at byte {offset}: {what}; restore it from a backup, or start the peer "
        "with --restored: it moves the file aside, catches up with the others, and takes no part "
        "until two more heights are decided"
    )


def read_records(path: Path, kind: str) -> Records:
    """Read a record file without changing it.

    Args:
        path: The file; a missing one is empty.
        kind: What the first line must name, such as `wal`.

    Raises:
        StorageError: The file is damaged, of another kind, or unreadable; the message names the
            file and the offset.
    """
    with disk("read", path):
        data = path.read_bytes() if path.exists() else b""
    return parse_records(path, kind, data)


def parse_records(path: Path, kind: str, data: bytes) -> Records:
    """What the bytes of a record file say.

    Args:
        path: For messages.
        kind: What the first line must name.
        data: All of the file.

    Raises:
        StorageError: They are damaged or of another kind, with the offset.
    """
    magic = pack_kind(kind)
    if len(data) < len(magic) and magic.startswith(data):
        return Records((), 0, len(data))
    if not data.startswith(magic):
        raise _damage(path, 0, f"it does not begin with {magic.decode().strip()!r}")
    payloads: list[bytes] = []
    offset = len(magic)
    while offset < len(data):
        payload = _read_one(path, data, offset)
        if payload is None:
            break
        payloads.append(payload)
        offset += _HEADER.size + len(payload)
    return Records(tuple(payloads), offset, len(data) - offset)


def _read_one(path: Path, data: bytes, offset: int) -> bytes | None:
    """One record; None if only a torn one begins at `offset`.

    File systems may leave zeros where a power cut ended a write, behind any part of it.
    """
    begin = offset + _HEADER.size
    if len(data) < begin or not any(data[offset:]):
        return None
    length, length_sum, payload_sum = _HEADER.unpack_from(data, offset)
    if zlib.crc32(data[offset : offset + 4]) != length_sum:
        if len(data) - begin < _ZEROS or any(data[begin:]):
            raise _damage(path, offset, "the length of a record does not match its checksum")
        return None
    if len(data) - begin < length:
        return None
    payload = data[begin : begin + length]
    if zlib.crc32(payload) != payload_sum:
        if length < _ZEROS or any(data[begin + length - _ZEROS :]):
            raise _damage(path, offset, "a record does not match its checksum")
        return None
    return payload


def rewrite_records(path: Path, kind: str, payloads: Iterable[bytes]) -> None:
    """Replace a record file whole; it must not be open.

    Raises:
        StorageError: The disk refused; the old file stands.
    """
    write_atomically(path, pack_kind(kind) + b"".join(map(pack_record, payloads)))


class RecordLog:
    """A record file opened for appending.

    Attributes:
        path: The file.
        payloads: What it held when it was opened, oldest first.
        note: A sentence if a torn tail was removed, else empty.
    """

    def __init__(self, path: Path, kind: str) -> None:
        """Open or create the file, and cut a torn tail off.

        Raises:
            StorageError: The file is damaged or the disk refuses.
        """
        self.path = path
        self.note = ""
        with disk("create", path):
            path.parent.mkdir(parents=True, exist_ok=True)
        found = read_records(path, kind)
        self.payloads = found.payloads
        self._end = found.end
        with disk("open", path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with disk("write", path):
                if found.torn:
                    os.ftruncate(self._file, found.end)
                    self.note = (
                        f"{path}: removed {found.torn} bytes of a record that a crash left "
                        "unfinished; nothing had been sent on its strength"
                    )
                if not found.end:
                    self._write(pack_kind(kind))
                os.fsync(self._file)
                sync_folder(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    def _write(self, data: bytes) -> None:
        """Write behind the last whole record, or leave the file as it was."""
        view = memoryview(data)
        at = self._end
        try:
            while view:
                written = os.pwrite(self._file, view, at)
                view = view[written:]
                at += written
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end = at

    def append(self, payload: bytes) -> None:
        """Append a record; it is durable only after `sync`.

        Raises:
            StorageError: The disk refused; the file is as before.
            ValueError: The payload is larger than `MAX_RECORD_BYTES`.
        """
        record = pack_record(payload)
        with disk("append to", self.path):
            self._write(record)

    def sync(self) -> None:
        """Make all appended records durable.

        Raises:
            StorageError: The disk refused; what was appended since the last `sync` must not be
                acted on.
        """
        with disk("write", self.path):
            os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file; records appended since the last `sync` may be lost in a power cut."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
