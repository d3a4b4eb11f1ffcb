"""What Sakai's events and grades have in common: who learns where, and the names of items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Only
from platform_adapters.declared_side import Side
from platform_adapters.fields import Join

if TYPE_CHECKING:
    from platform_adapters.fields import Field

_ASSIGNMENT = re.compile(r"(/assignment)/\w+/([^/]+)/([^/]+)")
_STUDENTS = {"access", "Student", "student", "Learner"}
_MEMBERS = Side(
    what="the members of Sakai's sites",
    marks={"site_id", "user_id", "role_name"},
    key=("site_id", "user_id"),
    needed="it alone tells students from instructors",
)


def student(site: Field, who: Field) -> Only:
    """Nobody but students of a site."""
    role = Join(_MEMBERS, (site, who), "role_name")
    return Only(role, _STUDENTS, "somebody who is no student of the site")


def assignment(reference: str | None) -> str:
    """The assignment of a reference to it or to a submission to it."""
    found = _ASSIGNMENT.match(reference or "")
    return f"/assignment/a/{found.group(2)}/{found.group(3)}" if found else ""
