"""JSON records: one a line, or one array, or an LRS's answer `{"statements": [...]}`.

A single object may be written over several lines.

In a log of lines the number with each record is its line; in an array it is the number of
the element, from 1.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import IO, TYPE_CHECKING

import orjson

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers.files import (
    MAX_LINE_BYTES,
    Position,
    open_bytes,
    read_lines,
    read_start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platform_adapters.contract import Json, Record

    Decoder = Callable[[str, int], tuple[Json, int]]

_WRAPPED = re.compile(rb'\s*\{\s*(?:"more"\s*:\s*(?:"[^"]*"|null)\s*,\s*)?"statements"\s*:\s*\[')
_GAP = re.compile(r"[\s,]*")
_CHUNK = 1 << 18

TOO_LONG = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
MAX_WHOLE_BYTES = 16 << 20
"""Largest record that is written over several lines; it is parsed as a whole."""

NOT_UTF8 = "the line is not UTF-8"
NUL = "the line holds NUL bytes"
NOT_JSON = "the line is not JSON"


def read_json(path: Path) -> Iterator[Record]:
    """Parse a log in any of the three shapes, in bounded memory.

    Raises:
        ReadError: The file is damaged, or an array in it is not closed.
    """
    start = read_start(path)
    wrapped = _WRAPPED.match(start)
    if wrapped:
        return read_array(path, skip=wrapped.end() - 1, alone=False)
    if start.lstrip()[:1] == b"[":
        return read_array(path, skip=start.index(b"["))
    if start.lstrip()[:1] == b"{" and not _is_json(start.lstrip().partition(b"\n")[0]):
        with open_bytes(path, Position()) as stream:
            whole = stream.read(MAX_WHOLE_BYTES + 1)
        if len(whole) <= MAX_WHOLE_BYTES and _is_json(whole):
            return iter([(1, orjson.loads(whole))])
    return read_json_lines(path)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def read_json_lines(path: Path) -> Iterator[Record]:
    """One JSON value a line; blank lines are not records."""
    position = Position()
    loads = orjson.loads
    for line in read_lines(path, position):
        if line is None:
            yield position.line, Failure(TOO_LONG)
            continue
        try:
            yield position.line, loads(line)
        except orjson.JSONDecodeError:
            if line.strip():
                yield position.line, Failure(_diagnose(line))


def _diagnose(line: bytes) -> str:
    """Why a line is not JSON."""
    if b"\0" in line:
        return NUL
    try:
        line.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return NOT_JSON


def read_array(path: Path, skip: int, *, alone: bool = True) -> Iterator[Record]:
    """Elements of a JSON array, or of several one after the other, parsed one by one.

    Args:
        path: The file.
        skip: Bytes before the array's bracket.
        alone: Whether nothing but further arrays may follow.

    Raises:
        ReadError: An element is not JSON or longer than `MAX_LINE_BYTES`, something else follows
            the array, or the file ends before it does: then no element's bounds are known.
    """
    position = Position()
    decode = json.JSONDecoder().raw_decode
    with open_bytes(path, position) as stream:
        stream.read(skip + 1)
        text = _Text(stream, path, position)
        while True:
            text.skip(_GAP)
            element = _decode(decode, text.buffer, text.at)
            # A number at the buffer's end may go on in the next chunk.
            if element is not None and (element[1] < len(text.buffer) or text.ended):
                position.line += 1
                text.at = element[1]
                yield position.line, element[0]
            elif text.next_is("]"):
                text.at += 1
                if not alone or not text.another_array():
                    return
            elif text.ended or len(text.buffer) - text.at > MAX_LINE_BYTES:
                raise ReadError(_array_problem(path, position.line, ended=text.ended))
            else:
                text.grow()


class _Text:
    """A window on a file's text that grows at its end and is dropped at its start."""

    def __init__(self, stream: IO[bytes], path: Path, position: Position) -> None:
        self._stream = stream
        self._path = path
        self._position = position
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self.buffer = ""
        self.at = 0
        self.ended = False

    def grow(self) -> None:
        """Read a chunk more; `ended` once there is none.

        Raises:
            ReadError: It is not UTF-8.
        """
        chunk = self._stream.read(_CHUNK)
        self.ended = not chunk
        try:
            self.buffer = self.buffer[self.at :] + self._utf8.decode(chunk, self.ended)
        except UnicodeDecodeError as error:
            raise ReadError(
                f"{self._path.name}, after element {self._position.line}: not UTF-8; "
                "export it as UTF-8"
            ) from error
        self.at = 0

    def skip(self, gap: re.Pattern[str]) -> None:
        """Go past what matches here."""
        found = gap.match(self.buffer, self.at)
        self.at = found.end() if found else self.at

    def next_is(self, sign: str) -> bool:
        """Whether this sign comes next in what has been read."""
        return self.buffer.startswith(sign, self.at)

    def another_array(self) -> bool:
        """Whether a further array follows, and go into it.

        Raises:
            ReadError: Something else follows.
        """
        while True:
            self.skip(_GAP)
            if self.at < len(self.buffer) or self.ended:
                break
            self.grow()
        if self.next_is("["):
            self.at += 1
            return True
        if self.at < len(self.buffer):
            raise ReadError(
                f"{self._path.name}, after element {self._position.line}: something follows the "
                "array that is no array; give the file one record a line, or one array"
            )
        return False


def _decode(decode: Decoder, buffer: str, at: int) -> tuple[Json, int] | None:
    """The element that starts at a place, and where it ends; None if it is not whole."""
    if at >= len(buffer):
        return None
    try:
        return decode(buffer, at)
    except (json.JSONDecodeError, RecursionError):
        return None


def _array_problem(path: Path, read: int, *, ended: bool) -> str:
    where = f"{path.name}, element {read + 1} of the array"
    if ended:
        return (
            f"{where}: the file ends before the array is closed (expected `]`). It is truncated "
            "or not JSON; export or copy it again"
        )
    return f"{where} is not JSON, or longer than {MAX_LINE_BYTES:,} bytes"
