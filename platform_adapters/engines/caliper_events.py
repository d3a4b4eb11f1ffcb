"""Caliper 1.1 and 1.2 events as what `formats/caliper/` says that they mean.

The learner of a grade is the attempt's assignee; a membership that does not say Learner makes no
learner of a teacher; `eventTime` counts, `sendTime` is the courier's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_adapters.contract import NAMED, AdaptOptions, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.formats.caliper.canvas import enrolment, is_list, notes_of
from platform_adapters.formats.caliper.openedx import is_openedx, plain_ids
from platform_adapters.formats.caliper.words import GRADES, iri, kind_of, known_as, last_of
from platform_adapters.values import (
    Clock,
    duration,
    get,
    hashed,
    identifier,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_adapters.contract import Json
    from platform_adapters.formats.caliper.words import Event, Outcome

_WORD = re.compile(r"[A-Za-z]{1,40}")
_COURSES = frozenset({"CourseOffering", "CourseSection"})
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Words:
    """What types and actions mean.

    Attributes:
        actions: Verbs, by type of event and action.
        untyped: The same for events without a type, by type of their object.
        no_learning: Why all events of a type are no learning.
        outcomes: What events of a type say beside who did what.
    """

    actions: Mapping[str, Mapping[str, str]]
    untyped: Mapping[str, Mapping[str, str]]
    no_learning: Mapping[str, str]
    outcomes: Mapping[str, Callable[[Event], Outcome]]

    def verb(self, kind: str, action: str, event: Event) -> str | None:
        """The verb of an event; None if it is no learning."""
        if kind == "Event":
            return self.untyped.get(kind_of(event.get("object")), {}).get(action)
        return self.actions.get(kind, {}).get(action)

    def reason(self, kind: str, action: str) -> str:
        """Why an event is no learning."""
        if kind in self.no_learning:
            return self.no_learning[kind]
        if _WORD.fullmatch(kind) and _WORD.fullmatch(action):
            return f"no learning event: {kind} {action}"
        return "no learning event"


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
    notes = notes_of(group)
    if get(notes, "context_type") == "Course" and get(notes, "entity_id"):
        return identifier(get(notes, "entity_id"), "group.extensions entity_id")
    return known_as(group, "group.id") if kind_of(group) in _COURSES and iri(group) else ""


class CaliperSession:
    """One import of Caliper events."""

    def __init__(self, options: AdaptOptions, words: Words) -> None:
        self._words = words
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
        if kind == "Event" and notes_of(record.get("object")):
            return self._enrolment(record, action, line)
        verb = self._words.verb(kind, action, record)
        if verb is None:
            return Ignored(self._words.reason(kind, action), line)
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
        outcome = self._words.outcomes.get(kind)
        values = {**(outcome(event) if outcome else {}), **attempt_of(attempt)}
        thing = event.get("object")
        if kind_of(thing) in _COURSES or get(notes_of(thing), "asset_type") == "course":
            course = course or item
        if is_openedx(event):
            item, parent, course = plain_ids(item, parent, course)
        return self._row(
            event, learner, item, verb=values.pop("verb", verb), course=course,
            parent_item="" if parent in {item, course} else parent,
            source=f"caliper:{kind}.{action}", **values,
        )  # fmt: skip

    def _enrolment(self, event: Event, action: str, line: int) -> Interaction | Ignored:
        verb = enrolment(event, action)
        if not verb:
            return Ignored(self._words.reason("Event", action), line)
        if verb == "-":
            return Ignored("enrolment changed, but neither begun nor ended", line)
        notes = notes_of(event.get("object"))
        course = known_as(get(notes, "course_id"), "object.extensions course_id")
        learner = known_as(get(notes, "user_id"), "object.extensions user_id")
        return self._row(
            event, learner, course, verb=verb, course=course, source="caliper:enrolment"
        )

    def _row(self, event: dict[str, Any], learner: str, item: str, **values: Any) -> Interaction:  # noqa: ANN401 - fields of the row
        own = iri(event)
        named = own if own.startswith("urn:uuid:") else ""
        return Interaction(
            event_id=f"{NAMED}caliper:{named.lower()}" if named else hashed(event),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(event.get("eventTime")),
            order=None,
            session=iri(event.get("session")),
            **values,
        )


def _nobodys(event: dict[str, Any], kind: str) -> str:
    """Why the event is no learner's; empty if it may be."""
    if kind in GRADES:
        return ""
    if is_learner(event) is False:
        return "by somebody who is no learner"
    if kind_of(event.get("actor")) not in {"", "Person"}:
        return "done by software"
    if is_list(event.get("object")):
        return "a page that lists things"
    if kind == "NavigationEvent" and notes_of(event.get("object")) and is_learner(event) is None:
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


def attempt_of(attempt: dict[str, Any]) -> Outcome:
    """Number and duration of an attempt; nothing if there is none."""
    if not attempt:
        return {}
    count = number(attempt.get("count"), "attempt.count")
    whole = int(count) if count is not None and count >= 1 else None
    return {"attempt": whole, "duration_seconds": _taken(attempt)}


def _taken(attempt: dict[str, Any]) -> float | None:
    """How long an attempt took: as it says, or from its start to its end."""
    said = duration(attempt.get("duration"), "attempt.duration")
    start, end = attempt.get("startedAtTime"), attempt.get("endedAtTime")
    if said is not None or not start or not end:
        return said
    clock = Clock("UTC", "attempt.startedAtTime or endedAtTime")
    return float(max(0, clock.seconds(end) - clock.seconds(start)))
