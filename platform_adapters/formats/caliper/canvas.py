"""Canvas's dialect of Caliper: what it says stands in the extensions of its entities.

Ids are those of its Live Events, so that one learner is one, whichever was exported; like there,
a course's pages (home, modules) are views of the course. Of its untyped events a student's
enrolment is the one about learning.

Example: Ana was enrolled in Canvas's course 565.
"""

from __future__ import annotations

import re
from typing import Any

from platform_adapters.values import get

_NOTES = "com.instructure.canvas"
_ID = re.compile(r"urn:instructure:canvas:([A-Za-z_]{1,40}):(\d{1,20})")
_KINDS = {
    "wikiPage": "wiki_page",
    "discussion": "discussion_topic",
    "discussionTopic": "discussion_topic",
}
_LEFT = frozenset({"deleted", "inactive", "rejected"})


def notes_of(entity: object) -> Any:  # noqa: ANN401 - JSON
    """What Canvas says of an entity; None if nothing."""
    return get(entity, "extensions", _NOTES)


def local_id(own: str) -> str:
    """An id of Canvas's as its Live Events have it; others stay as they are."""
    canvas = _ID.fullmatch(own)
    if canvas is None:
        return own
    kind, local = canvas.groups()
    return local if kind in {"user", "course"} else f"{_KINDS.get(kind, kind)}:{local}"


def is_list(thing: object) -> bool:
    """Whether it is a page that lists things and is no course's."""
    notes = notes_of(thing)
    return bool(get(notes, "asset_subtype")) and get(notes, "asset_type") != "course"


def enrolment(event: dict[str, Any], action: str) -> str:
    """The verb of a student's enrolment; `-` if it was changed otherwise, empty if it is none."""
    notes = notes_of(event.get("object"))
    if get(notes, "type") != "StudentEnrollment" or action not in {"Created", "Modified"}:
        return ""
    state = str(get(notes, "workflow_state"))
    if state in _LEFT:
        return "unenrolled"
    return "-" if action == "Modified" and state != "active" else "enrolled"
