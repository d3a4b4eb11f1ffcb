"""A first look at an unknown file: what kind of file it is and which names occur in it.

Nothing but its start is read (a database: its schema; an archive: the names of its members).
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from platform_adapters.errors import ReadError
from platform_adapters.readers.csv_rows import read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.parquet_rows import parquet_columns
from platform_adapters.readers.sqlite_rows import sqlite_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_MEMBERS = 2_000
"""Names read of an archive."""

_MAX_UNPACKED = 256 << 20
"""Bytes of a packed tar that are unpacked to see names."""

_KEY = re.compile(rb'"((?:[^"\\\n]|\\.){1,120})"\s*:')
_TAG = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_TAR_AT = 257


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What can be seen of a file without reading it.

    Attributes:
        kind: `csv`, `json`, `parquet`, `sqlite`, `zip`, `tar`, `xml` or `nothing`.
        names: Columns; members of JSON objects at any depth; tables; members of an archive;
            elements of XML.
        start: Its first bytes, unpacked.
    """

    kind: str
    names: frozenset[str]
    start: bytes = b""

    def has(self, names: frozenset[str]) -> bool:
        """Whether all of these names occur."""
        return names <= self.names


def look(path: Path) -> Glimpse:
    """Look at a file, packed or not.

    Raises:
        ReadError: It cannot be read, or is damaged.
    """
    start = read_start(path)
    kind = _kind(start)
    return Glimpse(kind, frozenset(_names(path, kind, start)), start)


def _kind(start: bytes) -> str:
    if start[:4] == b"PAR1":
        return "parquet"
    if start[:16] == b"SQLite format 3\0":
        return "sqlite"
    if start[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return "zip"
    if start[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    text = start.lstrip()[:1]
    if not text:
        return "nothing"
    return {b"{": "json", b"[": "json", b"<": "xml"}.get(text, "csv")


def _names(path: Path, kind: str, start: bytes) -> list[str]:
    if kind in _PATTERNS:
        return [name.decode(errors="replace") for name in _PATTERNS[kind].findall(start)]
    try:
        return _READERS[kind](path) if kind in _READERS else []
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, ValueError) as error:
        raise ReadError(f"{path.name} is not a whole {kind} file: {error}") from error


def _zip_members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()[:MAX_MEMBERS]


def _tar_members(path: Path) -> list[str]:
    names: list[str] = []
    with tarfile.open(path) as archive:
        for member in islice(archive, MAX_MEMBERS):
            names.append(member.name.removeprefix("./"))
            if member.offset_data + member.size > _MAX_UNPACKED:
                break  # what stands behind a file can be seen only by unpacking it
    return names


_PATTERNS = {"json": _KEY, "xml": _TAG}
_READERS: dict[str, Callable[[Path], list[str]]] = {
    "csv": lambda path: list(read_header(path)),
    "parquet": parquet_columns,
    "sqlite": sqlite_tables,
    "zip": _zip_members,
    "tar": _tar_members,
}
