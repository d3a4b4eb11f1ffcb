"""Modules of Canvas, as the API lists them with their items, or as a table of items."""

from __future__ import annotations

from platform_adapters.catalogues.canvas_api import read_csv_items, read_json_modules
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared_side import Side
from platform_adapters.fields import constant

READERS = (
    Reader(
        what="modules as the Canvas API lists them",
        example="Page *Cell walls* is the third step of the module *Week 1*, which comes first.",
        marks={
            *("prerequisite_module_ids", "require_sequential_progress"),
            *("items", "position", "name"),
        },
        read=read_json_modules,
        kinds=("json",),
    ),
    Reader(
        what="module items of Canvas as a table",
        marks={"module_id", "module_name", "content_id", "type", "position"},
        read=read_csv_items,
        kinds=("csv",),
    ),
)
PAGES = (
    Side(
        what="pages as the Canvas API lists them (for the modules' catalogue)",
        marks={"page_url", "title", "id"},
        key="id",
        when=constant(None),
    ),
    Side(
        what="pages as the Canvas API lists them, in JSON",
        marks={"page_id", "url", "title"},
        key="page_id",
        when=constant(None),
    ),
)
