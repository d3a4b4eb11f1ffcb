"""Canvas Data 2: `content_tags` as a catalogue, with `context_modules` beside it in its folder.

Without that table the items have neither the modules' names and order nor their prerequisites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.catalogues.canvas_modules import KINDS, Entry, Module, catalogue_of
from platform_adapters.catalogues.entries import once, text_of
from platform_adapters.contract import Failure
from platform_adapters.errors import CatalogueError, ReadError
from platform_adapters.readers.canvas_tables import open_table, plain_name
from platform_adapters.readers.glimpse import look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recommender.catalogue import CatalogueItem

_MODULE_MARKS = frozenset({"id", "context_id", "prerequisites", "completion_requirements"})
_TRUE = {"true", "True", "t", "1"}


def read_modules(path: Path) -> Iterator[CatalogueItem]:
    """Items of a table of content tags.

    Raises:
        CatalogueError: A row does not parse, or there is no item.
    """
    modules, required = _modules_beside(path)
    for row in _rows(path):
        kind = KINDS.get(str(row.get("content_type")))
        if row.get("tag_type") != "context_module" or kind is None or not row.get("content_id"):
            continue
        number = str(row.get("context_module_id") or "")
        module = modules.setdefault(number, Module(number, course=str(row.get("context_id") or "")))
        state = row.get("workflow_state")
        if state != "deleted":
            module.entries.append(
                Entry(
                    item=f"{kind}:{row['content_id']}",
                    kind=kind,
                    title=text_of(row.get("title")),
                    position=_place(row.get("position")),
                    required=str(row.get("id")) in required,
                    hidden=state == "unpublished",
                )
            )
    return once(catalogue_of(modules.values()), path)


def _modules_beside(path: Path) -> tuple[dict[str, Module], set[str]]:
    """Modules of the same folder, and the tags that they require something of."""
    modules: dict[str, Module] = {}
    required: set[str] = set()
    for other in sorted(path.parent.iterdir()):
        if other == path or other.name.startswith(".") or not other.is_file():
            continue
        try:
            names = {plain_name(name) for name in look(other).names}
        except ReadError:
            continue  # no file of ours; what is named on the command line is judged there
        if not names >= _MODULE_MARKS:
            continue
        for row in _rows(other):
            number = str(row.get("id"))
            modules[number] = Module(
                number,
                name=text_of(row.get("name")),
                position=_place(row.get("position")),
                course=str(row.get("context_id") or ""),
                needs=tuple(str(one.get("id")) for one in _objects(row.get("prerequisites"))),
                sequential=str(row.get("require_sequential_progress")) in _TRUE,
                unlock_at=str(row.get("unlock_at") or ""),
                hidden=str(row.get("workflow_state")) in {"unpublished", "deleted"},
            )
            required |= {str(one.get("id")) for one in _objects(row.get("completion_requirements"))}
    return modules, required


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line, row in open_table(path):
        if isinstance(row, Failure) or not isinstance(row, dict):
            reason = row.reason if isinstance(row, Failure) else "not a JSON object"
            raise CatalogueError(f"{path.name}, line {line}: {reason}")
        if "deleted" not in row:
            yield row


def _place(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("inf")


def _objects(value: object) -> list[dict[str, Any]]:
    """A list of objects, or the JSON text of one."""
    if isinstance(value, str) and value:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return []
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
