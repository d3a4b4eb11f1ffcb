"""Canvas: courses or module items, as the Canvas API lists them (JSON).

`integration_id`, else `sis_course_id`, is the content key if it is an IRI or URN. Ids become
global as in the logs: give them in their global form, or let each course carry a global
`root_account_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.entries import (
    global_key,
    listed,
    load_json,
    minutes_of,
    once,
    required_id,
    text_of,
)
from platform_adapters.errors import CatalogueError
from platform_adapters.formats.canvas_ids import SHARD_SIZE, global_id, shard_of
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KINDS = {
    "Assignment": "assignment",
    "Discussion": "discussion_topic",
    "File": "attachment",
    "Page": "wiki_page",
    "Quiz": "quiz",
    "ExternalTool": "context_external_tool",
}
"""A module item's `type`, as `asset_type` of the logs calls it."""


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a list of courses or of module items.

    Raises:
        CatalogueError: It is no list, an entry has no id, or an id is local to its shard.
    """
    return once(_items(path), path)


def _items(path: Path) -> Iterator[CatalogueItem]:
    for place, entry in enumerate(listed(load_json(path), path, "courses", "items"), 1):
        if "module_id" in entry:
            if str(entry.get("type")) in _KINDS and entry.get("content_id"):
                yield _module_item(entry, path, place)
        else:
            yield _course(entry, path, place)


def _id(entry: dict[str, Any], field: str, path: Path, place: int) -> str:
    own = global_id(required_id(entry.get(field), path, place, field), shard_of(entry), field)
    if own.isdigit() and int(own) < SHARD_SIZE:
        raise CatalogueError(
            f"{path.name}, entry {place}: {field} {own} is local to its Canvas shard, while the "
            "logs have global ids; add the global root_account_id (from metadata.root_account_id "
            "of any Live Event) to each entry"
        )
    return own


def _course(entry: dict[str, Any], path: Path, place: int) -> CatalogueItem:
    own = _id(entry, "id", path, place)
    return CatalogueItem(
        item=own,
        title=text_of(entry.get("name")),
        description=text_of(entry.get("public_description")),
        url=str(entry.get("html_url") or ""),
        content_key=global_key(entry.get("content_key"))
        or global_key(entry.get("integration_id"))
        or global_key(entry.get("sis_course_id")),
        course=own,
        position=place - 1,
        type="course",
        language=str(entry.get("locale") or ""),
        duration_minutes=minutes_of(entry.get("duration_minutes"), path, place),
        available_from=str(entry.get("start_at") or ""),
        hidden=str(entry.get("workflow_state", "available")) not in {"available", "completed"},
    )


def _module_item(entry: dict[str, Any], path: Path, place: int) -> CatalogueItem:
    kind = _KINDS[entry["type"]]
    course = entry.get("course_id")
    return CatalogueItem(
        item=f"{kind}:{_id(entry, 'content_id', path, place)}",
        title=text_of(entry.get("title")),
        url=str(entry.get("html_url") or ""),
        content_key=global_key(entry.get("content_key")),
        course=_id(entry, "course_id", path, place) if course else "",
        section=text_of(entry.get("module_name")),
        position=place - 1,
        type=kind,
        duration_minutes=minutes_of(entry.get("duration_minutes"), path, place),
        hidden=entry.get("published") is False,
    )
