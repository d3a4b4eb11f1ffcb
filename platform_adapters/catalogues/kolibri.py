"""Kolibri: the tables of content, in a device's db.sqlite3 or in a channel's own database.

Copies of a resource share their `content_id`, which is what the logs name: they are one item,
at the place where it stands first. A topic is a section and no item. `content_id` is the same on
every device that has imported the channel, so it is a global key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from platform_adapters.catalogues.entries import once, required_id, text_of
from platform_adapters.readers.sqlite_rows import read_sqlite, sqlite_tables
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TABLE = "content_contentnode"
_LOGS = "logger_contentsessionlog"
_NODES = """SELECT n.content_id, n.channel_id, n.title, n.description, n.kind, n.lang_id,
 n.duration, n.available, n.coach_content, n.author, p.title AS section,
 (SELECT group_concat(q.content_id, ';') FROM content_contentnode_has_prerequisite h
  JOIN content_contentnode q ON q.id = h.to_contentnode_id
  WHERE h.from_contentnode_id = n.id AND q.kind != 'topic') AS prerequisites
 FROM content_contentnode n LEFT JOIN content_contentnode p ON p.id = n.parent_id
 WHERE n.kind != 'topic' ORDER BY n.channel_id, n.tree_id, n.lft"""


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Resources of all channels, in the order in which a learner meets them.

    Raises:
        ReadError: It is no database of Kolibri's.
        CatalogueError: It holds no resource.
    """
    return once(_items(path), path)


def _items(path: Path) -> Iterator[CatalogueItem]:
    seen: set[str] = set()
    # What is available is known of a device; a channel's own database says it of nothing.
    is_device = _LOGS in sqlite_tables(path)
    for place, row in read_sqlite(path, {_TABLE: _NODES}):
        own = required_id(row["content_id"], path, place, "content_id")
        if own in seen:
            continue
        seen.add(own)
        yield CatalogueItem(
            item=own,
            title=text_of(row["title"]),
            description=text_of(row["description"]),
            content_key=_global(own),
            course=row["channel_id"] or "",
            section=text_of(row["section"]),
            position=len(seen) - 1,
            type=row["kind"] or "",
            language=row["lang_id"] or "",
            duration_minutes=row["duration"] / 60 if row["duration"] else None,
            prerequisites=tuple(sorted(set(filter(None, (row["prerequisites"] or "").split(";"))))),
            publisher=text_of(row["author"]),
            hidden=bool(row["coach_content"]) or (is_device and not row["available"]),
        )


def _global(content_id: str) -> str:
    try:
        return UUID(content_id).urn
    except ValueError:
        return ""
