"""Formats as data: what the columns of a platform's export mean, read by one adapter for all.

A format names its kinds of log (`Rows`), the tables that a log needs beside it (`Side`) and its
catalogues (`Entries`, or a function). `Declared.format` makes the adapter, and the signs by which
`adapt --detect` knows its files, of nothing but that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.catalogues.declared import Entries, Reader, read_entries
from platform_adapters.contract import Failure
from platform_adapters.declared_rows import RowReader, Rows
from platform_adapters.errors import CatalogueError, OptionsError, ReadError, RecordError
from platform_adapters.fields import key_of
from platform_adapters.format import Format, Sign
from platform_adapters.readers.files import read_start
from platform_adapters.readers.glimpse import look
from platform_adapters.readers.rows import read_rows
from platform_adapters.readers.sqlite_rows import read_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions, Ignored, Interaction, Json, Record
    from platform_adapters.fields import Row
    from platform_adapters.readers.glimpse import Glimpse
    from recommender.catalogue import CatalogueItem


@dataclass(frozen=True, slots=True)
class Side:
    """A table that a log needs beside it.

    Attributes:
        name: What `fields.Join` calls it.
        what: What it is called on the platform.
        marks: Columns by which it is known.
        key: Column, or columns, that a row is found by.
        keep: Columns that are kept in memory.
        needed: Why nothing can be read without it; empty if much can.
    """

    name: str
    what: str
    marks: frozenset[str]
    key: str | tuple[str, ...]
    keep: tuple[str, ...]
    needed: str = ""


@dataclass(frozen=True)
class Declared:
    """A format as data.

    Attributes:
        name: As on the command line.
        summary: What it reads, in one line.
        example: What one record says, in a sentence.
        tried_on: Which real exports it was tried on; says so if none.
        rows: Its kinds of log; a record is of the first whose marks it has.
        sides: The tables that a log needs beside it.
        catalogues: Its kinds of catalogue.
        aliases: Other names of columns (in another language, of another version), to their own.
        fold: Whether columns are known in any letters, as databases write them.
    """

    name: str
    summary: str
    example: str
    tried_on: str
    rows: tuple[Rows, ...] = ()
    sides: tuple[Side, ...] = ()
    catalogues: tuple[Entries | Reader, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    fold: bool = False

    def format(self) -> Format:
        """The adapter."""
        return Format(
            name=self.name,
            summary=self.summary,
            tried_on=self.tried_on,
            split=self.split,
            prepare=self.prepare,
            records=self.records,
            read_catalogue=self.read_catalogue,
            is_catalogue=self.is_catalogue,
            signs=self.signs(),
            example=self.example,
            seen=self.seen,
            logs_hold_catalogues=any("sqlite" in entry.sign.kinds for entry in self.catalogues),
        )

    def rename(self, column: str) -> str:
        """A column's name as the format writes it: in small letters, and by its one name."""
        name = column.casefold() if self.fold else column
        return self.aliases.get(name, name)

    def signs(self) -> tuple[Sign, ...]:
        """What the format's files are recognised by."""
        logs = [kind.sign() for kind in self.rows]
        sides = [Sign(side.what, side.marks, role="side") for side in self.sides]
        return (*logs, *sides, *(entry.sign for entry in self.catalogues))

    def seen(self, glimpse: Glimpse) -> Glimpse:
        """A file's columns by the names that the format knows them by."""
        if glimpse.kind not in {"csv", "parquet"}:
            return glimpse
        return replace(glimpse, names=frozenset(map(self.rename, glimpse.names)))

    def signs_of(self, path: Path) -> list[Sign]:
        """What a file is, most telling first; empty if nothing of this format."""
        glimpse = self.seen(look(path))
        fitting = [sign for sign in self.signs() if sign.fits(glimpse)]
        return sorted(fitting, key=lambda sign: -sign.weight)

    def split(self, paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """Logs, and everything else. A database is a log, even if it holds a catalogue, too."""
        logs = [path for path in paths if self._is_log(path)]
        return logs, [path for path in paths if path not in logs]

    def _is_log(self, path: Path) -> bool:
        signs = self.signs_of(path)
        return any(s.role == "log" and ("sqlite" in s.kinds or s is signs[0]) for s in signs)

    def is_catalogue(self, path: Path) -> bool:
        """Whether a file is, or holds, a catalogue of this format."""
        signs = self.signs_of(path)
        return any(s.role == "catalogue" and ("sqlite" in s.kinds or s is signs[0]) for s in signs)

    def prepare(self, paths: Sequence[Path], options: AdaptOptions) -> DeclaredSession:
        """Read the side tables.

        Raises:
            OptionsError: One that everything depends on is missing.
            ReadError: A file is nothing of this format.
        """
        signs = {path: next(iter(self.signs_of(path)), None) for path in paths}
        for path, sign in signs.items():
            if sign is None:
                raise ReadError(f"{path.name} is nothing that {self.name!r} reads: {self._known()}")
        tables: dict[str, dict[object, Row]] = {}
        for side in self.sides:
            sources = [p for p, sign in signs.items() if sign and sign.what == side.what]
            if side.needed and not sources and self.split(paths)[0]:
                raise OptionsError(
                    f"{self.name}: {side.what} is missing among the inputs ({side.needed}); "
                    f"export it with the columns {', '.join(sorted(side.marks))} and name it too"
                )
            tables[side.name] = dict(pair for path in sources for pair in self._side(side, path))
        return DeclaredSession([RowReader(kind, self.name, options, tables) for kind in self.rows])

    def _side(self, side: Side, path: Path) -> Iterator[tuple[object, Row]]:
        key = key_of(side.key)
        for line, row in read_rows(path, self.rename):
            if isinstance(row, Failure):
                raise ReadError(f"{path.name}, line {line}: {row.reason}")
            yield key(row), {name: row.get(name) for name in side.keep}

    def _known(self) -> str:
        return "; or ".join(f"{s.what} ({', '.join(sorted(s.needs)[:6])})" for s in self.signs())

    def records(self, path: Path) -> Iterator[Record]:
        """Rows of a log."""
        if read_start(path, 16).startswith(b"SQLite"):
            return read_sqlite(path, {k.table: k.query for k in self.rows if k.query})
        return read_rows(path, self.rename)

    def read_catalogue(self, path: Path) -> Iterator[CatalogueItem]:
        """Items of a catalogue.

        Raises:
            CatalogueError: It is none of this format's.
        """
        signs = self.signs_of(path)
        for entry in self.catalogues:
            if entry.sign in signs:
                if isinstance(entry, Reader):
                    return entry.read(path)
                return read_entries(entry, path, self.rename)
        raise CatalogueError(f"{path.name} is no catalogue of {self.name!r}: {self._known()}")


class DeclaredSession:
    """One import of a declared format."""

    def __init__(self, kinds: Sequence[RowReader]) -> None:
        self._kinds = kinds

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if record.__class__ is not dict:
            raise RecordError("the record is not a JSON object")
        names = record.keys()
        for kind in self._kinds:
            if kind.marks <= names:
                return kind.read(record, line)
        raise RecordError("the record lacks a member that every record of its kind has")
