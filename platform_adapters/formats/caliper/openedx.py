"""Open edX's dialect of Caliper: events without a type, ids that are addresses.

Example: Ana enrolled in `course-v1:Uni+Bio1+2026`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.formats.xapi.openedx import plain_id
from platform_adapters.values import get

if TYPE_CHECKING:
    from platform_adapters.formats.caliper.words import Event

_HELP = re.compile(r"/(?:hint/[^/]+|solution|answer)$")
UNTYPED = {
    "CourseOffering": {
        "Activated": "enrolled",
        "Deactivated": "unenrolled",
        "Completed": "completed",
    },
    "Annotation": {"Viewed": "hinted"},
}
"""What an event without a type means: type of its object, then action."""


def is_openedx(event: Event) -> bool:
    """Whether event-routing-backends made it."""
    return str(get(event.get("extensions"), "transformerVersion")).startswith(
        "event-routing-backends"
    )


def plain_ids(item: str, *others: str) -> tuple[str, ...]:
    """Ids of blocks and courses without their address; help is that of its problem."""
    return _HELP.sub("", plain_id(item)), *map(plain_id, others)
