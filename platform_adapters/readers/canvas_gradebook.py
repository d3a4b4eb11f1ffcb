"""Canvas's gradebook, whose columns are assignments and whose second line is their maximum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.local_numbers import decimal_mark, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record

POINTS = b"    Points Possible"
"""What the second line begins with."""
_COLUMN = re.compile(r"(.*) \((\d{1,20}|[0-9a-f]{32})\)", re.DOTALL)
_SPLIT_NAME = ("LastName", "FirstName")


def read_gradebook(path: Path) -> Iterator[Record]:
    """One record for each grade, with the maximum of its assignment.

    Raises:
        ReadError: The file is damaged.
    """
    header = read_header(path)
    columns = [name for name in header if _COLUMN.fullmatch(name)]
    numbers = header[header.index(columns[0]) :] if columns else ()
    rows = (row for _, row in read_csv(path) if not isinstance(row, Failure))
    mark = decimal_mark(row[column] for row in rows for column in numbers)
    most: dict[str, str | None] = {}
    for line, row in read_csv(path):
        if isinstance(row, Failure):
            yield line, row
            continue
        name = row.get("Student") or ", ".join(filter(None, map(row.get, _SPLIT_NAME)))
        if name.strip(" ,") == POINTS.decode().strip():
            most = {column: number_of(row[column], mark) for column in columns}
            continue
        learner = row.get("ID") or ("" if "ID" in row else name)
        for place, column in enumerate(columns, 1):
            if row[column] and (learner or name):
                yield (
                    line,
                    {
                        "gradebook": row[column],
                        "points": number_of(row[column], mark),
                        "learner": learner,
                        "name": name,
                        "assignment": _COLUMN.fullmatch(column)[2],  # type: ignore[index]  # it matched
                        "place": place,
                        "max": most.get(column),
                    },
                )
