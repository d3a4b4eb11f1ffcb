"""Bytes of an export: plain or gzip, never more in memory than one bounded line.

gzip and UTF-16 are recognised by their first bytes, not by the name. Whatever stops a file from
being read to its end is a `ReadError` that says where; it is never taken for the file's end.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

MAX_LINE_BYTES = 1 << 20
"""Longest line of a log; a longer one is rejected without being held in memory."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 14
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Position:
    """How far a file has been read, for messages."""

    __slots__ = ("line",)

    def __init__(self) -> None:
        self.line = 0


class _BrokenUtf16Error(Exception):
    """Bytes that are not UTF-16 after a mark that says so."""


class _FromUtf16(io.RawIOBase):
    """UTF-16 with a byte order mark as UTF-8, which is what databases of Windows export."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer; 0 at the end."""
        view = memoryview(buffer)
        while not self._ready:
            piece = self._stream.read(_PIECE)
            try:
                self._ready = self._decoder.decode(piece, not piece).encode()
            except UnicodeError as error:
                raise _BrokenUtf16Error(str(error)) from error
            if not piece:
                break
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


@contextmanager
def open_bytes(path: Path, position: Position) -> Iterator[IO[bytes]]:
    """Open a file as UTF-8: gzip is unpacked, a byte order mark passed, UTF-16 with one recoded.

    Raises:
        ReadError: The file is missing, truncated or damaged.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            # GzipFile reads like a binary file, but is not typed as one.
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            start = stream.read(3)
            if start != _BOM:
                stream.seek(0)
            yield io.BufferedReader(_FromUtf16(stream)) if start[:2] in _UTF16 else stream
    except _BrokenUtf16Error as error:
        raise ReadError(
            f"{path.name} begins as UTF-16, but is not (after line {position.line}: {error}). "
            "Export it again, best as UTF-8"
        ) from error
    except EOFError as error:
        raise ReadError(
            f"{path.name} is a truncated gzip file: it ends early after line {position.line}. "
            "Copy it again; compare its size with the original's"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReadError(
            f"{path.name} is a damaged gzip file (after line {position.line}: {error}). "
            "Copy it again; `gzip -t` must accept it"
        ) from error
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist") from error
    except OSError as error:
        if isinstance(error, IsADirectoryError):
            raise ReadError(f"{path} is a folder; name the files in it") from error
        raise ReadError(f"{path} cannot be read: {error.strerror or error}") from error


def read_start(path: Path, size: int = 65_536) -> bytes:
    """The first bytes of a file, unpacked; what kind of file it is can be told from them."""
    with open_bytes(path, Position()) as stream:
        return stream.read(size)


def holds(path: Path, *marks: bytes) -> bool:
    """Whether any of these bytes stands in a file.

    Raises:
        ReadError: As `open_bytes`.
    """
    overlap, end = max(map(len, marks)) - 1, b""
    with open_bytes(path, Position()) as stream:
        while piece := stream.read(MAX_LINE_BYTES):
            text = end + piece
            if any(mark in text for mark in marks):
                return True
            end = text[-overlap:]
    return False


def read_lines(path: Path, position: Position) -> Iterator[bytes | None]:
    r"""Lines without their end; None for one longer than `MAX_LINE_BYTES`.

    Raises:
        ReadError: As `open_bytes`.
    """
    with open_bytes(path, position) as stream:
        readline = stream.readline
        while line := readline(MAX_LINE_BYTES + 1):
            position.line += 1
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = readline(MAX_LINE_BYTES)
                yield None
            else:
                yield line
