"""Canvas: modules with their items, as the API lists them (JSON), or a table of module items (CSV).

A page has no number in a module: it is found by its address in the pages' list (`pages*.json` or
`pages*.csv`) in the same folder; without that list a page is known by its address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.canvas_modules import KINDS, Entry, Module, catalogue_of
from platform_adapters.catalogues.entries import listed, load_json, once, required_id, text_of
from platform_adapters.contract import Failure
from platform_adapters.errors import CatalogueError, RecordError
from platform_adapters.readers.rows import read_rows
from platform_adapters.values import get, text_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from recommender.catalogue import CatalogueItem

_COURSE = re.compile(r"/courses/(\d+(?:~\d+)?)/")


def read_json_modules(path: Path) -> Iterator[CatalogueItem]:
    """Items of modules with `include[]=items`.

    Raises:
        CatalogueError: It is no list of modules, or a module has no id.
    """
    pages = _pages_beside(path)
    modules = []
    for place, one in enumerate(listed(load_json(path), path, "modules"), 1):
        items = one.get("items")
        address = str(one.get("items_url") or get(next(iter(items or ()), {}), "html_url") or "")
        course = _COURSE.search(address)
        module = Module(
            required_id(one.get("id"), path, place, "id"),
            name=text_of(one.get("name")),
            position=_position(one.get("position"), place),
            course=course[1] if course else "",
            needs=tuple(str(need) for need in one.get("prerequisite_module_ids") or ()),
            sequential=one.get("require_sequential_progress") is True,
            unlock_at=str(one.get("unlock_at") or ""),
            hidden=one.get("published") is False,
        )
        for item in items if isinstance(items, list) else []:
            _add(module, item, pages)
        modules.append(module)
    return once(catalogue_of(modules), path)


def read_csv_items(path: Path) -> Iterator[CatalogueItem]:
    """Items of a table with one row for each module item.

    Raises:
        CatalogueError: A row does not parse.
    """
    pages = _pages_beside(path)
    modules: dict[str, Module] = {}
    for line, row in read_rows(path):
        if isinstance(row, Failure):
            raise CatalogueError(f"{path.name}, line {line}: {row.reason}")
        number = required_id(row.get("module_id"), path, line, "module_id")
        if number not in modules:
            position = _position(row.get("module_position"), len(modules) + 1)
            name = text_of(row.get("module_name"))
            modules[number] = Module(number, name, position, str(row.get("course_id") or ""))
        published = str(row.get("published")).casefold() != "false"
        _add(modules[number], {**row, "published": published}, pages)
    return once(catalogue_of(modules.values()), path)


def _position(value: object, otherwise: int) -> float:
    """A place as it is written; where none is, that in the file."""
    try:
        return text_number(value, "position") or float(otherwise)
    except RecordError:
        return float(otherwise)


def _add(module: Module, item: Any, pages: Mapping[str, str]) -> None:  # noqa: ANN401 - parsed JSON
    """Put an item into its module; headings and links are none."""
    kind = KINDS.get(str(get(item, "type")))
    address = str(get(item, "page_url") or "")
    number = get(item, "content_id") or pages.get(address) or address
    if kind is None or not number:
        return
    module.entries.append(
        Entry(
            item=f"{kind}:{number}",
            kind=kind,
            title=text_of(item.get("title")),
            position=_position(item.get("position"), len(module.entries) + 1),
            required=bool(item.get("completion_requirement")),
            hidden=item.get("published") is False,
            url=str(item.get("html_url") or ""),
        )
    )


def _pages_beside(path: Path) -> dict[str, str]:
    """Numbers of pages by their addresses, from lists in the same folder."""
    found: dict[str, str] = {}
    for other in sorted(path.parent.glob("pages*")):
        for _, row in read_rows(other):
            if isinstance(row, dict):
                address = row.get("page_url") or row.get("url")
                number = row.get("page_id") or row.get("id")
                if address and number:
                    found[str(address)] = str(number)
    return found
