"""Open edX courses as OLX: the tar.gz of *Studio, Tools, Export*.

Chapters, subsections and units are one file each, or stand within another. Titles, dates and what
only staff may see stand in an element's attributes or in `policies/<run>/policy.json`. Items of a
`conditional` wait for its sources; a course waits for its prerequisite courses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.catalogues.entries import text_of
from platform_adapters.errors import CatalogueError
from platform_adapters.readers.archives import open_archive
from platform_adapters.readers.xml_elements import read_elements
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.readers.archives import Archive
    from platform_adapters.readers.xml_elements import Element

_TAR_AT = 257
_CONTAINERS = frozenset({"course", "chapter", "sequential", "vertical", "conditional", "wrapper"})
_RANDOM = frozenset({"library_content", "split_test", "itembank", "problem-builder"})
_NOT_ITEMS = frozenset({"wiki", "grading_policy", "textbook", "pdf_textbook", "show"})
_MAX_POLICY_BYTES = 16 << 20


def is_olx(start: bytes) -> bool:
    """Whether a file's first unpacked bytes are those of a tar."""
    return start[_TAR_AT : _TAR_AT + 5] == b"ustar"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the course an element stands."""

    section: str = ""
    hidden: bool = False
    start: str = ""
    needs: tuple[str, ...] = ()


class _Course:
    """One course's archive, and how to name its blocks."""

    def __init__(self, path: Path, archive: Archive) -> None:
        self._archive = archive
        self._name = path.name
        roots = [name for name in archive.names if PurePosixPath(name).name == "course.xml"]
        root = min(roots, key=lambda name: len(PurePosixPath(name).parts), default="")
        if not root:
            raise CatalogueError(f"{path.name}: has no course.xml; is it a course's OLX export?")
        self._folder = str(PurePosixPath(root).parent)
        self.root = self._whole("course", self._read(root, "course"))
        head = self._read(root, "course").attributes
        run = head.get("url_name", "")
        if not (head.get("org") and head.get("course") and run):
            raise CatalogueError(f"{path.name}: course.xml names no org, course or run")
        self.key = f"{head['org']}+{head['course']}+{run}"
        self.org = head["org"]
        self._policy = self._read_policy(run)

    def usage_key(self, element: Element) -> str:
        """The key by which the logs know a block."""
        return f"block-v1:{self.key}+type@{element.name}+block@{element.attributes['url_name']}"

    def said(self, element: Element, name: str) -> Any:  # noqa: ANN401 - JSON or an attribute
        """What the policy, else the element says."""
        own = f"{element.name}/{element.attributes.get('url_name', '')}"
        policy = self._policy.get(own)
        if isinstance(policy, dict) and name in policy:
            return policy[name]
        return element.attributes.get(name)

    def children(self, element: Element) -> Iterator[Element]:
        """Elements in an element, each whole."""
        for child in element.children:
            if child.attributes.get("url_name") and child.name not in _NOT_ITEMS:
                yield self._whole(child.name, child)

    def _whole(self, kind: str, element: Element) -> Element:
        """An element, or the file that it points to."""
        url_name = element.attributes.get("url_name", "")
        member = str(PurePosixPath(self._folder) / kind / f"{url_name}.xml")
        if element.children or not self._archive.has(member):
            return element
        found = self._read(member, kind)
        found.attributes.setdefault("url_name", url_name)
        return found

    def _read(self, member: str, kind: str) -> Element:
        with self._archive.open(member) as stream:
            where = f"{self._name}: {member}"
            for element in read_elements(stream, frozenset({kind}), where):
                return element
        raise CatalogueError(f"{self._name}: {member} holds no <{kind}>")

    def _read_policy(self, run: str) -> dict[str, Any]:
        member = str(PurePosixPath(self._folder) / "policies" / run / "policy.json")
        if not self._archive.has(member):
            return {}
        with self._archive.open(member) as stream:
            try:
                found = orjson.loads(stream.read(_MAX_POLICY_BYTES))
            except orjson.JSONDecodeError as error:
                raise CatalogueError(f"{self._name}: {member} is not JSON ({error.msg})") from error
        return found if isinstance(found, dict) else {}


def read_olx(path: Path) -> Iterator[CatalogueItem]:
    """The course, then its items in its own order.

    Raises:
        CatalogueError: It is no course's OLX.
        ReadError: The archive or a file in it is damaged, or asks for what is refused.
    """
    with open_archive(path) as archive:
        course = _Course(path, archive)
        own = f"course-v1:{course.key}"
        before = course.said(course.root, "pre_requisite_courses")
        yield CatalogueItem(
            item=own,
            title=text_of(course.said(course.root, "display_name")),
            course=own,
            position=0,
            type="course",
            language=str(course.said(course.root, "language") or ""),
            available_from=_moment(course.said(course.root, "start")),
            publisher=course.org,
            prerequisites=tuple(str(one) for one in before) if isinstance(before, list) else (),
        )
        for place, item in enumerate(_items(course, course.root, _Place(), own), 1):
            yield replace(item, position=place)


def _items(course: _Course, element: Element, place: _Place, own: str) -> Iterator[CatalogueItem]:
    for child in course.children(element):
        here = _within(course, child, place)
        if child.name in _CONTAINERS:
            yield from _items(course, child, here, own)
            continue
        yield CatalogueItem(
            item=course.usage_key(child),
            title=text_of(course.said(child, "display_name")),
            course=own,
            section=here.section,
            type=child.name,
            prerequisites=here.needs,
            available_from=here.start,
            hidden=here.hidden,
        )
        if child.name in _RANDOM:
            yield from _items(course, child, here, own)


def _within(course: _Course, element: Element, place: _Place) -> _Place:
    """The place of what stands in an element."""
    title = text_of(course.said(element, "display_name"))
    sources = str(element.attributes.get("sources") or "") if element.name == "conditional" else ""
    staff = course.said(element, "visible_to_staff_only")
    return _Place(
        section=title if element.name in {"chapter", "sequential"} and title else place.section,
        hidden=place.hidden or str(staff).casefold() == "true",
        start=_moment(course.said(element, "start")) or place.start,
        needs=(*place.needs, *(one.strip() for one in sources.split(";") if one.strip())),
    )


def _moment(value: object) -> str:
    """A date, without the quotes that OLX puts around it."""
    return str(value).strip('"') if value else ""
