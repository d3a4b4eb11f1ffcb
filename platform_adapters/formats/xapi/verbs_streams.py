"""Verbs of Activity Streams, in both of their addresses.

Example: "submit" is what Ana did with her essay.
"""

from __future__ import annotations

_STREAMS = "http://activitystrea.ms/schema/1.0/"
_SHORT = "http://activitystrea.ms/"

VERBS = {
    _STREAMS + "access": "viewed",
    _STREAMS + "complete": "completed",
    _STREAMS + "create": "interacted",
    _STREAMS + "join": "enrolled",
    _STREAMS + "leave": "unenrolled",
    _STREAMS + "read": "viewed",
    _STREAMS + "save": "interacted",
    _STREAMS + "start": "started",
    _STREAMS + "submit": "submitted",
    _STREAMS + "watch": "viewed",
    _SHORT + "comment": "interacted",
    _SHORT + "create": "interacted",
    _SHORT + "join": "enrolled",
    _SHORT + "leave": "unenrolled",
    _SHORT + "start": "started",
    _SHORT + "submit": "submitted",
}
