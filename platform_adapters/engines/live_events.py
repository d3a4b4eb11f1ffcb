"""Canvas Live Events, `{metadata, body}`, as what `formats/canvas_live/` says that they mean.

The learner stands in the body; `metadata.user_id` is whoever acted, a grader for grades.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.contract import AdaptOptions, Failure, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.formats.canvas_ids import global_id, shard_of
from platform_adapters.formats.canvas_live.words import Event, Rule, Told
from platform_adapters.readers.files import holds
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock, get, hashed, text_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platform_adapters.contract import Json

_SAFE_NAME = re.compile(r"[a-z_]{1,60}")
_ASSIGNMENTS = ("assignment_created", "assignment_updated")
_USERS = ("user_created", "user_updated")
_TOLD = tuple(f'"{name}"'.encode() for name in (*_ASSIGNMENTS, *_USERS))


class LiveEventSession:
    """One import of Live Events, with what some of them tell about others."""

    def __init__(self, options: AdaptOptions, told: Told, rules: Mapping[str, Rule]) -> None:
        self._told = told
        self._rules = rules
        self._clock = Clock(options.timezone, "metadata.event_time")

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        event = open_event(record, self._told)
        rule = self._rules.get(event.name)
        if rule is None:
            return Ignored(_reason_for(event.name), line)
        real = event.metadata.get("real_user_id")
        if real and real != event.metadata.get("user_id"):
            return Ignored("somebody acted as the learner", line)
        values = {"verb": rule.verb, **(rule.outcome(event) if rule.outcome else {})}
        if "ignore" in values:
            return Ignored(str(values["ignore"]), line)
        learner = values.pop("learner", "") or _learner(rule, event)
        if not learner:
            return Ignored("no user named", line)
        course = values.pop("course", "") or event.course
        item = values.pop("item", "") or _item(rule, event, course)
        if not item:
            return Ignored("no item named", line)
        session = event.metadata.get("session_id")
        return Interaction(
            event_id=hashed(record),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(event.metadata.get("event_time")),
            order=None,
            course=course,
            session=session if isinstance(session, str) else "",
            source=f"canvas:{event.name}",
            **values,
        )


def _learner(rule: Rule, event: Event) -> str:
    if rule.learner:
        return event.id(*rule.learner)
    return global_id(event.metadata.get("user_id"), event.shard, "metadata.user_id")


def _item(rule: Rule, event: Event, course: str) -> str:
    if not rule.item:
        return course
    kind, field = rule.item
    found = event.id(field)
    return f"{kind}:{found}" if found else ""


def open_event(record: Json, told: Told) -> Event:
    """Check an event's frame.

    Raises:
        RecordError: It is not `{metadata: {event_name, ...}, body}`.
    """
    metadata, body = get(record, "metadata"), get(record, "body")
    name = get(metadata, "event_name")
    if not isinstance(metadata, dict) or not isinstance(body, dict) or not isinstance(name, str):
        raise RecordError("not a Live Event: metadata.event_name or body is missing")
    return Event(name, metadata, body, shard_of(metadata), told)


def _reason_for(name: str) -> str:
    if name == "discussion_entry_submitted":
        return "an entry in a graded discussion: discussion_entry_created tells it"
    return f"no learning event: {name}" if _SAFE_NAME.fullmatch(name) else "no learning event"


def listen(path: Path, told: Told) -> None:
    """Note points and users; only files that hold such events are parsed."""
    if not holds(path, *_TOLD):
        return
    for _, record in read_json(path):
        name = get(record, "metadata", "event_name")
        if isinstance(record, Failure) or name not in (*_ASSIGNMENTS, *_USERS):
            continue
        try:
            event = open_event(record, told)
            if name in _USERS:
                user, uuid = event.id("user_id"), event.body.get("uuid")
                if user and isinstance(uuid, str):
                    told.users[uuid] = user
                continue
            high = text_number(event.body.get("points_possible"), "body.points_possible")
            assignment = event.id("assignment_id")
        except RecordError:
            continue  # counted when the record is converted
        if high is not None and assignment:
            told.points[assignment] = high
