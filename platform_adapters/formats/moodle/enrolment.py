"""Who is enrolled in a course.

Example: Ana was enrolled in course 7 by her teacher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle.words import (
    OF_OBJECT,
    Fact,
    Place,
    Row,
    Rule,
    Table,
    latest,
    none,
    says,
)

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups


def _stored(row: Row, lookups: Lookups) -> Fact:
    course = lookups.enrolments.get(row["enrolid"], "")
    if not course:
        return none("enrolment whose course is not in enrol: pass that table too")
    time = latest(row, "timecreated", "timestart")
    return {
        "learner": row["userid"], "item": course, "course": course, "time": time, "verb": "enrolled"
    }  # fmt: skip


_EVENT = "\\core\\event\\user_enrolment_"
LOG_RULES = {
    _EVENT + "created": Rule("enrolled", "relateduserid", "course", told=("enrolment", OF_OBJECT)),
    _EVENT + "deleted": Rule("unenrolled", "relateduserid", "course"),
}
SENTENCES = (
    says(r"enrolled the user with id", "enrolled", about_course=True, learner=-1),
    says(r"unenrolled the user with id", "unenrolled", about_course=True, learner=-1),
)
_FILE = "course/enrolments.xml"
TABLES = {
    "user_enrolments": Table(
        "id enrolid userid timestart timecreated",
        "id enrolid userid status",
        places=(Place(_FILE, "enrolment", around={"enrolid": ("enrol", "id")}),),
        fact=_stored,
        versions=False,
        tells="enrolment",
        key=lambda row, _lookups: (row["id"],),
        changed=("timemodified", "timecreated"),
    ),
    "enrol": Table("id enrol courseid", "id enrol courseid", places=(Place(_FILE, "enrol"),)),
}
