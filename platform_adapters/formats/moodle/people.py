"""Who teaches or manages where: roles, by context; names of people are not read.

Example: user 3 is an editing teacher in the context of course 7.
"""

from __future__ import annotations

from platform_adapters.formats.moodle.words import Place, Table

TEACHING = frozenset({"manager", "coursecreator", "editingteacher", "teacher"})
"""Archetypes of roles that do not learn; a site's own roles are made from one of them."""

TABLES = {
    "role_assignments": Table(
        "roleid contextid userid",
        "roleid contextid userid",
        places=(Place("course/roles.xml", "assignment"),),
    ),
    "role": Table(
        "id shortname archetype", "id shortname archetype", places=(Place("roles.xml", "role"),)
    ),
    "context": Table("id contextlevel instanceid path", "id contextlevel instanceid"),
    "user": Table("id username", "id username"),
}
