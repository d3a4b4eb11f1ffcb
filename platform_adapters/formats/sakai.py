"""Sakai: `SAKAI_EVENT` with `SAKAI_SESSION`, the gradebook, and the members of sites, as CSV.

After Sakai's schema and the events that its Site Stats knows. What goes wrong in naive readers,
and is kept here:

- an event names no person: the session does, so `SAKAI_SESSION` is demanded;
- instructors read and submit, too: the members of sites with their roles are demanded;
- CONTEXT is the site, and may be empty where the reference names it;
- a grade's record is changed in place, so that its number does not tell a new grade from the old;
- a gradebook's item that another tool keeps up is that tool's: `EXTERNAL_ID` names it;
- records of categories and of the course's grade stand among those of items.

Example: Ana (in session 4f1c) opened the file `/group/bio101/week1.pdf` of site *bio101*.
"""

from __future__ import annotations

import re

from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Not, Only, Rows
from platform_adapters.fields import Apply, Field, Join, grade, graded

_SITE = re.compile(
    r"/(?:content/(?:group|attachment)|assignment/\w+|syllabus|forums/site|msgcntr/site|site|wiki/site)"
    r"/([^/,\s]+)|siteId=([^,\s]+)"
)
_ASSIGNMENT = re.compile(r"(/assignment)/\w+/([^/]+)/([^/]+)")
_ASSESSMENT = re.compile(r"publishedAssessmentId=(\w+)")
_SAMIGO = re.compile("samigo|quiz", re.IGNORECASE)
_SET = frozenset({"1", "true", "True", "t", "\x01"})
_STUDENTS = frozenset({"access", "Student", "student", "Learner"})
_NO_STUDENT = "somebody who is no student of the site"
_AUTHORED = "written by whoever teaches, not learning"


def _course(context: str | None, reference: str | None) -> str:
    """The site, from the reference where the event does not name it."""
    if context:
        return context
    found = _SITE.search(reference or "")
    return (found.group(1) or found.group(2)) if found else ""


def _assignment(reference: str | None) -> str:
    """The assignment of a reference to it or to a submission to it."""
    found = _ASSIGNMENT.match(reference or "")
    return f"/assignment/a/{found.group(2)}/{found.group(3)}" if found else ""


def _assessment(reference: str | None) -> str:
    found = _ASSESSMENT.search(reference or "")
    return f"assessment:{found.group(1)}" if found else ""


def _graded_item(number: str | None, external: str | None, tool: str | None) -> str:
    """What was graded, by the name that the log has for it where another tool keeps it up."""
    external = external or ""
    if external.startswith("/assignment/"):
        return _assignment(external)
    if external.isdigit() and _SAMIGO.search(tool or ""):
        return f"assessment:{external}"
    return f"gradebook:{number}" if number else ""


def _of_item(column: str) -> Join:
    return Join("items", "gradable_object_id", column)


_GRADED_SITE = Join("gradebooks", Apply(str, (_of_item("gradebook_id"),)), "gradebook_uid")
_SITE_OF = Apply(_course, ("context", "ref"))
_WHO = Join("sessions", "session_id", "session_user")


def _role(site: Field, who: Field) -> Join:
    return Join("members", Apply(lambda *key: key, (site, who)), "role_name")


_IN_SITE = Means("interacted", item=_SITE_OF)


def _on_assignment(verb: str) -> Means:
    return Means(verb, item=Apply(_assignment, ("ref",)))


def _on_assessment(verb: str) -> Means:
    return Means(verb, item=Apply(_assessment, ("ref",)))


FORMAT = Declared(
    name="sakai",
    summary="Sakai's SAKAI_EVENT with SAKAI_SESSION, gradebook tables, members of sites (CSV; .gz)",
    example="Ana (in session 4f1c) opened the file `/group/bio101/week1.pdf` of site *bio101*.",
    tried_on="never on a live site's log; written after Sakai's schema and list of events",
    fold=True,
    rows=(
        Rows(
            name="event",
            what="Sakai's table SAKAI_EVENT",
            marks=frozenset({"event_id", "event_date", "event", "ref", "session_id"}),
            learner=_WHO,
            item="ref",
            time="event_date",
            event="event",
            verbs={
                "pres.begin": Means("viewed", item=_SITE_OF),
                "content.read": "viewed",
                "webcontent.read": "viewed",
                "lessonbuilder.page.read": "viewed",
                "lessonbuilder.item.read": "viewed",
                "syllabus.read": "viewed",
                "wiki.read": "viewed",
                "basiclti.launch": "started",
                "asn.read.assignment": _on_assignment("viewed"),
                "asn.save.submission": _on_assignment("progressed"),
                "asn.submit.submission": _on_assignment("submitted"),
                "sam.assessment.take": _on_assessment("started"),
                "sam.assessment.take.via_url": _on_assessment("started"),
                "sam.assessment.resume": _on_assessment("progressed"),
                "sam.assessment.submit": _on_assessment("submitted"),
                "sam.assessment.submit.via_url": _on_assessment("submitted"),
                "sam.assessment.submit.timer": _on_assessment("submitted"),
                "sam.assessment.submit.auto": _on_assessment("submitted"),
                "forums.new": _IN_SITE,
                "forums.response": _IN_SITE,
                "forums.read": Means("viewed", item=_SITE_OF),
                "msgcntr.new": _IN_SITE,
                "msgcntr.response": _IN_SITE,
                "conversations.post.created": _IN_SITE,
                "poll.vote": _IN_SITE,
            },
            ignored={
                "content.new": _AUTHORED,
                "content.revise": _AUTHORED,
                "asn.grade.submission": "grading; the score is in GB_GRADE_RECORD_T",
                "user.login": "finding the way, not learning",
                "user.logout": "finding the way, not learning",
                "pres.end": "finding the way, not learning",
            },
            rules=(Only(_role(_SITE_OF, _WHO), _STUDENTS, _NO_STUDENT),),
            fields={"course": _SITE_OF, "session": "session_id"},
            identity="event_id",
        ),
        Rows(
            name="grade",
            what="Sakai's table GB_GRADE_RECORD_T",
            marks=frozenset({"gradable_object_id", "student_id", "date_recorded", "points_earned"}),
            learner="student_id",
            item=Apply(
                _graded_item,
                ("gradable_object_id", _of_item("external_id"), _of_item("external_app_name")),
            ),
            time="date_recorded",
            verbs="scored",
            rules=(
                Not(_of_item("object_type_id"), frozenset({"None"}), "an item of no known site"),
                Only(_of_item("object_type_id"), frozenset({"1"}), "a course's grade, no item's"),
                Not(_of_item("removed"), _SET, "an item that was removed from the gradebook"),
                Only(_role(_GRADED_SITE, "student_id"), _STUDENTS, _NO_STUDENT),
            ),
            fields={
                "raw": grade("points_earned"),
                "max": _of_item("points_possible"),
                "course": _GRADED_SITE,
            },
            told_apart_by=("gradable_object_id", "student_id", "date_recorded", "points_earned"),
            outcome=graded,
        ),
    ),
    sides=(
        Side(
            name="sessions",
            what="Sakai's table SAKAI_SESSION",
            marks=frozenset({"session_id", "session_user"}),
            key="session_id",
            keep=("session_user",),
            needed="an event names only a session",
            needed_by=("event",),
        ),
        Side(
            name="items",
            what="Sakai's table GB_GRADABLE_OBJECT_T",
            marks=frozenset({"id", "object_type_id", "gradebook_id", "points_possible"}),
            key="id",
            keep=(
                *("object_type_id", "gradebook_id", "points_possible", "removed"),
                *("external_id", "external_app_name"),
            ),
            needed="it alone says what was graded, and of how many points",
            needed_by=("grade",),
        ),
        Side(
            name="gradebooks",
            what="Sakai's table GB_GRADEBOOK_T",
            marks=frozenset({"id", "gradebook_uid"}),
            key="id",
            keep=("gradebook_uid",),
            needed="it alone says which site a grade was given in",
            needed_by=("grade",),
        ),
        Side(
            name="members",
            what="the members of Sakai's sites",
            marks=frozenset({"site_id", "user_id", "role_name"}),
            key=("site_id", "user_id"),
            keep=("role_name",),
            needed="it alone tells students from instructors",
        ),
    ),
).format()
