"""What a file in `formats/` gives the registry: a `Format`, and the signs it is known by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from platform_adapters import convert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Set
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions, Outcome, Record, Session
    from platform_adapters.readers.glimpse import Glimpse
    from recommender.catalogue import CatalogueItem

Role = Literal["log", "side", "catalogue"]

ROWS = ("csv", "json", "parquet")
"""Kinds of files that hold rows."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How one kind of file is recognised.

    Attributes:
        what: What it is, as in "Blackboard's table activity_accumulator".
        needs: Names that must occur: columns, JSON members, tables, members of an archive.
        kinds: Kinds of file it may be (see `readers.glimpse`).
        text: Bytes one of which must occur at its start, if any are given.
        role: Whether it holds the log, something a log needs beside it, or a catalogue.
        example: What one of its records says, in a sentence.
    """

    what: str
    needs: Set[str]
    kinds: tuple[str, ...] = ROWS
    text: tuple[bytes, ...] = ()
    role: Role = "log"
    example: str = ""

    @property
    def weight(self) -> int:
        """How much it says that the sign fits."""
        return len(self.needs) + len(self.text)

    def missing(self, glimpse: Glimpse) -> list[str]:
        """The names that do not occur in a file of a fitting kind, in the order of letters."""
        found = glimpse.names
        if glimpse.kind == "csv":
            folded = {name.casefold() for name in found}
            return sorted(name for name in self.needs if name.casefold() not in folded)
        return sorted(self.needs - found)

    def fits(self, glimpse: Glimpse) -> bool:
        """Whether a file is of this kind."""
        return (
            glimpse.kind in self.kinds
            and not self.missing(glimpse)
            and (not self.text or any(mark in glimpse.start for mark in self.text))
        )


def _unchanged(glimpse: Glimpse) -> Glimpse:
    """Most formats have one name for each of their columns."""
    return glimpse


def _any_side(path: Path) -> bool:
    """Most formats have no side table but the catalogue."""
    del path
    return True


@dataclass(frozen=True)
class Format:
    """A `platform_adapters.contract.Adapter` made of a format's functions.

    Attributes:
        name: As on the command line.
        summary: What it reads, in one line.
        tried_on: Which real exports it was tried on; says so if none.
        split: Tells logs from side tables and catalogues.
        prepare: Reads the side tables.
        records: Parses a log.
        read_catalogue: Reads a catalogue.
        is_catalogue: Tells a catalogue from a side table.
        signs: What its files are recognised by.
        example: What one record says, in a sentence, where its signs do not.
        logs_hold_catalogues: Whether a log may hold a catalogue, too, as a database does.
        variant: What tells it from the format of the same name with another column map.
        seen: A file's names as the signs write them (of several languages or versions).
    """

    name: str
    summary: str
    tried_on: str
    split: Callable[[Sequence[Path]], tuple[list[Path], list[Path]]]
    prepare: Callable[[Sequence[Path], AdaptOptions], Session]
    records: Callable[[Path], Iterator[Record]]
    read_catalogue: Callable[[Path], Iterator[CatalogueItem]]
    is_catalogue: Callable[[Path], bool] = _any_side
    signs: tuple[Sign, ...] = ()
    example: str = ""
    seen: Callable[[Glimpse], Glimpse] = _unchanged
    logs_hold_catalogues: bool = False
    variant: str = ""

    def catalogues(self, paths: Sequence[Path]) -> list[Path]:
        """The catalogues among the inputs."""
        given = paths if self.logs_hold_catalogues else self.split(paths)[1]
        return [path for path in given if self.is_catalogue(path)]

    def examples(self) -> list[str]:
        """What one record of each of its kinds of file says."""
        told = [sign.example for sign in self.signs if sign.example] or [self.example]
        return list(dict.fromkeys(filter(None, told)))

    def read(self, path: Path, options: AdaptOptions) -> Iterator[Outcome]:
        """Every record of one log as its outcome, learner ids raw."""
        return convert.read(self, path, options)
