"""CASE 1.0 and 1.1 JSON (1EdTech): a framework of competencies, as skills.

Every statement becomes an entry of type `skill`, which is hidden: a skill is learnt, never
recommended. Items name it by its GUID in `skills` and `prerequisites`. What `precedes` a
statement, or is a `prerequisite` of it, is its prerequisite; what it `isChildOf` is its section.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from platform_adapters.catalogues.entries import (
    global_key,
    listed,
    load_json,
    once,
    required_id,
    text_of,
)
from platform_adapters.errors import CatalogueError
from platform_adapters.values import get
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json

_BEFORE = frozenset({"precedes", "prerequisite"})


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Competencies of a framework (a CFPackage), in its order.

    Raises:
        CatalogueError: It is no framework, or a statement has no GUID.
    """
    package = load_json(path)
    if not isinstance(package, dict) or not isinstance(package.get("CFItems"), list):
        raise CatalogueError(f"{path.name}: expected a CFPackage with CFDocument and CFItems")
    return once(_items(package, path), path)


def _items(package: dict[str, Json], path: Path) -> Iterator[CatalogueItem]:
    before, parents = _associations(package, path)
    titles = {i.get("identifier"): _title(i) for i in listed(package["CFItems"], path)}
    framework = str(get(package, "CFDocument", "identifier") or "")
    language = str(get(package, "CFDocument", "language") or "")
    for place, item in enumerate(package["CFItems"], 1):
        own = required_id(item.get("identifier"), path, place, "identifier")
        yield CatalogueItem(
            item=own,
            title=titles[own],
            description=text_of(item.get("notes")),
            content_key=global_key(item.get("uri")),
            course=framework,
            section=titles.get(parents.get(own, ""), ""),
            position=place - 1,
            type="skill",
            language=str(item.get("language") or language),
            prerequisites=tuple(sorted(before[own] & titles.keys())),
            hidden=True,
        )


def _title(item: dict[str, Json]) -> str:
    code = text_of(item.get("humanCodingScheme"))
    words = text_of(item.get("abbreviatedStatement")) or text_of(item.get("fullStatement"))
    return f"{code}: {words}" if code and words else code or words


def _associations(
    package: dict[str, Json], path: Path
) -> tuple[dict[str, set[str]], dict[str, str]]:
    """What must come before each statement, and what each one is a part of."""
    before: dict[str, set[str]] = defaultdict(set)
    parents: dict[str, str] = {}
    for link in listed(package.get("CFAssociations") or [], path):
        origin = str(get(link, "originNodeURI", "identifier") or "")
        target = str(get(link, "destinationNodeURI", "identifier") or "")
        if link.get("associationType") in _BEFORE:
            before[target].add(origin)
        elif link.get("associationType") == "isChildOf":
            parents[origin] = target
    return before, parents
