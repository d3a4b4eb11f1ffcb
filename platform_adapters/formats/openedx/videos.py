"""Videos, and pages of a PDF textbook.

Example: Ana paused the video *Cells* a third of the way through.
"""

from __future__ import annotations

from platform_adapters.formats.openedx.words import Data, Outcome, Rule, done
from platform_adapters.values import number, ratio


def _position(data: Data) -> Outcome:
    now = number(data.get("currentTime", data.get("new_time")), "data.currentTime")
    return {"progress": ratio(now, 0.0, number(data.get("duration"), "data.duration"))}


_MOVES = (
    (("load_video", "edx.video.loaded"), "viewed", None),
    (("play_video", "edx.video.played"), "started", _position),
    (("pause_video", "edx.video.paused"), "progressed", _position),
    (("seek_video", "edx.video.position.changed"), "progressed", _position),
    (("stop_video", "edx.video.stopped"), "progressed", _position),
    (("complete_video", "edx.video.completed"), "completed", done),
)
RULES = {
    **{name: Rule(verb, "video", way) for names, verb, way in _MOVES for name in names},
    "book": Rule("viewed", "page"),
}
