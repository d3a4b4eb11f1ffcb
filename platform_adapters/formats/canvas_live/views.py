"""What is opened: `asset_accessed`.

A page that lists things (`asset_subtype`) is no item; in a course it is a view of the course.
Ids of different kinds of things overlap, so an item is `assignment:<id>`, `wiki_page:<id>` and so
on; a course is its bare id.

Example: Ana opened the page `wiki_page:21070000000000009`.
"""

from __future__ import annotations

import re

from platform_adapters.errors import RecordError
from platform_adapters.formats.canvas_live.words import STUDENT, Event, Outcome, Rule

_KIND = re.compile(r"[a-z_]{1,60}")


def _asset(event: Event) -> Outcome:
    role = event.body.get("role") or event.metadata.get("context_role")
    if role != STUDENT:
        return {"ignore": "seen by somebody who is no student"}
    kind = str(event.body.get("asset_type") or "").removeprefix("quizzes:")
    if kind == "course":
        return {"item": event.id("asset_id") or event.course}
    if event.body.get("asset_subtype"):
        return {"ignore": "a page that lists things"}
    asset = event.id("asset_id")
    if not _KIND.fullmatch(kind) or not asset:
        raise RecordError("body.asset_type or body.asset_id is missing")
    stronger = {"participate": "interacted", "submit": "submitted"}
    verb = stronger.get(str(event.body.get("level")), "viewed")
    return {"verb": verb, "item": f"{kind}:{asset}"}


RULES = {"asset_accessed": Rule("viewed", (), (), _asset)}
