"""What every Live Event is said with; ids of one thing, local and global, are made global."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_adapters.formats.canvas_ids import global_id
from platform_adapters.values import get, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome: TypeAlias = dict[str, Any]
STUDENT = "StudentEnrollment"


@dataclass(frozen=True, slots=True)
class Told:
    """What other events say that an event leaves out.

    Attributes:
        points: Maximum points of assignments, by global id.
        users: Ids of users, by `uuid`.
    """

    points: dict[str, float] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)  # not frozen: one is made for each record
class Event:
    """One Live Event, opened."""

    name: str
    metadata: dict[str, Any]
    body: dict[str, Any]
    shard: int
    told: Told

    def id(self, *path: str) -> str:
        """A global id from the body; empty if it is not there."""
        found = get(self.body, *path)
        return global_id(found, self.shard, "body", *path) if found is not None else ""

    @property
    def course(self) -> str:
        """The course, where the event names one."""
        found = self.id("course_id") or self.id("course", "id")
        if found:
            return found
        for around in (self.metadata, self.body):
            if around.get("context_type") == "Course":
                return global_id(around.get("context_id"), self.shard, "context_id")
        return ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        learner: Where in the body the learner stands; empty: whoever acted.
        item: Kind of item and where in the body its id stands; empty: the course.
        outcome: Adds scores and the like; may change the verb, or give `ignore`.
    """

    verb: str
    learner: tuple[str, ...]
    item: tuple[str, ...] = ()
    outcome: Callable[[Event], Outcome] | None = None


def points(raw: float | None, high: float | None) -> Outcome:
    """Points from none to a maximum."""
    low = 0.0 if raw is not None else None
    return {"raw": raw, "min": low, "max": high, "score": ratio(raw, 0.0, high)}
