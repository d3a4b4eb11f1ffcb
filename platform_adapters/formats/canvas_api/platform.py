"""Canvas without an administrator: what a teacher can export from the gradebook and the API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platform_adapters.declared import Declared
from platform_adapters.format import Sign
from platform_adapters.formats.canvas_api import (
    enrolments,
    gradebook,
    modules,
    posts,
    submissions,
)
from platform_adapters.readers.canvas_gradebook import POINTS, is_gradebook, read_gradebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record


_GRADE = gradebook.ROWS.example


class _Exports(Declared):
    """Exports of the API, and the gradebook's, whose columns are assignments."""

    def signs(self) -> tuple[Sign, ...]:
        """The gradebook is known by its second line, too."""
        whole = Sign("Canvas's gradebook", {"Student"}, ("csv",), (POINTS,), "log", _GRADE)
        return (whole, replace(whole, needs={"LastName"}, example=""), *super().signs())

    def records(self, path: Path) -> Iterator[Record]:
        """Grades of a gradebook, rows of anything else."""
        return read_gradebook(path) if is_gradebook(path) else super().records(path)


FORMAT = _Exports(
    name="canvas-api",
    summary="Canvas's gradebook (CSV), and lists of the API: submissions, enrolments, discussion "
    "posts, modules (JSON, CSV; .gz)",
    tried_on="a real anonymised course of UBC 2022 (gradebook, posts, modules); submissions and "
    "enrolments by the documentation",
    rows=(gradebook.ROWS, submissions.ROWS, enrolments.ROWS, posts.ROWS),
    others=modules.PAGES,
    catalogues=modules.READERS,
).format()
