"""A table that a log needs beside it, as data, and which of them fields take values from."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.compiler import Function
from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.fields import Apply, Join
from platform_adapters.readers.csv_rows import CsvRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Set
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.fields import Field, Getter, Key, Row, Tables

    Taken = dict["Side", set[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A table that a log needs beside it; fields take its values by a `Join`.

    Attributes:
        what: What it is called on the platform.
        marks: Columns by which it is known.
        key: What a row is found by: a field, or several.
        made: What is kept in memory beside the columns that are taken, made of the row.
        when: Rows of which nothing stands here are not kept.
        needed: Why what is joined with it cannot be read without it; empty if it can.
        in_logs: Whether it is made of rows of the logs themselves, which are called the same.
    """

    what: str
    marks: Set[str]
    key: Key
    made: Mapping[str, Getter] = field(default_factory=lambda: MappingProxyType({}))
    when: Field | None = None
    needed: str = ""
    in_logs: bool = False

    def rows(
        self, path: Path, rows: Iterator[Record], tables: Tables, taken: Iterable[str]
    ) -> Iterator[tuple[object, Row]]:
        """Keys and what is taken.

        Raises:
            ReadError: A row does not parse; of a log, that is counted when it is converted.
        """
        columns = rows.columns if isinstance(rows, CsvRows) else None
        read = self._function(tables, taken, columns)
        there = columns is not None and self.marks <= set(columns)
        for line, row in rows.cells() if isinstance(rows, CsvRows) else rows:
            if columns is None and isinstance(row, dict):
                there = self.marks <= row.keys()
            elif columns is None or isinstance(row, Failure):
                if self.in_logs:
                    continue
                reason = row.reason if isinstance(row, Failure) else "not a JSON object"
                raise ReadError(f"{path.name}, line {line}: {reason}")
            found = read(row, line) if there else None
            if found is not None:
                yield found

    def _function(
        self, tables: Tables, taken: Iterable[str], columns: tuple[str, ...] | None = None
    ) -> Callable[..., tuple[object, Row] | None]:
        """What makes of a row its key and what is taken of it; None if it is not kept."""
        made = Function(tables, columns=columns)
        if self.when is not None:
            made.write(f"if not {made.value(self.when)}: return None")
        key = made.key(self.key)
        takes = (f"{n!r}: {made.value(self.made.get(n, n))}" for n in sorted(taken) if n)
        made.write(f"return {key}, {{{', '.join(takes)}}}")
        return made.made()


def taken_by(fields: Iterable[Key | None]) -> Taken:
    """The columns that fields take from tables, by table; each after those that it needs itself."""
    found: Taken = {}
    for one in fields:
        _take(one, found)
    return found


def _take(one: Key | None, found: Taken) -> None:
    if isinstance(one, Apply | tuple):
        for part in one.fields if isinstance(one, Apply) else one:
            _take(part, found)
    elif isinstance(one, Join):
        _take(one.by, found)
        if isinstance(one.side, Side):
            if one.side not in found:
                for needed in (one.side.key, one.side.when):
                    _take(needed, found)
            found.setdefault(one.side, set()).add(one.take)
