"""Bytes of an export: plain or gzip, never more in memory than one bounded line.

gzip is recognised by its first bytes, not by the name. Whatever stops a file from being
read to its end is a `ReadError` that says where; it is never taken for the file's end.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE_BYTES = 1 << 20
"""Longest line of a log; a longer one is rejected without being held in memory."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Position:
    """How far a file has been read, for messages."""

    __slots__ = ("line",)

    def __init__(self) -> None:
        self.line = 0


@contextmanager
def open_bytes(path: Path, position: Position) -> Iterator[IO[bytes]]:
    """Open a file, unpacking gzip, past a UTF-8 byte order mark.

    Raises:
        ReadError: The file is missing, truncated, damaged or UTF-16.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            # GzipFile reads like a binary file, but is not typed as one.
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
            start = stream.read(3)
            if start[:2] in _UTF16:
                raise ReadError(
                    f"{path.name} is UTF-16; expected UTF-8: export it again as UTF-8, or "
                    "convert it, for instance with `iconv -f UTF-16 -t UTF-8`"
                )
            if start != _BOM:
                stream.seek(0)
            yield stream
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
