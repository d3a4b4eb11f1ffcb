"""Events in envelopes `{…, data: [event, …]}`: one a line, an array, or over several lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from platform_adapters.readers.files import Position, open_bytes, read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record

MAX_WHOLE_BYTES = 16 << 20
"""Largest envelope that is written over several lines; it is parsed as a whole."""


def read_envelopes(path: Path) -> Iterator[Record]:
    """Events, each with the line (in an array: the number) of its envelope.

    Raises:
        ReadError: The file is damaged.
    """
    for line, value in _values(path):
        data = get(value, "data")
        if isinstance(data, list):
            for event in data:
                yield line, event
        else:
            yield line, value


def _values(path: Path) -> Iterator[Record]:
    """Envelopes: one a line, in an array, or a single one over several lines."""
    start = read_start(path)
    first = start.lstrip().partition(b"\n")[0]
    if start.lstrip()[:1] != b"{" or _is_json(first):
        return read_json(path)
    with open_bytes(path, Position()) as stream:
        whole = stream.read(MAX_WHOLE_BYTES + 1)
    if len(whole) <= MAX_WHOLE_BYTES and _is_json(whole):
        return iter([(1, orjson.loads(whole))])
    return read_json(path)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
