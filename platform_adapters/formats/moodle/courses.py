"""Courses, their sections and modules: what is seen of them, and the catalogue's tables.

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle.words import Place, Row, Rule, Table, says

if TYPE_CHECKING:
    from platform_adapters.readers.xml_elements import Element


def _kind(element: Element) -> Row:
    return {"module": element.get("modulename"), "modname": element.get("modulename")}


LOG_RULES = {"\\core\\event\\course_viewed": Rule("viewed", about="course")}
VIEWED = Rule("viewed")
"""Any module's `course_module_viewed`."""

SENTENCES = (
    says(r"viewed the '\w+' activity with course module id", "viewed"),
    says(r"(has )?viewed the (chapter|content page|discussion|page) with (the )?id", "viewed"),
    says(r"viewed the (section number '\d+' of the )?course with id", "viewed", about_course=True),
)
_SECTION = {"section": "number", "availability": "availabilityjson"}
TABLES = {
    "course_modules": Table(
        "id course module instance section idnumber visible visibleoncoursepage completion "
        "availability deletioninprogress lang",
        "id course module instance",
        places=(Place("activities/*/module.xml", "module", {"section": "sectionid"}, made=_kind),),
    ),
    "modules": Table("id name"),
    "course": Table(
        "id fullname idnumber summary sortorder visible lang",
        "id fullname shortname",
        places=(Place("course/course.xml", "course"),),
    ),
    "course_sections": Table(
        "id course section name sequence visible availability",
        "id course section sequence",
        places=(Place("sections/*/section.xml", "section", _SECTION),),
    ),
}
