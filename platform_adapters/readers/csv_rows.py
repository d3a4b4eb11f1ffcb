"""Rows of a CSV file with a header, as dictionaries.

Comma, semicolon, tab or bar; UTF-8 with or without a byte order mark; any line ends, CR alone
included; quoted fields may hold line ends. The number with each record is the line on which
it ends.
"""

from __future__ import annotations

import csv
import io
import re
from typing import IO, TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers.files import MAX_LINE_BYTES, Position, open_bytes, read_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record

NULLS = frozenset({"NULL", "\\N"})
"""How database clients write a missing value; the reader turns them into the empty string."""

_FIELD_LIMIT = MAX_LINE_BYTES
_PIECE = 1 << 16
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class _Lines:
    """Feeds the csv module, bounded, and remembers what was wrong with the lines it fed.

    What is asked of each line is asked of a whole piece of the file first.
    """

    def __init__(self, stream: IO[str], position: Position) -> None:
        self._stream = stream
        self._position = position
        self.problem = ""
        self.may_hold_nulls = False
        self.feed = self._lines()

    def _lines(self) -> Iterator[str]:
        position, rest, is_endless = self._position, "", False
        while piece := self._stream.read(_PIECE):
            if is_endless:
                _, ended, piece = piece.partition("\n")
                if not ended:
                    continue
                yield self._too_long()
                is_endless = False
            text = rest + piece
            lines = text.split("\n")
            rest = lines.pop()
            if len(rest) > MAX_LINE_BYTES:
                rest, is_endless = "", True
            self.may_hold_nulls |= any(null in text for null in NULLS)
            is_clean = _is_clean(text) and not (lines and len(lines[0]) > MAX_LINE_BYTES)
            for line in lines:
                if is_clean:
                    position.line += 1
                    yield line + "\n"
                else:
                    yield self._checked(line + "\n")
        if rest or is_endless:
            yield self._too_long() if is_endless else self._checked(rest)

    def _too_long(self) -> str:
        self._position.line += 1
        self.problem = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
        return "\n"

    def _checked(self, line: str) -> str:
        if len(line) > MAX_LINE_BYTES:
            return self._too_long()
        self._position.line += 1
        if _is_clean(line):
            return line
        self.problem = "the line holds NUL bytes" if "\0" in line else "the line is not UTF-8"
        return line.replace("\0", "").encode(errors="replace").decode()


def _is_clean(text: str) -> bool:
    """Whether a text holds neither NUL nor bytes that were not UTF-8."""
    return "\0" not in text and (text.isascii() or _NOT_UTF8.search(text) is None)


def delimiter_of(header: str) -> str:
    """The delimiter that occurs most in the header; a comma if none does."""
    return max(",;\t|", key=header.count)


def read_header(path: Path) -> tuple[str, ...]:
    """Names of the columns, as they stand in the file; empty if there is no text."""
    text = read_start(path).decode("utf-8", errors="replace")
    lines = text.splitlines()
    if not lines or "\0" in lines[0]:
        return ()
    row = next(csv.reader([lines[0]], delimiter=delimiter_of(lines[0])), [])
    return tuple(name.strip() for name in row)


def read_csv(
    path: Path, required: Sequence[str] = (), rename: Callable[[str], str] | None = None
) -> Iterator[Record]:
    """Parse a CSV file row by row.

    Args:
        path: The file, plain or gzip.
        required: Columns that must be there.
        rename: From a column's name as it stands in the file to the one in the rows.

    Yields:
        Line, and a dictionary from column to text (empty where missing), or a `Failure`.

    Raises:
        ReadError: The file is damaged, lacks a column, or ends inside a quoted field.
    """
    position = Position()
    header = read_header(path)
    if rename is not None:
        header = tuple(map(rename, header))
    missing = [name for name in required if name not in header]
    if missing:
        raise ReadError(
            f"{path.name}, line 1: column {missing[0]!r} is missing; expected a header with "
            f"{', '.join(required)}. Found: {', '.join(header[:12]) or 'nothing'}"
        )
    if len(set(header)) != len(header):
        raise ReadError(f"{path.name}, line 1: two columns have one name; rename one of them")
    csv.field_size_limit(_FIELD_LIMIT)
    with open_bytes(path, position) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline=None)
        yield from _rows(path, _Lines(text, position), header, position)


def _rows(
    path: Path, lines: _Lines, header: tuple[str, ...], position: Position
) -> Iterator[Record]:
    first = next(lines.feed, "")
    reader = csv.reader(lines.feed, delimiter=delimiter_of(first), strict=True)
    width = len(header)
    while True:
        started = position.line + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            _stop_if_lost(error, path, started, position.line)
            yield position.line, Failure("the row is not CSV: a quote inside a field")
            continue
        if row is None:
            return
        if lines.problem:
            yield position.line, Failure(lines.problem)
            lines.problem = ""
        elif len(row) == width:
            if lines.may_hold_nulls and not NULLS.isdisjoint(row):
                row = ["" if value in NULLS else value for value in row]
            yield position.line, dict(zip(header, row))  # noqa: B905  of one length, see above
        elif row:
            yield position.line, Failure(f"the row has not {width} columns as the header has")


def _stop_if_lost(error: csv.Error, path: Path, started: int, line: int) -> None:
    """After an unclosed quote nothing tells where the next row starts: never guess."""
    if "unexpected end" in str(error) or "field limit" in str(error):
        raise ReadError(
            f"{path.name}, line {started}: a quoted field that starts here is not closed "
            f"(read to line {line}). The file is truncated or not CSV; export it again"
        ) from error
