"""Who is enrolled in a course.

Example: Ana was enrolled in course 7 by her teacher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import words

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups


def _stored(row: words.Row, lookups: Lookups) -> words.Fact:
    course = lookups.enrolments.get(row["enrolid"], "")
    if not course:
        return words.none("enrolment whose course is not in enrol: pass that table too")
    time = words.latest(row, "timecreated", "timestart")
    return {
        "learner": row["userid"], "item": course, "course": course, "time": time, "verb": "enrolled"
    }  # fmt: skip


_EVENT = "\\core\\event\\user_enrolment_"
LOG_RULES = {
    _EVENT + "created": words.Rule(
        "enrolled", "relateduserid", "course", told=("enrolment", words.OF_OBJECT)
    ),
    _EVENT + "deleted": words.Rule("unenrolled", "relateduserid", "course"),
}
SENTENCES = (
    words.says(r"enrolled the user with id", "enrolled", about_course=True, learner=-1),
    words.says(r"unenrolled the user with id", "unenrolled", about_course=True, learner=-1),
)
_FILE = "course/enrolments.xml"
TABLES = {
    "user_enrolments": words.Table(
        "id enrolid userid timestart timecreated",
        "id enrolid userid status",
        places=(words.Place(_FILE, "enrolment", around={"enrolid": ("enrol", "id")}),),
        fact=_stored,
        versions=False,
        tells="enrolment",
        key=lambda row, _lookups: (row["id"],),
        changed=("timemodified", "timecreated"),
        example="Ana was enrolled in course 7 by her teacher.",
    ),
    "enrol": words.Table(
        "id enrol courseid", "id enrol courseid", places=(words.Place(_FILE, "enrol"),)
    ),
}
