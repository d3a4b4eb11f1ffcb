"""Films and sound: where somebody is in them.

Example: Ana paused the film *Cells* a third of the way through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.values import duration, get, ratio

if TYPE_CHECKING:
    from platform_adapters.formats.caliper.words import Event, Outcome

_MOVES = (
    *("Paused", "Resumed", "ForwardedTo", "JumpedTo", "Rewound", "Ended"),
    *("ChangedSpeed", "EnteredFullScreen", "ExitedFullScreen"),
)


def _position(event: Event) -> Outcome:
    now = duration(get(event.get("target"), "currentTime"), "target.currentTime")
    whole = duration(get(event.get("object"), "duration"), "duration")
    return {"progress": ratio(now, 0.0, whole)}


_STARTS = dict.fromkeys(("Started", "Restarted"), "started")
ACTIONS = {"MediaEvent": {**_STARTS, **dict.fromkeys(_MOVES, "progressed")}}
OUTCOMES = {"MediaEvent": _position}
