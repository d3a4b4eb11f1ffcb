"""Events in envelopes `{…, data: [event, …]}`, or alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.readers.json_records import read_json
from platform_adapters.values import get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record


def read_envelopes(path: Path) -> Iterator[Record]:
    """Events, each with the line (in an array: the number) of its envelope.

    Raises:
        ReadError: The file is damaged.
    """
    for line, value in read_json(path):
        data = get(value, "data")
        if isinstance(data, list):
            for event in data:
                yield line, event
        else:
            yield line, value
