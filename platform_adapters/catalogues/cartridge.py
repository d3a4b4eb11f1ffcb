"""IMS Common Cartridge 1.0 to 1.3 (.imscc) and SCORM packages: `imsmanifest.xml`.

Items of the organisation, in its order; folders are sections. Elements are known by their local
names, since every version has name spaces of its own. A web link's address is the item's global
key. Prerequisites are SCORM's (`prerequisites` of an item) and those of Canvas's exports
(`course_settings/module_meta.xml`: modules before modules, steps in order), as far as all of what
they name must be done.

Refused, as in every archive and document: names that lead out of the archive, bombs of archives
or entities, document types.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.catalogues.entries import global_key, once, required_id, text_of
from platform_adapters.errors import CatalogueError
from platform_adapters.readers.archives import open_archive
from platform_adapters.readers.xml_elements import Element, read_elements
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.readers.archives import Archive

MANIFEST = "imsmanifest.xml"
MODULES = "course_settings/module_meta.xml"
_TYPES = (
    ("imswl", "weblink"),
    ("imsdt", "discussion"),
    ("imsbasiclti", "lti"),
    ("assignment", "assignment"),
    ("assessment", "assessment"),
    ("question-bank", "question bank"),
    ("associatedcontent", "content"),
    ("webcontent", "content"),
)
_ALL_OF = re.compile(r"[\w.-]+(?:\s*&\s*[\w.-]+)*")
_REFERENCE_IN = re.compile(r"[\w.-]+")


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """Items of a cartridge or package, in order.

    Raises:
        ReadError: It is no archive, is damaged, or asks for what is refused.
        CatalogueError: There is no manifest or no item in it.
    """
    return once(_items(path), path)


def _items(path: Path) -> Iterator[CatalogueItem]:
    with open_archive(path) as archive:
        if not archive.has(MANIFEST):
            raise CatalogueError(f"{path.name} has no {MANIFEST}: it is no Common Cartridge")
        manifest = _only(archive, MANIFEST, "manifest", path)
        required = _modules(archive, path)
        resources = {r.attributes.get("identifier", ""): r for r in _all(manifest, "resource")}
        course = manifest.attributes.get("identifier", "")
        language = _language(manifest)
        places = _steps(manifest)
        if not places:
            raise CatalogueError(
                f"{path.name}/{MANIFEST}: no item of its organisation leads anywhere, so that "
                "nothing says what comes first; put what the course has into modules or folders "
                "and export it again"
            )
        for position, (item, section) in enumerate(places):
            own = required_id(item.attributes.get("identifier"), path, position + 1, "identifier")
            resource = resources.get(item.attributes.get("identifierref", ""))
            yield CatalogueItem(
                item=own,
                title=text_of(item.get("title")),
                url=(address := _address(archive, resource)),
                content_key=global_key(address),
                course=course,
                section=section,
                position=position,
                type=_type(resource),
                language=language,
                prerequisites=tuple(sorted({*_scorm(item), *required.get(own, ())} - {own})),
                hidden=item.attributes.get("isvisible", "true").lower() == "false",
            )


def _only(archive: Archive, name: str, element: str, path: Path) -> Element:
    with archive.open(name) as stream:
        for found in read_elements(stream, frozenset({element}), f"{path.name}/{name}"):
            return found
    raise CatalogueError(f"{path.name}/{name} has no element {element!r}")


def _all(element: Element, name: str) -> Iterator[Element]:
    for child in element.children:
        if child.name == name:
            yield child
        yield from _all(child, name)


def _steps(manifest: Element) -> list[tuple[Element, str]]:
    """Items that lead to something, with the folder that they stand in, in order."""
    found: list[tuple[Element, str]] = []

    def walk(element: Element, section: str) -> None:
        for child in element.children:
            if child.name != "item":
                continue
            if child.attributes.get("identifierref"):
                found.append((child, section))
            walk(child, text_of(child.get("title")) or section)

    for organisation in _all(manifest, "organization"):
        walk(organisation, "")
    return found


def _language(manifest: Element) -> str:
    metadata = manifest.find("metadata", "lom", "general", "language")
    if metadata is None:
        return ""
    return (metadata.text or metadata.get("string") or metadata.get("langstring")).strip()


def _type(resource: Element | None) -> str:
    kind = resource.attributes.get("type", "") if resource is not None else ""
    scorm = (resource.attributes.get("scormtype") or "") if resource is not None else ""
    if scorm:
        return scorm.lower()
    return next((ours for theirs, ours in _TYPES if theirs in kind), kind)


def _address(archive: Archive, resource: Element | None) -> str:
    """Of a link to elsewhere, where it leads."""
    if resource is None or "imswl" not in resource.attributes.get("type", ""):
        return ""
    names = [f.attributes.get("href", "") for f in resource.children if f.name == "file"]
    for name in (resource.attributes.get("href", ""), *names):
        if name and archive.has(name):
            with archive.open(name) as stream:
                for link in read_elements(stream, frozenset({"url"}), name):
                    return link.attributes.get("href", "").strip()
    return ""


def _scorm(item: Element) -> tuple[str, ...]:
    """SCORM 1.2: `A & B` demands both; anything but `&` demands none for certain."""
    script = item.get("prerequisites")
    return tuple(_REFERENCE_IN.findall(script)) if _ALL_OF.fullmatch(script) else ()


def _modules(archive: Archive, path: Path) -> dict[str, set[str]]:
    """Canvas: what a step demands, by the modules before its own and the steps before it."""
    if not archive.has(MODULES):
        return {}
    root = _only(archive, MODULES, "modules", path)
    steps = {
        module.attributes.get("identifier", ""): [
            step.attributes.get("identifier", "") for step in _all(module, "item")
        ]
        for module in _all(root, "module")
    }
    required: dict[str, set[str]] = {}
    for module in _all(root, "module"):
        before = {
            step
            for demand in _all(module, "prerequisite")
            for step in steps.get(demand.get("identifierref"), ())
        }
        in_order = module.get("require_sequential_progress") == "true"
        for step in steps[module.attributes.get("identifier", "")]:
            required[step] = set(before)
            if in_order:
                before = {step}
    return required
