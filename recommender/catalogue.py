"""What can be recommended: the catalogue table of one platform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One row of the catalogue table.

    Attributes:
        item: The platform's stable item id.
        title: Title as shown to learners.
        description: Plain text, may be empty.
        url: Where the platform shows the item, may be empty.
        content_key: Global identifier by which platforms share the item; empty if none.
        course: Course id, or empty.
        section: Section title, or empty.
        position: Place in the course's own order, from 0; None if unknown.
        type: The platform's kind of item; `course` for course-level entries.
        language: BCP 47 tag, or empty.
        duration_minutes: Expected time; None if unknown.
        skills: Competency ids.
        prerequisites: Item or skill ids that come first.
        available_from: ISO 8601, or empty.
        available_until: ISO 8601, or empty.
        publisher: Name, or empty.
        hidden: Hidden from learners in the platform; such an item is never served.
    """

    item: str
    title: str = ""
    description: str = ""
    url: str = ""
    content_key: str = ""
    course: str = ""
    section: str = ""
    position: int | None = None
    type: str = ""
    language: str = ""
    duration_minutes: float | None = None
    skills: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    available_from: str = ""
    available_until: str = ""
    publisher: str = ""
    hidden: bool = False
