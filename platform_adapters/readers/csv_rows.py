"""Rows of a CSV file with a header, as dictionaries.

Comma, semicolon, tab or bar; UTF-8 with or without a byte order mark; any line ends, CR alone
included; quoted fields may hold line ends. The number with each record is the line on which
it ends.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import IO, TYPE_CHECKING, cast

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers.files import MAX_LINE_BYTES, Position, open_bytes, read_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record

NULLS = frozenset({"NULL", "\\N"})
"""How database clients write a missing value; the reader turns them into the empty string."""

_FIELD_LIMIT = MAX_LINE_BYTES
_PIECE = 1 << 15
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class _Lines:
    """Lines of the file, bounded, piece by piece, and what was wrong with those that were fed.

    What is asked of each line is asked of a whole piece of the file first.

    Attributes:
        is_clean: Whether nothing is wrong with any line of the present piece.
        may_hold_nulls: Whether a word for a missing value has been seen.
        problem: What was wrong with a line that was fed; empty if nothing.
        feed: The lines, for the csv module.
    """

    def __init__(self, stream: IO[str], position: Position) -> None:
        self._stream = stream
        self._position = position
        self._waiting: deque[str | None] = deque()
        self._rest = ""
        self._is_endless = False
        self.is_clean = False
        self.may_hold_nulls = False
        self.problem = ""
        self.feed = self._lines()

    def load(self) -> bool:
        """Read on until lines wait to be fed; False at the file's end."""
        while not self._waiting:
            piece = self._stream.read(_PIECE)
            if not piece:
                return self._load_last()
            self._waiting.extend(self._split(piece))
        return True

    def _split(self, piece: str) -> list[str | None]:
        """Lines of a piece, without their ends; None for one that is too long."""
        before: list[str | None] = []
        if self._is_endless:
            _, ended, piece = piece.partition("\n")
            if not ended:
                return []
            before, self._is_endless = [None], False
        text = self._rest + piece
        lines = text.split("\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self._is_endless = "", True
        self.may_hold_nulls |= any(null in text for null in NULLS)
        is_short = not before and not (lines and len(lines[0]) > MAX_LINE_BYTES)
        self.is_clean = is_short and _is_clean(text)
        return [*before, *lines]

    def _load_last(self) -> bool:
        if not self._rest and not self._is_endless:
            return False
        self._waiting.append(None if self._is_endless else self._rest)
        self._rest, self._is_endless, self.is_clean = "", False, False
        return True

    def rows_of_piece(self, delimiter: str) -> list[list[str]] | None:
        """The rows of all lines that wait, if each of these is one; they are fed then."""
        if not self.is_clean:
            return None
        try:
            # Strict: a quote that is not closed is an error, not a row.
            rows = list(
                csv.reader(cast("deque[str]", self._waiting), delimiter=delimiter, strict=True)
            )
        except csv.Error:
            return None
        if len(rows) != len(self._waiting):
            return None
        self._waiting.clear()
        self._position.line += len(rows)
        return rows

    def _lines(self) -> Iterator[str]:
        while self._waiting or self.load():
            line = self._waiting.popleft()
            if line is None or len(line) > MAX_LINE_BYTES:
                self.problem = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
                line = ""
            elif not self.is_clean and not _is_clean(line):
                self.problem = (
                    "the line holds NUL bytes" if "\0" in line else "the line is not UTF-8"
                )
                line = line.replace("\0", "").encode(errors="replace").decode()
            self._position.line += 1
            yield line + "\n"


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


class CsvRows(Iterator["Record"]):
    """Rows of a CSV file: as dictionaries, or by the place of their cells.

    Attributes:
        columns: Of the header.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        self.columns = columns
        self._records: Iterator[Record] | None = None

    def __iter__(self) -> Iterator[Record]:
        """Lines, and dictionaries from column to text (empty where missing), or `Failure`."""
        if self._records is None:
            self._records = self._as_records()
        return self._records

    def __next__(self) -> Record:
        """The next of them."""
        return next(iter(self))

    def _as_records(self) -> Iterator[Record]:
        columns = self.columns
        for line, row in self.cells():
            if row.__class__ is list:
                yield line, dict(zip(columns, row))  # noqa: B905  of one length, see `_checked`
            else:
                yield line, row

    def cells(self) -> Iterator[Record]:
        """Lines, and lists of texts, or `Failure`, from the first row on."""
        return chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[Iterable[Record]]:
        """Rows of many lines at once, with their lines."""
        position, width = Position(), len(self.columns)
        csv.field_size_limit(_FIELD_LIMIT)
        with open_bytes(self._path, position) as stream:
            text = io.TextIOWrapper(
                stream, encoding="utf-8", errors="surrogateescape", newline=None
            )
            lines = _Lines(text, position)
            for rows in _pieces(self._path, lines, position):
                if isinstance(rows, Failure):
                    yield ((position.line, rows),)
                    continue
                if lines.may_hold_nulls:
                    rows = [_without_nulls(row) for row in rows]  # noqa: PLW2901
                first = position.line - len(rows) + 1
                if set(map(len, rows)) == {width}:
                    yield enumerate(rows, first)
                else:
                    yield _checked(rows, first, width)


def read_csv(
    path: Path, required: Sequence[str] = (), rename: Callable[[str], str] | None = None
) -> CsvRows:
    """Parse a CSV file row by row.

    Args:
        path: The file, plain or gzip.
        required: Columns that must be there.
        rename: From a column's name as it stands in the file to the one in the rows.

    Returns:
        Lines and rows; reading them raises `ReadError` where the file is damaged, or ends inside
        a quoted field.

    Raises:
        ReadError: The file is damaged, lacks a column, or has two of one name.
    """
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
    return CsvRows(path, header)


def _without_nulls(row: list[str]) -> list[str]:
    if NULLS.isdisjoint(row):
        return row
    return ["" if value in NULLS else value for value in row]


def _checked(rows: list[list[str]], first: int, width: int) -> Iterator[Record]:
    """Rows of one width; blank lines are none."""
    wrong_width = Failure(f"the row has not {width} columns as the header has")
    for line, row in enumerate(rows, first):
        if len(row) == width:
            yield line, row
        elif row:
            yield line, wrong_width


def _pieces(path: Path, lines: _Lines, position: Position) -> Iterator[list[list[str]] | Failure]:
    """Rows of many lines at once, or of one where a row is not just a line.

    The position then stands at the last of their lines.
    """
    delimiter = delimiter_of(next(lines.feed, ""))
    reader = csv.reader(lines.feed, delimiter=delimiter, strict=True)
    while lines.load():
        rows = lines.rows_of_piece(delimiter)
        if rows is not None:
            yield rows
            continue
        started = position.line + 1
        try:
            row = next(reader)
        except csv.Error as error:
            _stop_if_lost(error, path, started, position.line)
            yield Failure("the row is not CSV: a quote inside a field")
            continue
        yield Failure(lines.problem) if lines.problem else [row]
        lines.problem = ""


def _stop_if_lost(error: csv.Error, path: Path, started: int, line: int) -> None:
    """After an unclosed quote nothing tells where the next row starts: never guess."""
    if "unexpected end" in str(error) or "field limit" in str(error):
        raise ReadError(
            f"{path.name}, line {started}: a quoted field that starts here is not closed "
            f"(read to line {line}). The file is truncated or not CSV; export it again"
        ) from error
