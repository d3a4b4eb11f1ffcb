"""xAPI activity definitions, as a list; extensions carry what the specification has no place for.

- `urn:murmuration:content-key`: the key shared with other platforms; without it an activity
  whose id is an IRI outside the platform is *not* taken as one: course runs have IRIs too.
- `urn:murmuration:duration-minutes`, `urn:murmuration:course`, `urn:murmuration:skills`,
  `urn:murmuration:prerequisites`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues.entries import (
    global_key,
    listed,
    load_json,
    minutes_of,
    once,
    required_id,
    text_of,
)
from platform_adapters.values import get
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json

_OURS = "urn:murmuration:"


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a list of activities.

    Raises:
        CatalogueError: It is no list, or an activity has no id.
    """
    return once(_items(path), path)


def _items(path: Path) -> Iterator[CatalogueItem]:
    for place, activity in enumerate(listed(load_json(path), path, "activities"), 1):
        definition = activity.get("definition")
        extra = get(definition, "extensions")
        item = required_id(activity.get("id"), path, place, "id")
        kind = str(get(definition, "type") or "").rstrip("/").rsplit("/", 1)[-1]
        names = get(definition, "name")
        url = get(definition, "moreInfo") or item
        yield CatalogueItem(
            item=item,
            title=translated(names),
            description=text_of(translated(get(definition, "description"))),
            url=url if isinstance(url, str) and url.startswith(("http://", "https://")) else "",
            content_key=global_key(get(extra, _OURS + "content-key")),
            course=item if kind == "course" else str(get(extra, _OURS + "course") or ""),
            position=place - 1,
            type=kind,
            language=next(iter(names), "") if isinstance(names, dict) else "",
            duration_minutes=minutes_of(get(extra, _OURS + "duration-minutes"), path, place),
            skills=_texts(get(extra, _OURS + "skills")),
            prerequisites=_texts(get(extra, _OURS + "prerequisites")),
        )


def translated(value: Json) -> str:
    """A language map's English text, or its first."""
    if not isinstance(value, dict):
        return ""
    english = [text for tag, text in value.items() if str(tag).lower().startswith("en")]
    chosen = next(iter(english or value.values()), "")
    return chosen if isinstance(chosen, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()
