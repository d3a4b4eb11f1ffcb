"""Formats as data: what the columns of a platform's export mean, read by one adapter for all.

A format names its kinds of log (`Rows`) and its catalogues (`Entries`, or a `Reader`); the tables
that a log needs beside it (`Side`) are those of which its fields take a value.
`Declared.format` makes the adapter, and the signs by which `adapt --detect` knows its files, of
nothing but that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from platform_adapters.catalogues.declared import Entries, Reader, read_entries
from platform_adapters.declared_reader import RowReader
from platform_adapters.errors import CatalogueError, OptionsError, ReadError, RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.readers.files import read_start
from platform_adapters.readers.glimpse import look
from platform_adapters.readers.rows import read_rows
from platform_adapters.readers.sqlite_rows import read_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import (
        AdaptOptions,
        Ignored,
        Interaction,
        Json,
        Record,
        Turn,
    )
    from platform_adapters.declared_rows import Rows
    from platform_adapters.declared_side import Side, Taken
    from platform_adapters.fields import Row
    from platform_adapters.readers.glimpse import Glimpse
    from recommender.catalogue import CatalogueItem

_KINDS_REMEMBERED = 1_000
"""Sets of columns whose kind is remembered; JSON records may leave out any of theirs."""


@dataclass(frozen=True)
class Declared:
    """A format as data.

    Attributes:
        name: As on the command line.
        summary: What it reads, in one line.
        tried_on: Which real exports it was tried on; says so if none.
        rows: Its kinds of log; a record is of the first whose marks it has.
        others: Tables that may stand among the inputs and that no log needs.
        catalogues: Its kinds of catalogue.
        aliases: Other names of columns (in another language, of another version), to their own.
        fold: Whether columns are known in any letters, as databases write them.
    """

    name: str
    summary: str
    tried_on: str
    rows: tuple[Rows, ...] = ()
    others: tuple[Side, ...] = ()
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
            seen=self.seen,
            logs_hold_catalogues=any("sqlite" in e.sign().kinds for e in self.catalogues),
        )

    @cached_property
    def sides(self) -> Taken:
        """The tables that stand beside its logs, and what is taken of them."""
        found: Taken = {side: set() for side in self.others}
        for kind in self.rows:
            for side, taken in kind.sides().items():
                found.setdefault(side, set()).update(taken)
        return found

    def rename(self, column: str) -> str:
        """A column's name as the format writes it: in small letters, and by its one name."""
        name = column.casefold() if self.fold else column
        return self.aliases.get(name, name)

    def signs(self) -> tuple[Sign, ...]:
        """What the format's files are recognised by."""
        logs = [sign for kind in self.rows for sign in kind.signs()]
        sides = [Sign(s.what, s.marks, role="side") for s in self.sides if not s.in_logs]
        return (*logs, *sides, *(entry.sign() for entry in self.catalogues))

    def seen(self, glimpse: Glimpse) -> Glimpse:
        """A file's columns by the names that the format knows them by."""
        if glimpse.kind not in {"csv", "parquet"}:
            return glimpse
        return replace(glimpse, names=frozenset(map(self.rename, glimpse.names)))

    def signs_of(self, path: Path) -> list[Sign]:
        """What a file is; empty if nothing of this format. Of CSV, what says most of it."""
        glimpse = self.seen(look(path))
        fitting = [sign for sign in self.signs() if sign.fits(glimpse)]
        most = max((sign.weight for sign in fitting), default=0)
        # One table of a database does not make the others something else.
        return [sign for sign in fitting if sign.weight == most or glimpse.kind == "sqlite"]

    def _is(self, role: str, path: Path) -> bool:
        return any(sign.role == role for sign in self.signs_of(path))

    def split(self, paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """Logs, and everything else; a log that stands beside others at the same time is both.

        A database is a log, even if it holds a catalogue, too.
        """
        beside = {side.what for side in self.sides if not side.in_logs}
        logs = [path for path in paths if self._is("log", path)]
        both = [p for p in logs if any(sign.what in beside for sign in self.signs_of(p))]
        return logs, [*(path for path in paths if path not in logs), *both]

    def is_catalogue(self, path: Path) -> bool:
        """Whether a file is, or holds, a catalogue of this format."""
        return self._is("catalogue", path)

    def prepare(self, paths: Sequence[Path], options: AdaptOptions) -> DeclaredSession:
        """Read the side tables.

        Raises:
            OptionsError: One that everything depends on is missing.
            ReadError: A file is nothing of this format.
        """
        what = {path: {sign.what for sign in self.signs_of(path)} for path in paths}
        for path, found in what.items():
            if not found:
                raise ReadError(f"{path.name} is nothing that {self.name!r} reads: {self._known()}")
        logs = self.split(paths)[0]
        are = {name for path in logs for name in what[path]}
        needed = {side for kind in self.rows if kind.what in are for side in kind.sides()}
        tables: dict[object, dict[object, Row]] = {}
        for side, taken in self.sides.items():
            sources = [p for p in (logs if side.in_logs else paths) if side.what in what[p]]
            if side.needed and not sources and side in needed:
                raise OptionsError(
                    f"{self.name}: {side.what} is missing among the inputs ({side.needed}); "
                    f"export it with the columns {', '.join(sorted(side.marks))} and name it too"
                )
            table = tables.setdefault(side, {})
            for path in sources:
                table.update(side.rows(path, self.records(path), tables, taken))
        return DeclaredSession([RowReader(kind, self.name, options, tables) for kind in self.rows])

    def _known(self) -> str:
        return "; or ".join(f"{s.what} ({', '.join(sorted(s.needs)[:6])})" for s in self.signs())

    def records(self, path: Path) -> Iterator[Record]:
        """Rows of a log."""
        glimpse = self.seen(look(path)) if any(kind.read for kind in self.rows) else None
        for kind in self.rows:
            if kind.read and glimpse and any(sign.fits(glimpse) for sign in kind.files):
                return kind.read(path)
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
            if entry.sign() in signs:
                if isinstance(entry, Reader):
                    return entry.read(path)
                return read_entries(entry, path, self.rename)
        raise CatalogueError(f"{path.name} is no catalogue of {self.name!r}: {self._known()}")


class DeclaredSession:
    """One import of a declared format."""

    def __init__(self, kinds: Sequence[RowReader]) -> None:
        self._kinds = kinds
        self._by_columns: dict[tuple[str, ...], RowReader] = {}

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if record.__class__ is not dict:
            raise RecordError("the record is not a JSON object")
        columns = tuple(record)
        kind = self._by_columns.get(columns)
        if kind is None:
            kind = self._kind_of(columns)
        return kind.read(record, line)

    def cells(self, columns: tuple[str, ...]) -> Turn:
        """See `platform_adapters.contract.CellSession`."""
        try:
            return self._kind_of(columns).cells(columns)
        except RecordError as error:
            return partial(_refuse, str(error))

    def _kind_of(self, columns: tuple[str, ...]) -> RowReader:
        """The kind of records with these columns, remembered: most have those of the one before."""
        names = frozenset(columns)
        for kind in self._kinds:
            if kind.marks <= names:
                if len(self._by_columns) >= _KINDS_REMEMBERED:
                    self._by_columns.clear()
                self._by_columns[columns] = kind
                return kind
        raise RecordError("the record lacks a member that every record of its kind has")


def _refuse(reason: str, row: object, line: int) -> NoReturn:
    del row, line
    raise RecordError(reason)
