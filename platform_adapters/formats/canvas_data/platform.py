"""Canvas Data 2: tables of the Data Access Platform, as `dap snapshot` and `incremental` write.

After the published schema. A row is `{key, value, meta}` (JSON lines, nested Parquet) or has these
names before its columns (CSV, TSV, flat Parquet); TSV has no quotes; a record that was deleted
since (`meta.action` D) has no values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platform_adapters.catalogues.canvas_data import read_modules
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared
from platform_adapters.formats.canvas_data import (
    deleted,
    enrolments,
    others,
    outcome_results,
    page_views,
    quiz_submissions,
    submissions,
    web_logs,
)
from platform_adapters.readers.canvas_tables import open_table, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.format import Sign
    from recommender.catalogue import CatalogueItem


class _Tables(Declared):
    """Rows of the platform's tables, opened."""

    def rename(self, column: str) -> str:
        """A column without the `key.` or `value.` before it."""
        return plain_name(column)

    def signs(self) -> tuple[Sign, ...]:
        """In JSON a table's row stands within `value`."""
        plain = [replace(sign, kinds=("csv", "parquet")) for sign in super().signs() if sign.kinds]
        nested = [replace(s, needs=s.needs | {"key", "value"}, kinds=("json",)) for s in plain]
        return (*plain, *nested)

    def read_catalogue(self, path: Path) -> Iterator[CatalogueItem]:
        """There is one kind."""
        return read_modules(path)

    def records(self, path: Path) -> Iterator[Record]:
        """Rows with plain names."""
        return open_table(path)


_LOGS = (submissions, quiz_submissions, outcome_results, web_logs, page_views, enrolments)
_MODULES = Reader(
    what="Canvas Data 2's table content_tags",
    example="Page 88 is the third step of module 5 of course 17.",
    marks={"content_id", "content_type", "context_module_id", "tag_type"},
    read=read_modules,
)

FORMAT = _Tables(
    name="canvas-data",
    summary="Canvas Data 2 tables: submissions, quiz_submissions, web_logs, outcome results, "
    "enrollments (CSV, TSV, JSON lines, Parquet; .gz)",
    tried_on="never on a live site's tables; written after the published schema",
    rows=(deleted.ROWS, *(kind.ROWS for kind in _LOGS)),
    others=others.SIDES,
    catalogues=(_MODULES,),
).format()
