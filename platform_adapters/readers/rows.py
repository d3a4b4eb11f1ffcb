"""Rows of a file as dictionaries, whatever kind it is: CSV, JSON lines or array, Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.readers.csv_rows import read_csv
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.readers.parquet_rows import read_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platform_adapters.contract import Record


def read_rows(path: Path, rename: Callable[[str], str] | None = None) -> Iterator[Record]:
    """Rows in the order of the file, each with its line (Parquet and arrays: its number).

    Args:
        path: The file, plain or gzip.
        rename: From a column's name as it stands in CSV or Parquet to the one in the rows.

    Raises:
        ReadError: It cannot be read to its end.
    """
    start = read_start(path, 4096)
    if start[:4] == b"PAR1":
        rows = read_parquet(path)
        return _renamed(rows, rename) if rename else rows
    if start.lstrip()[:1] in {b"{", b"["}:
        return read_json(path)
    return read_csv(path, rename=rename)


def _renamed(rows: Iterator[Record], rename: Callable[[str], str]) -> Iterator[Record]:
    for line, row in rows:
        yield line, {rename(name): value for name, value in row.items()}
