"""Sakai: `SAKAI_EVENT` with `SAKAI_SESSION` and the members of sites, as CSV.

After Sakai's schema and the events that its Site Stats knows. What goes wrong in naive readers,
and is kept here:

- an event names no person: the session does, so `SAKAI_SESSION` is demanded;
- instructors read and submit, too: the members of sites with their roles are demanded;
- CONTEXT is the site, and may be empty where the reference names it;
- scores stand in the gradebook's tables, which are not read here; Sakai's xAPI sends them.

Example: Ana (in session 4f1c) opened the file `/group/bio101/week1.pdf` of site *bio101*.
"""

from __future__ import annotations

import re

from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Only, Rows
from platform_adapters.fields import Apply, Join

_SITE = re.compile(
    r"/(?:content/(?:group|attachment)|assignment/\w+|syllabus|forums/site|msgcntr/site|site|wiki/site)"
    r"/([^/,\s]+)|siteId=([^,\s]+)"
)
_ASSIGNMENT = re.compile(r"(/assignment)/\w+/([^/]+)/([^/]+)")
_ASSESSMENT = re.compile(r"publishedAssessmentId=(\w+)")
_STUDENTS = frozenset({"access", "Student", "student", "Learner"})
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


_SITE_OF = Apply(_course, ("context", "ref"))
_WHO = Join("sessions", "session_id", "session_user")
_ROLE = Join("members", Apply(lambda *key: key, (_SITE_OF, _WHO)), "role_name")
_IN_SITE = Means("interacted", item=_SITE_OF)


def _on_assignment(verb: str) -> Means:
    return Means(verb, item=Apply(_assignment, ("ref",)))


def _on_assessment(verb: str) -> Means:
    return Means(verb, item=Apply(_assessment, ("ref",)))


FORMAT = Declared(
    name="sakai",
    summary="Sakai's SAKAI_EVENT with SAKAI_SESSION and the members of sites (CSV; .gz)",
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
                "asn.grade.submission": "grading; the score is in the gradebook's tables",
                "user.login": "finding the way, not learning",
                "user.logout": "finding the way, not learning",
                "pres.end": "finding the way, not learning",
            },
            rules=(Only(_ROLE, _STUDENTS, "somebody who is no student of the site"),),
            fields={"course": _SITE_OF, "session": "session_id"},
            identity="event_id",
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
