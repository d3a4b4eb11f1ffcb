"""Caliper's entities, and what an event says beside who did what: ids, scores, times, progress."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_adapters.values import Clock, duration, get, identifier, number, ratio

if TYPE_CHECKING:
    from platform_adapters.contract import Json

_CANVAS = re.compile(r"urn:instructure:canvas:([A-Za-z_]{1,40}):(\d{1,20})")
_CANVAS_KINDS = {
    "wikiPage": "wiki_page",
    "discussion": "discussion_topic",
    "discussionTopic": "discussion_topic",
}
GRADES = frozenset({"GradeEvent", "OutcomeEvent"})


def iri(entity: object) -> str:
    """An entity's id, whether it is an object or a bare IRI; empty if there is none."""
    found = entity if isinstance(entity, str) else get(entity, "id") or get(entity, "@id")
    return found.strip() if isinstance(found, str) else ""


def known_as(entity: object, field: str) -> str:
    """The id under which we know an entity; Canvas's are those of its Live Events.

    Raises:
        RecordError: There is none, or it is longer than 1,024 bytes.
    """
    own = identifier(iri(entity), field)
    canvas = _CANVAS.fullmatch(own)
    if canvas is None:
        return own
    kind, local = canvas.groups()
    if kind in {"user", "course"}:
        return local
    return f"{_CANVAS_KINDS.get(kind, kind)}:{local}"


def kind_of(entity: object) -> str:
    """An entity's type, the IRI's last part if it is one; empty if unknown."""
    found = get(entity, "type") or get(entity, "@type")
    return last_of(found) if isinstance(found, str) else ""


def last_of(text: str) -> str:
    """The last part of an IRI; a word stays as it is."""
    return re.split(r"[#/]", text.strip())[-1]


def outcome_of(event: dict[str, Any], kind: str, attempt: dict[str, Any]) -> dict[str, Any]:
    """Scores, durations, progress: what the event says beside who did what."""
    found: dict[str, Any] = {}
    generated = event.get("generated")
    if kind in GRADES:
        generated = get(generated, "score") or generated
        raw = number(get(generated, "scoreGiven"), "generated.scoreGiven")
        high = number(get(generated, "maxScore"), "generated.maxScore")
        low = 0.0 if raw is not None else None
        found = {"raw": raw, "min": low, "max": high, "score": ratio(raw, low, high)}
    elif kind == "MediaEvent":
        now = duration(get(event.get("target"), "currentTime"), "target.currentTime")
        found["progress"] = ratio(
            now, 0.0, duration(get(event.get("object"), "duration"), "duration")
        )
    elif kind == "ToolUseEvent" and kind_of(generated) == "AggregateMeasureCollection":
        found = _measures(generated)
    if attempt:
        count = number(attempt.get("count"), "attempt.count")
        found["attempt"] = int(count) if count is not None and count >= 1 else None
        found["duration_seconds"] = _taken(attempt)
    return found


def _taken(attempt: dict[str, Any]) -> float | None:
    """How long an attempt took: as it says, or from its start to its end."""
    said = duration(attempt.get("duration"), "attempt.duration")
    start, end = attempt.get("startedAtTime"), attempt.get("endedAtTime")
    if said is not None or not start or not end:
        return said
    clock = Clock("UTC", "attempt.startedAtTime or endedAtTime")
    return float(max(0, clock.seconds(end) - clock.seconds(start)))


def _measures(collection: Json) -> dict[str, Any]:
    """What a tool has summed up: minutes on task, units completed of all."""
    found: dict[str, Any] = {"evidence": "aggregate", "verb": "progressed"}
    items = get(collection, "items")
    for measure in items if isinstance(items, list) else []:
        value = number(get(measure, "metricValue"), "metricValue")
        metric = get(measure, "metric")
        if metric == "MinutesOnTask" and value is not None and value >= 0:
            found["duration_seconds"] = value * 60
        elif metric == "UnitsCompleted":
            most = number(get(measure, "maxMetricValue"), "maxMetricValue")
            found["progress"] = ratio(value, 0.0, most)
    return found
