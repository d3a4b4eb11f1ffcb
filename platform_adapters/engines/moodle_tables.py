"""Moodle's tables, as CSV of a dump (any prefix), in a live database or in a course backup.

All three are a `TableSource`; columns that a version lacks are missing values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.formats.moodle.tables import COLUMNS, TABLES
from platform_adapters.readers.csv_rows import read_csv, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.formats.moodle.words import Row

Equal = tuple[str, "Sequence[int] | Sequence[str]"]


class TableSource(Protocol):
    """Where tables come from."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def columns(self, table: str) -> frozenset[str]:
        """Columns of a table; empty if it is not there."""
        ...

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Its rows, missing values empty; only those whose column has one of the values."""
        ...


def table_of(path: Path) -> str:
    """Which table a CSV is; empty if none that is read.

    The tables of modules' instances (page, quiz, ...) look alike: their name is the end of the
    file's, after the prefix.
    """
    columns = frozenset(read_header(path))
    for name, table in TABLES.items():
        if table.marks and columns >= set(table.marks.split()) and table.without not in columns:
            return name
    stem = path.name.partition(".")[0].rpartition("_")[2].lower()
    if columns >= {"id", "course", "name"}:
        return stem
    return "modules" if columns >= {"id", "name"} and stem == "modules" else ""


class CsvTables:
    """Tables of a dump, one or several CSV files each."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths: dict[str, list[Path]] = {}
        for path in paths:
            self._paths.setdefault(table_of(path), []).append(path)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "the dump"

    def columns(self, table: str) -> frozenset[str]:
        """Columns of a table's first file."""
        paths = self._paths.get(table)
        return frozenset(read_header(paths[0])) if paths else frozenset()

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of all of a table's files.

        Raises:
            ReadError: A row is no CSV: a side table with holes would be worse than none.
        """
        del columns  # a CSV has what it has
        allowed = {str(value) for value in equal[1]} if equal else frozenset()
        for path in self._paths.get(table, ()):
            for line, row in read_csv(path):
                if isinstance(row, Failure):
                    raise ReadError(f"{path.name}, line {line}: {row.reason}")
                if equal is None or row.get(equal[0]) in allowed:
                    yield row


@dataclass(frozen=True)
class UnitedTables:
    """Several sources as one: a site numbers its rows throughout, so they do not collide."""

    parts: Sequence[TableSource]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return ", ".join(part.name for part in self.parts)

    def columns(self, table: str) -> frozenset[str]:
        """Columns that any part has."""
        return frozenset().union(*(part.columns(table) for part in self.parts))

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of all parts."""
        for part in self.parts:
            if part.columns(table):
                yield from part.rows(table, columns, equal=equal)


def whole(table: str, rows: Iterator[Row], columns: frozenset[str]) -> Iterator[Row]:
    """Rows with every column that is read of their table; those that it lacks are empty."""
    missing = {name: "" for name in COLUMNS[table] if name not in columns}
    return ({**missing, **row} for row in rows) if missing else rows


def read_table(source: TableSource, table: str, *, equal: Equal | None = None) -> Iterator[Row]:
    """Rows of a table with the columns that are read of it; none if it is not there."""
    columns = source.columns(table)
    if columns:
        yield from whole(table, source.rows(table, COLUMNS[table], equal=equal), columns)


def state_records(path: Path, table: str) -> Iterator[Record]:
    """Rows of a state table's CSV, each with the table's name."""
    columns = frozenset(read_header(path))
    missing = {name: "" for name in COLUMNS[table] if name not in columns}
    for line, row in read_csv(path):
        yield line, row if isinstance(row, Failure) else (table, {**missing, **row})
