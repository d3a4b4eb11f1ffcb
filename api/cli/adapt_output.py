"""Files that `adapt` writes: interactions and catalogues as CSV, JSON lines or Parquet.

A file appears whole or not at all: it is written beside its place and renamed at the end.
"""

from __future__ import annotations

import csv
import gzip
import os
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from operator import attrgetter
from typing import IO, TYPE_CHECKING, Protocol, cast

import click
import orjson

from platform_adapters.contract import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Interaction

Row = dict[str, object]
FORMS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
_ALL = attrgetter(*COLUMNS)
_BATCH_ROWS = 16_384
_INTEGERS = frozenset({"timestamp", "order", "attempt", "position"})
_NUMBERS = frozenset({"score", "raw", "min", "max", "progress", "duration_seconds"})
_BOOLEANS = frozenset({"success", "completion", "hidden"})


class Writer(Protocol):
    """Takes rows, one by one."""

    def write(self, row: Row) -> None:
        """Write one row."""
        ...

    def finish(self) -> None:
        """Write whatever is still held."""
        ...


class CsvWriter:
    """CSV with a header; missing is empty."""

    def __init__(self, stream: IO[bytes], columns: Sequence[str]) -> None:
        self._csv = csv.writer(_Utf8(stream), lineterminator="\n")
        self._columns = columns
        self._csv.writerow(columns)

    def write(self, row: Row) -> None:
        """Write one row."""
        self._csv.writerow([_csv_text(row[name]) for name in self._columns])

    def finish(self) -> None:
        """Nothing is held."""


class _Utf8:
    """Text to bytes without a buffer of its own, which a full disk would leave half-flushed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text as UTF-8."""
        return self._stream.write(text.encode())


class JsonLinesWriter:
    """One object a line; missing is null."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        """Write one row."""
        self._stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self) -> None:
        """Nothing is held."""


class ParquetWriter:
    """Parquet in row groups of 16,384; timestamps are unix seconds."""

    def __init__(self, stream: IO[bytes], columns: Sequence[str]) -> None:
        import pyarrow as pa  # noqa: PLC0415  loaded only where Parquet is written
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa = pa
        self._schema = pa.schema([(name, _arrow_type(pa, name)) for name in columns])
        self._file = pq.ParquetWriter(stream, self._schema)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Hold one row, and write when a group is full."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def finish(self) -> None:
        """Write the last group and the footer."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_table(self._pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _arrow_type(pa: object, name: str) -> object:
    if name in _INTEGERS:
        return pa.int64()  # type: ignore[attr-defined]  # pyarrow has no types
    if name in _NUMBERS or name == "duration_minutes":
        return pa.float64()  # type: ignore[attr-defined]  # pyarrow has no types
    return pa.bool_() if name in _BOOLEANS else pa.string()  # type: ignore[attr-defined]  # as above


def _csv_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def form_of(path: Path) -> str:
    """The form that a file's name asks for.

    Raises:
        click.UsageError: It asks for none that we write.
    """
    for form in sorted(FORMS, key=len, reverse=True):
        if path.name.lower().endswith(form):
            return form
    raise click.UsageError(f"{path.name}: the name must end in one of {', '.join(FORMS)}")


def interaction_row(row: Interaction, *, iso_times: bool) -> Row:
    """A row of the interaction table; empty texts are missing values."""
    values: Row = dict(zip(COLUMNS, _ALL(row), strict=True))
    for name in ("course", "parent_item", "session", "language", "skill"):
        if not values[name]:
            values[name] = None
    if iso_times and row.timestamp is not None:
        values["timestamp"] = f"{datetime.fromtimestamp(row.timestamp, UTC).isoformat()[:19]}Z"
    return values


@contextmanager
def table_file(path: Path, columns: Sequence[str]) -> Iterator[Writer]:
    """Open a table that takes its place only if the block ends without an error.

    Raises:
        click.ClickException: The file cannot be written.
    """
    form = form_of(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(beside.open("wb"))
            stream: IO[bytes] = file
            if form.endswith(".gz"):
                packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0)
                stream = cast("IO[bytes]", stack.enter_context(packed))
            writer = _writer(form, stream, columns)
            try:
                yield writer
            finally:
                writer.finish()
        _sync(beside)
        beside.replace(path)
    except OSError as error:
        if error.filename is not None and str(error.filename) not in {str(beside), str(path)}:
            raise
        raise click.ClickException(
            f"{path} cannot be written: {error.strerror or error}; nothing of it is left. "
            "Make room or choose another place, and run the command again"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _writer(form: str, stream: IO[bytes], columns: Sequence[str]) -> Writer:
    if form.startswith(".csv"):
        return CsvWriter(stream, columns)
    if form.startswith(".jsonl"):
        return JsonLinesWriter(stream)
    return ParquetWriter(stream, columns)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
