"""What every kind of tracking event is said with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_adapters.values import number, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

Data: TypeAlias = dict[str, Any]
Outcome: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        about: `block`, `input`, `video`, `course`, `thread`, or `page` (of a textbook).
        outcome: Adds scores and the like; may change the verb, or give `ignore`.
    """

    verb: str
    about: str = "block"
    outcome: Callable[[Data], Outcome] | None = None


def points(data: Data, got: str, possible: str) -> Outcome:
    """Points from none to a maximum; 0 possible points give no score."""
    raw, high = number(data.get(got), f"data.{got}"), number(data.get(possible), f"data.{possible}")
    low = 0.0 if raw is not None else None
    return {"raw": raw, "min": low, "max": high, "score": ratio(raw, low, high)}


def done(_: Data) -> Outcome:
    """Of events that say that something is complete."""
    return {"completion": True}
