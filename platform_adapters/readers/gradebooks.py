"""Gradebooks as instructors have them: a row for each learner, a column for each thing graded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.local_numbers import decimal_mark, number_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record


def read_grades(path: Path, *, learner: str, column: re.Pattern[str]) -> Iterator[Record]:
    """One record for each grade: `learner`, `cell`, `points` if it is a number, `place`, `most`.

    Args:
        path: The file.
        learner: The column that says whose a row is.
        column: The names of columns with grades. Its groups are members of the record, too; `most`,
            the possible points, must be one of them.

    Raises:
        ReadError: The file is damaged.
    """
    columns = {name: found for name in read_header(path) if (found := column.fullmatch(name))}
    rows = (row for _, row in read_csv(path) if not isinstance(row, Failure))
    mark = decimal_mark(row[name] for row in rows for name in columns)
    mark = mark or decimal_mark(found["most"] for found in columns.values())
    for line, row in read_csv(path):
        if isinstance(row, Failure):
            yield line, row
            continue
        for place, (name, found) in enumerate(columns.items(), 1):
            if row[name]:
                yield (
                    line,
                    {
                        **found.groupdict(default=""),
                        "learner": row.get(learner),
                        "cell": row[name],
                        "points": number_of(row[name], mark),
                        "most": number_of(found["most"], mark),
                        "place": place,
                    },
                )
