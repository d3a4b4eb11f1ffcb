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
    before, parents, numbers = _associations(package, path)
    titles = {i.get("identifier"): _title(i) for i in listed(package["CFItems"], path)}
    framework = str(get(package, "CFDocument", "identifier") or "")
    language = str(get(package, "CFDocument", "language") or "")
    for place, item in enumerate(_ordered(package["CFItems"], parents, numbers), 1):
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
) -> tuple[dict[str, set[str]], dict[str, str], dict[str, float]]:
    """What must come before each statement, what each is a part of, and at which place there."""
    before: dict[str, set[str]] = defaultdict(set)
    parents: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for link in listed(package.get("CFAssociations") or [], path):
        origin = str(get(link, "originNodeURI", "identifier") or "")
        target = str(get(link, "destinationNodeURI", "identifier") or "")
        if link.get("associationType") in _BEFORE:
            before[target].add(origin)
        elif link.get("associationType") == "isChildOf":
            parents[origin] = target
            number = link.get("sequenceNumber")
            if isinstance(number, int | float):
                numbers[origin] = number
    return before, parents, numbers


def _ordered(
    items: list[dict[str, Json]], parents: dict[str, str], numbers: dict[str, float]
) -> list[dict[str, Json]]:
    """Statements below what they are a part of, by their numbers; without numbers as they stand."""
    if not numbers:
        return items
    found = {str(item.get("identifier")): number for number, item in enumerate(items)}

    def places(own: str) -> tuple[tuple[float, int], ...]:
        above: list[tuple[float, int]] = []
        seen: set[str] = set()
        while own in found and own not in seen:
            seen.add(own)
            above.append((numbers.get(own, float("inf")), found[own]))
            own = parents.get(own, "")
        return tuple(reversed(above))

    return sorted(items, key=lambda item: places(str(item.get("identifier"))))
