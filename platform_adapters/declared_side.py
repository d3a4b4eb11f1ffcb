"""A table that a log needs beside it, as data, and which of them fields take values from."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.fields import Apply, Join, getter, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set
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
        key = key_of(self.key, tables)
        wanted = getter(self.when, tables) if self.when is not None else None
        takes = {name: self.made.get(name, getter(name, tables)) for name in taken if name}
        for line, row in rows:
            if isinstance(row, Failure) or not isinstance(row, dict):
                if self.in_logs:
                    continue
                reason = row.reason if isinstance(row, Failure) else "not a JSON object"
                raise ReadError(f"{path.name}, line {line}: {reason}")
            if self.marks <= row.keys() and (wanted is None or wanted(row)):
                yield key(row), {name: take(row) for name, take in takes.items()}


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
