"""An append-only file of records: the write-ahead log and the ledger's blocks.

- A record is length (4 bytes), CRC-32 of the length (4), CRC-32 of the payload (4), payload;
  integers are little-endian. The file begins with a line that names its kind.
- A record is durable once `sync` has returned (R26: persist, then send).
- A crash can only leave the last record incomplete, or ending in zeros; that tail was never
  acted on, and opening the file removes it and says so. Any other difference is damage: the
  length has its own checksum, so a flipped bit cannot pass for a torn tail.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self, overload

from swarm.errors import StorageError
from swarm.storage.files import disk, sync_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
    if not path.exists():
        return Records((), 0, 0)
    with disk("read", path), path.open("rb") as file:
        return _collect(path, kind, file)


def parse_records(path: Path, kind: str, data: bytes) -> Records:
    """What the bytes of a record file say.

    Args:
        path: For messages.
        kind: What the first line must name.
        data: All of the file.

    Raises:
        StorageError: They are damaged or of another kind, with the offset.
    """
    return _collect(path, kind, io.BytesIO(data))


def _collect(path: Path, kind: str, file: BinaryIO) -> Records:
    payloads: list[bytes] = []
    ends = [0]
    for end, payload in _scan(path, kind, file):
        ends.append(end)
        if payload is not None:
            payloads.append(payload)
    return Records(tuple(payloads), ends[-1], file.seek(0, os.SEEK_END) - ends[-1])


def _scan(path: Path, kind: str, file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Where the first line ends, with None, and then each record's end and payload.

    One record is in memory at a time.
    """
    magic = pack_kind(kind)
    begin = file.read(len(magic))
    if begin != magic:
        if magic.startswith(begin):
            return
        raise _damage(path, 0, f"it does not begin with {magic.decode().strip()!r}")
    end = len(magic)
    yield end, None
    while (payload := _read_one(path, file, end)) is not None:
        end += _HEADER.size + len(payload)
        yield end, payload


def _read_one(path: Path, file: BinaryIO, offset: int) -> bytes | None:
    """The next record; None if only a torn one begins at `offset`.

    File systems may leave zeros where a power cut ended a write, behind any part of it.
    """
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, length_sum, payload_sum = _HEADER.unpack(header)
    if zlib.crc32(header[:4]) != length_sum:
        rest = file.read()
        if any(rest) or (any(header) and len(rest) < _ZEROS):
            raise _damage(path, offset, "the length of a record does not match its checksum")
        return None
    payload = file.read(length)
    if len(payload) < length:
        return None
    if zlib.crc32(payload) != payload_sum:
        if length < _ZEROS or any(payload[-_ZEROS:]) or any(file.read()):
            raise _damage(path, offset, "a record does not match its checksum")
        return None
    return payload


def rewrite_records(path: Path, kind: str, payloads: Iterable[bytes]) -> None:
    """Replace a record file whole; who has it open goes on with the old one.

    Raises:
        StorageError: The disk refused; the old file stands.
    """
    write_atomically(path, pack_kind(kind) + b"".join(map(pack_record, payloads)))


class RecordLog(Sequence[bytes]):
    """A record file opened for appending: the payloads, oldest first, read when asked for.

    In memory are only the places of the records, eight bytes each.

    Attributes:
        path: The file.
        note: A sentence if a torn tail was removed, else empty.
    """

    def __init__(self, path: Path, kind: str) -> None:
        """Open or create the file, and cut a torn tail off.

        Raises:
            StorageError: The file is damaged or the disk refuses.
        """
        self.path = path
        self.note = ""
        self._ends = array("Q")
        with disk("create", path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with disk("open", path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            torn = self._read_places(kind)
            with disk("write", path):
                if torn:
                    os.ftruncate(self._file, self._end)
                    self.note = (
                        f"{path}: removed {torn} bytes of a record that a crash left "
                        "unfinished; nothing had been sent on its strength"
                    )
                if not self._ends:
                    self._write(pack_kind(kind))
                os.fsync(self._file)
                sync_folder(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    def _read_places(self, kind: str) -> int:
        """Find the records; returns the bytes of a torn one behind them."""
        with disk("read", self.path), self.path.open("rb") as file:
            self._ends.extend(end for end, _ in _scan(self.path, kind, file))
            return file.seek(0, os.SEEK_END) - self._end

    @property
    def _end(self) -> int:
        """Offset behind the last whole record."""
        return self._ends[-1] if self._ends else 0

    def __len__(self) -> int:
        """How many records there are."""
        return max(len(self._ends) - 1, 0)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        """The payload of a record, read from the disk and checked.

        Raises:
            IndexError: There is no such record.
            StorageError: The disk refused, or the record is damaged.
        """
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at = range(len(self))[index]
        begin, end = self._ends[at], self._ends[at + 1]
        with disk("read", self.path):
            record = os.pread(self._file, end - begin, begin)
        payload = _read_one(self.path, io.BytesIO(record), begin)
        if payload is None or len(payload) != end - begin - _HEADER.size:
            raise _damage(self.path, begin, "a record is not there any more")
        return payload

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
        self._ends.append(at)

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
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
