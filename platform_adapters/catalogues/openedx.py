"""Open edX: courses as the Courses API lists them, the blocks of a course (JSON), or its OLX.

`other_course_settings` (an advanced setting of Studio) may carry `content_key`,
`duration_minutes` and `language`; the same names directly in the entry work too.
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
from platform_adapters.catalogues.olx import is_olx, read_olx
from platform_adapters.errors import CatalogueError
from platform_adapters.readers.files import read_start
from platform_adapters.values import get
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json

_CONTAINERS = frozenset({"course", "chapter", "sequential", "vertical"})


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a course list, of one course's blocks, or of its OLX.

    Raises:
        CatalogueError: It is neither, or an entry has no id.
        ReadError: It is an OLX archive that is damaged.
    """
    if is_olx(read_start(path, 1024)):
        return once(read_olx(path), path)
    value = load_json(path)
    blocks = get(value, "blocks")
    if isinstance(blocks, dict):
        return once(_blocks(value, path), path)
    return once(_courses(value, path), path)


def _courses(value: Json, path: Path) -> Iterator[CatalogueItem]:
    for place, entry in enumerate(listed(value, path, "results"), 1):
        own = required_id(entry.get("course_id") or entry.get("id"), path, place, "course_id")
        extra = {**_object(entry.get("other_course_settings")), **entry}
        yield CatalogueItem(
            item=own,
            title=text_of(entry.get("name")),
            description=text_of(entry.get("short_description") or entry.get("overview")),
            url=str(entry.get("course_url") or ""),
            content_key=global_key(extra.get("content_key")),
            course=own,
            position=place - 1,
            type="course",
            language=str(extra.get("language") or ""),
            duration_minutes=minutes_of(extra.get("duration_minutes"), path, place),
            available_from=str(entry.get("start") or ""),
            publisher=str(entry.get("org") or ""),
            prerequisites=_courses_before(entry),
            hidden=entry.get("hidden") is True,
        )


def _courses_before(entry: dict[str, Any]) -> tuple[str, ...]:
    """Courses that come first, where the list says so."""
    needs = entry.get("pre_requisite_courses")
    return tuple(one for one in needs if isinstance(one, str)) if isinstance(needs, list) else ()


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _blocks(value: dict[str, Any], path: Path) -> Iterator[CatalogueItem]:
    """Leaves of the block tree in its own order, and the course itself."""
    blocks: dict[str, Any] = value["blocks"]
    root = value.get("root")
    if not isinstance(root, str) or root not in blocks:
        raise CatalogueError(f"{path.name}: 'root' does not name one of the blocks")
    course = _course_key(root)
    stack, seen, place = [(root, "")], set(), 0
    while stack:
        own, section = stack.pop()
        block = _object(blocks.get(own))
        if own in seen or not block:
            continue
        seen.add(own)
        kind = str(block.get("type") or "")
        title = text_of(block.get("display_name"))
        inner = title if kind in {"chapter", "sequential"} else section
        children = block.get("children")
        stack += [(str(c), inner) for c in reversed(children if isinstance(children, list) else [])]
        if kind in _CONTAINERS - {"course"}:
            continue
        place += 1
        yield CatalogueItem(
            item=course if kind == "course" else required_id(own, path, place, "id"),
            title=title,
            url=str(block.get("lms_web_url") or ""),
            content_key=global_key(block.get("content_key")),
            course=course,
            section=section,
            position=place - 1,
            type=kind,
            duration_minutes=minutes_of(block.get("duration_minutes"), path, place),
            hidden=block.get("visible_to_staff_only") is True,
        )


def _course_key(root: str) -> str:
    """The course that a root block belongs to."""
    if root.startswith("block-v1:"):
        return "course-v1:" + root.removeprefix("block-v1:").split("+type@")[0]
    return root
