"""Who is no learner in Moodle: guests, and who teaches or manages where something happened."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from platform_adapters.engines.moodle_tables import read_table
from platform_adapters.formats.moodle.people import TEACHING

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_tables import TableSource

_COURSE, _MODULE = 50, 70
_GUEST = "1"
"""The account that Moodle's installer makes first: the guest, on the oldest sites the operator."""


class People:
    """What `role_assignments`, `role`, `context` and `user` say of people."""

    def __init__(self, source: TableSource) -> None:
        self._source = source

    @cached_property
    def guests(self) -> frozenset[str]:
        """Ids of the guest account."""
        rows = read_table(self._source, "user", equal=("username", ("guest",)))
        return frozenset(row["id"] for row in rows) or frozenset({_GUEST})

    @cached_property
    def _teachers(self) -> dict[str, set[str]]:
        """Who teaches, by context."""
        rows = read_table(self._source, "role")
        roles = {row["id"] for row in rows if row.get("archetype") in TEACHING}
        found: dict[str, set[str]] = {}
        for row in read_table(self._source, "role_assignments"):
            if row["roleid"] in roles:
                found.setdefault(row["contextid"], set()).add(row["userid"])
        return found

    @cached_property
    def _contexts(self) -> dict[tuple[int, str], tuple[str, ...]]:
        """The context of each course and module where somebody teaches, and those around it."""
        found: dict[tuple[int, str], tuple[str, ...]] = {}
        for level in (_COURSE, _MODULE) if self._teachers else ():
            for row in read_table(self._source, "context", equal=("contextlevel", (level,))):
                around = tuple(part for part in row.get("path", "").split("/") if part)
                mine = [c for c in around or (row["id"],) if c in self._teachers]
                if mine:
                    found[level, row["instanceid"]] = tuple(mine)
        return found

    def teaches(self, user: str, course: str, module: str) -> bool:
        """Whether a user teaches a module, its course, or all courses around it."""
        places = self._contexts
        if not places:
            return False
        contexts = places.get((_COURSE, course), ()) + places.get((_MODULE, module), ())
        return any(user in self._teachers[context] for context in contexts)
