"""Tables of Canvas Data 2 as plain rows, in whichever form they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.readers.files import read_start
from platform_adapters.readers.rows import read_rows
from platform_adapters.readers.tsv_rows import read_tsv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json, Record


def plain_name(column: str) -> str:
    """A column without the `key.` or `value.` before it."""
    return column.removeprefix("key.").removeprefix("value.")


def open_table(path: Path) -> Iterator[Record]:
    """Rows of CSV, TSV, JSON lines or Parquet; a deleted record is `{"deleted": "D"}`.

    Raises:
        ReadError: The file cannot be read to its end.
    """
    start = read_start(path, 4096)
    is_text = start[:1] not in {b"{", b"["} and not start.startswith(b"PAR1")
    is_tsv = is_text and b"\t" in start.partition(b"\n")[0]
    rows = read_tsv(path, plain_name) if is_tsv else read_rows(path, plain_name)
    for line, row in rows:
        yield line, row if isinstance(row, Failure) else _plain(row)


def _plain(row: Json) -> Json:
    """One flat row; ids are text, so that tables of different forms fit together."""
    if not isinstance(row, dict):
        return row
    meta = row.get("meta")
    action = meta.get("action") if isinstance(meta, dict) else row.get("meta.action")
    if action == "D":
        return {"deleted": "D"}
    parts = [row.get("key"), row.get("value")]
    if any(isinstance(part, dict) for part in parts):
        row = {
            name: value for part in parts if isinstance(part, dict) for name, value in part.items()
        }
    return {
        name: str(value) if type(value) is int and (name == "id" or name.endswith("_id")) else value
        for name, value in row.items()
    }
