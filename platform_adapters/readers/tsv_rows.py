r"""Rows of tab-separated text as databases write it: no quotes, `\t` escaped, `\N` missing.

A quote in such a file is a quote; reading it as CSV would swallow rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.readers.files import MAX_LINE_BYTES, Position, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from platform_adapters.contract import Record

_ESCAPE = re.compile(r"\\(.)")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
TOO_LONG = f"the line is longer than {MAX_LINE_BYTES:,} bytes"


def read_tsv(path: Path, rename: Callable[[str], str]) -> Iterator[Record]:
    """Rows as dictionaries; missing values are empty.

    Raises:
        ReadError: The file cannot be read to its end.
    """
    position = Position()
    header: list[str] = []
    for line in read_lines(path, position):
        if line is None:
            yield position.line, Failure(TOO_LONG)
            continue
        try:
            cells = line.rstrip(b"\r\n").decode().split("\t")
        except UnicodeDecodeError:
            yield position.line, Failure("the line is not UTF-8")
            continue
        if not header:
            header = [rename(name) for name in cells]
        elif len(cells) != len(header):
            reason = f"the row has not {len(header)} columns as the header has"
            yield position.line, Failure(reason)
        else:
            yield position.line, dict(zip(header, map(_text, cells), strict=True))


def _text(cell: str) -> str:
    if "\\" not in cell:
        return cell
    if cell == "\\N":
        return ""
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[1], found[1]), cell)
