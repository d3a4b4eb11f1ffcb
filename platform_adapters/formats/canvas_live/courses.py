"""Enrolments, and how far somebody is in a course.

Who is no student, by kind of enrolment, is no learner.

Example: Ana has met 3 of 8 requirements of course 46.
"""

from __future__ import annotations

from platform_adapters.formats.canvas_live.words import STUDENT, Event, Outcome, Rule
from platform_adapters.values import get, number, ratio, share


def _enrolment(event: Event) -> Outcome:
    if event.body.get("type") != STUDENT:
        return {"ignore": "enrolment of somebody who is no student"}
    state = str(event.body.get("workflow_state"))
    if state in {"deleted", "inactive", "rejected"}:
        return {"verb": "unenrolled"}
    if event.name == "enrollment_updated" and state != "active":
        return {"ignore": "enrolment changed, but neither begun nor ended"}
    return {}


def _progress(event: Event) -> Outcome:
    done = number(get(event.body, "progress", "requirement_completed_count"), "completed count")
    total = number(get(event.body, "progress", "requirement_count"), "requirement count")
    if event.name == "course_completed":
        return {"completion": True, "progress": share(ratio(done, 0.0, total))}
    return {"progress": ratio(done, 0.0, total)}


RULES = {
    "enrollment_created": Rule("enrolled", ("user_id",), (), _enrolment),
    "enrollment_updated": Rule("enrolled", ("user_id",), (), _enrolment),
    "course_progress": Rule("progressed", ("user", "id"), (), _progress),
    "course_completed": Rule("completed", ("user", "id"), (), _progress),
}
