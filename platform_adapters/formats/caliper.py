"""Caliper 1.1 and 1.2: envelopes `{sensor, sendTime, dataVersion, data}`, or events alone.

After the specification and what Canvas, Blackboard and Open edX send. What is kept here:

- the learner of a grade is the attempt's assignee; the actor is a grader, or software;
- a membership that does not say Learner makes no learner of a teacher;
- every entity may be an object or a bare IRI, and an event may hold nothing but IRIs;
- `eventTime` counts, `sendTime` is the courier's;
- what a tool sums up (minutes on task) is marked as an aggregate, not as an event seen;
- Canvas's ids are those of its Live Events, so that one learner is one, whichever was exported, and
  like there a course's pages (home, modules) are views of the course.

Example: Ana was given 15 of 20 points for her second attempt at *Quiz 3*.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.catalogues import table as catalogues_table
from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.formats.caliper_actions import ACTIONS, NO_LEARNING
from platform_adapters.formats.caliper_entities import (
    GRADES,
    iri,
    kind_of,
    known_as,
    last_of,
    outcome_of,
)
from platform_adapters.formats.xapi.openedx import plain_id
from platform_adapters.readers.files import Position, open_bytes, read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import (
    Clock,
    event_id,
    event_namespace,
    get,
    hashed,
    identifier,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record

MAX_WHOLE_BYTES = 16 << 20
"""Largest envelope that is written over several lines; it is parsed as a whole."""

_OPENEDX = "event-routing-backends"
_CANVAS_NOTES = "com.instructure.canvas"
_WORD = re.compile(r"[A-Za-z]{1,40}")
_COURSE_ACTIONS = {"Activated": "enrolled", "Deactivated": "unenrolled", "Completed": "completed"}
_HELP = re.compile(r"/(?:hint/[^/]+|solution|answer)$")
_COURSES = frozenset({"CourseOffering", "CourseSection"})
_MAX_DEPTH = 8


def is_learner(event: dict[str, Any]) -> bool | None:
    """Whether the membership says Learner; None if it says nothing."""
    roles = get(event.get("membership"), "roles")
    if not isinstance(roles, list) or not roles:
        return None
    return any(isinstance(role, str) and last_of(role) == "Learner" for role in roles)


def course_of(event: dict[str, Any]) -> str:
    """The course that the event's group is, or is part of; empty if it names none.

    Raises:
        RecordError: Its id is longer than 1,024 bytes.
    """
    group = event.get("group") or get(event.get("object"), "extensions", "isPartOf")
    if isinstance(group, str):
        return known_as(group, "group")
    inner = group
    for _ in range(_MAX_DEPTH):
        if not isinstance(inner, dict):
            break
        if kind_of(inner) == "CourseOffering":
            return known_as(inner, "group.id")
        inner = inner.get("subOrganizationOf")
        if isinstance(inner, str) and inner:
            return known_as(inner, "group.subOrganizationOf")
    # Canvas names the section and says the course in its notes.
    notes = get(group, "extensions", _CANVAS_NOTES)
    if get(notes, "context_type") == "Course" and get(notes, "entity_id"):
        return identifier(get(notes, "entity_id"), "group.extensions entity_id")
    return known_as(group, "group.id") if kind_of(group) in _COURSES and iri(group) else ""


class CaliperSession:
    """One import of Caliper events."""

    def __init__(self, options: AdaptOptions) -> None:
        self._namespace = event_namespace(options.platform)
        self._clock = Clock(options.timezone, "eventTime")

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if not isinstance(record, dict):
            raise RecordError("the record is not a JSON object")
        kind, action = kind_of(record), record.get("action")
        if "eventTime" not in record and "action" not in record and kind:
            return Ignored("describes an entity, no event", line)
        if not kind or not isinstance(action, str) or not action:
            raise RecordError("type or action is missing: not a Caliper 1.1 or 1.2 event")
        action = last_of(action)
        if kind == "Event" and get(record.get("object"), "extensions", _CANVAS_NOTES):
            return self._of_canvas(record, action, line)
        verb = _untyped(record, action) if kind == "Event" else ACTIONS.get(kind, {}).get(action)
        if verb is None:
            return Ignored(_reason(kind, action), line)
        told = _nobodys(record, kind)
        if told:
            return Ignored(told, line)
        return self._interaction(record, kind, action, verb, line)

    def _interaction(
        self, event: dict[str, Any], kind: str, action: str, verb: str, line: int
    ) -> Interaction | Ignored:
        attempt = _attempt(event)
        learner = _learner(event, kind, attempt)
        if learner is None:
            return Ignored("names no learner: the attempt is an IRI alone", line)
        item, parent = _place(event, attempt)
        course = course_of(event)
        values = outcome_of(event, kind, attempt)
        notes = get(event.get("object"), "extensions", _CANVAS_NOTES)
        if kind_of(event.get("object")) in _COURSES or get(notes, "asset_type") == "course":
            course = course or item
        if str(get(event.get("extensions"), "transformerVersion")).startswith(_OPENEDX):
            item, parent, course = (plain_id(one) for one in (item, parent, course))
            item = _HELP.sub("", item)
        return self._row(
            event, learner, item, verb=values.pop("verb", verb), course=course,
            parent_item="" if parent in {item, course} else parent,
            source=f"caliper:{kind}.{action}", **values,
        )  # fmt: skip

    def _of_canvas(self, event: dict[str, Any], action: str, line: int) -> Interaction | Ignored:
        """Canvas's untyped events: of these, a student's enrolment is the one about learning."""
        notes = get(event.get("object"), "extensions", _CANVAS_NOTES)
        if get(notes, "type") != "StudentEnrollment" or action not in {"Created", "Modified"}:
            return Ignored(_reason("Event", action), line)
        state = str(get(notes, "workflow_state"))
        left = state in {"deleted", "inactive", "rejected"}
        if action == "Modified" and not left and state != "active":
            return Ignored("enrolment changed, but neither begun nor ended", line)
        course = known_as(get(notes, "course_id"), "object.extensions course_id")
        learner = known_as(get(notes, "user_id"), "object.extensions user_id")
        verb = "unenrolled" if left else "enrolled"
        return self._row(
            event, learner, course, verb=verb, course=course, source="caliper:enrolment"
        )

    def _row(self, event: dict[str, Any], learner: str, item: str, **values: Any) -> Interaction:  # noqa: ANN401 - fields of the row
        own = iri(event)
        named = own if own.startswith("urn:uuid:") else ""
        return Interaction(
            event_id=event_id(self._namespace, f"caliper:{named.lower()}")
            if named
            else hashed(event),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(event.get("eventTime")),
            order=None,
            session=iri(event.get("session")),
            **values,
        )


def _untyped(event: dict[str, Any], action: str) -> str | None:
    """What an event without a type means, by what it is about: a test; a course of Open edX."""
    kind = kind_of(event.get("object"))
    if kind in {"Assessment", "AssessmentItem"}:
        return ACTIONS[f"{kind}Event"].get(action)
    if kind == "CourseOffering":
        return _COURSE_ACTIONS.get(action)
    return "hinted" if (kind, action) == ("Annotation", "Viewed") else None


def _reason(kind: str, action: str) -> str:
    if kind in NO_LEARNING:
        return NO_LEARNING[kind]
    if _WORD.fullmatch(kind) and _WORD.fullmatch(action):
        return f"no learning event: {kind} {action}"
    return "no learning event"


def _nobodys(event: dict[str, Any], kind: str) -> str:
    """Why the event is no learner's; empty if it may be."""
    if kind in GRADES:
        return ""
    if is_learner(event) is False:
        return "by somebody who is no learner"
    if kind_of(event.get("actor")) not in {"", "Person"}:
        return "done by software"
    notes = get(event.get("object"), "extensions", _CANVAS_NOTES)
    if get(notes, "asset_subtype") and get(notes, "asset_type") != "course":
        return "a page that lists things"
    if kind == "NavigationEvent" and notes and is_learner(event) is None:
        return "seen by somebody whose role is not said"
    return ""


def _attempt(event: dict[str, Any]) -> dict[str, Any]:
    """The attempt that the event is about or makes; empty if there is none, or an IRI alone."""
    for entity in (
        event.get("object"),
        event.get("generated"),
        get(event.get("generated"), "attempt"),
    ):
        if isinstance(entity, dict) and kind_of(entity) == "Attempt":
            # Open edX puts its parts among the extensions.
            more = entity.get("extensions")
            return {**more, **entity} if isinstance(more, dict) else entity
    return {}


def _learner(event: dict[str, Any], kind: str, attempt: dict[str, Any]) -> str | None:
    """Whom the event is about; None if it does not say.

    Raises:
        RecordError: There is no actor.
    """
    assignee = attempt.get("assignee") or attempt.get("actor")
    if assignee:
        return known_as(assignee, "attempt.assignee")
    actor = known_as(event.get("actor"), "actor")
    return None if kind in GRADES else actor


def _place(event: dict[str, Any], attempt: dict[str, Any]) -> tuple[str, str]:
    """Item and what it is part of; of an attempt, what was attempted.

    Raises:
        RecordError: There is no object, or an id is longer than 1,024 bytes.
    """
    thing = event.get("object")
    if kind_of(thing) == "Attempt":
        thing = attempt.get("assignable") or thing
    outer = get(thing, "isPartOf")
    if kind_of(thing) == "Message" and iri(outer):
        thing, outer = (
            outer,
            get(outer, "isPartOf"),
        )  # a message is its author's, a thread everyone's
    parent = known_as(outer, "object.isPartOf") if iri(outer) else ""
    return known_as(thing, "object"), parent


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs hold events; a file without any is our own catalogue table."""
    logs = [path for path in paths if b'"eventTime"' in read_start(path)]
    return logs or list(paths), [path for path in paths if logs and path not in logs]


def prepare(paths: Sequence[Path], options: AdaptOptions) -> CaliperSession:
    """Nothing need be known before the first event."""
    del paths
    return CaliperSession(options)


def records(path: Path) -> Iterator[Record]:
    """Events, each with the line (in an array: the number) of its envelope.

    Raises:
        ReadError: The file is damaged.
    """
    for line, value in _values(path):
        data = get(value, "data")
        if isinstance(data, list):
            for event in data:
                yield line, event
        else:
            yield line, value


def _values(path: Path) -> Iterator[Record]:
    """Envelopes: one a line, in an array, or a single one over several lines."""
    start = read_start(path)
    first = start.lstrip().partition(b"\n")[0]
    if start.lstrip()[:1] != b"{" or _is_json(first):
        return read_json(path)
    with open_bytes(path, Position()) as stream:
        whole = stream.read(MAX_WHOLE_BYTES + 1)
    if len(whole) <= MAX_WHOLE_BYTES and _is_json(whole):
        return iter([(1, orjson.loads(whole))])
    return read_json(path)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


FORMAT = Format(
    name="caliper",
    summary="Caliper 1.1 and 1.2 envelopes or events, Canvas's too (JSON lines, arrays; .gz)",
    tried_on="fixtures of 1EdTech and of a publisher (86 files), the 35 events of "
    "event-routing-backends' tests (Open edX), Canvas's documented examples; no live sensor's",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_table.read_catalogue,
    signs=(
        Sign(
            "Caliper events",
            frozenset({"eventTime", "actor", "action", "object"}),
            ("json",),
        ),
    ),
    example="Ana was given 15 of 20 points for her second attempt at *Quiz 3*.",
)
