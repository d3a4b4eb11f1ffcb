"""What Kolibri's CSV exports have in common.

They come in the language of the device, and name learners only within their facility; somebody with
two roles stands twice in them.
"""

from __future__ import annotations

from functools import partial

from platform_adapters.declared_rows import Only, Rows
from platform_adapters.fields import Apply
from platform_adapters.formats.kolibri.words import LEARNERS

COLUMNS = ("Username", "User type", "Content id", "Time of first interaction", "Progress (0-1)")


def _within(facility: object, name: object) -> object:
    """User names are unique in a facility only."""
    return f"{facility}/{name}" if name and facility else None


log = partial(
    Rows,
    kinds=("csv",),
    learner=Apply(_within, ("Facility name", "Username")),
    item="Content id",
    rules=(Only("User type", LEARNERS, "somebody with a role, who is no learner"),),
    fields={
        "course": "Channel id",
        "duration_seconds": "Time Spent (sec)",
        "progress": "Progress (0-1)",
    },
)
"""A log, of which these stand in the same places in each."""
