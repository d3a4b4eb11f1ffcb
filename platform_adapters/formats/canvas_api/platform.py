"""Canvas without an administrator: what a teacher can export from the gradebook and the API."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.canvas_api import (
    enrolments,
    gradebook,
    modules,
    posts,
    submissions,
)

FORMAT = Declared(
    name="canvas-api",
    summary="Canvas's gradebook (CSV), and lists of the API: submissions, enrolments, discussion "
    "posts, modules (JSON, CSV; .gz)",
    tried_on="a real anonymised course of UBC 2022 (gradebook, posts, modules) and a published "
    "gradebook with replaced names; submissions and enrolments by the documentation",
    rows=(gradebook.ROWS, submissions.ROWS, enrolments.ROWS, posts.ROWS),
    others=modules.PAGES,
    catalogues=modules.READERS,
).format()
