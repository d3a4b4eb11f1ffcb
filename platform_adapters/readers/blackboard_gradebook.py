"""Blackboard's gradebook as instructors download it: one column for each thing that is graded.

A column is called `Quiz 1 [Total Pts: 10 Score] |51772`; the number behind the bar is its `pk1`. A
column that is made of others says `up to 11.15`. Older versions do not say what is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure
from platform_adapters.readers.csv_rows import read_csv, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record

TOTAL = b"[Total Pts:"
"""What stands in the name of each column with grades."""
_COLUMN = re.compile(
    r".* \[Total Pts: (?P<made>up to )?(?P<most>\d+(?:\.\d+)?)(?: (?P<shown>[^\]]*))?\]"
    r" \|(?P<id>\d+)",
    re.DOTALL,
)


def read_gradebook(path: Path) -> Iterator[Record]:
    """One record for each grade.

    Raises:
        ReadError: The file is damaged.
    """
    header = read_header(path)
    columns = {name: found for name in header if (found := _COLUMN.fullmatch(name))}
    for line, row in read_csv(path):
        if isinstance(row, Failure):
            yield line, row
            continue
        for place, (name, column) in enumerate(columns.items(), 1):
            if row[name]:
                yield (
                    line,
                    {
                        "cell": row[name],
                        "username": row.get("Username"),
                        "column": column["id"],
                        "place": place,
                        "most": "100" if column["shown"] == "Percentage" else column["most"],
                        "shown": column["shown"] or "Score",
                        "made": column["made"] or "",
                    },
                )
