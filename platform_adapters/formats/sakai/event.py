"""Sakai's `SAKAI_EVENT`: who opened and handed in what.

After the events that Sakai's Site Stats knows. Export `SAKAI_SESSION`, too: an event names no
person, the session does. Instructors read and submit as students do: the members of sites with
their roles are demanded. `CONTEXT` is the site, and may be empty where the reference names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Means, Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join
from platform_adapters.formats.sakai import words

if TYPE_CHECKING:
    from platform_adapters.fields import Field

_SITE = re.compile(
    r"/(?:content/(?:group|attachment)|assignment/\w+|syllabus|forums/site|msgcntr/site|site|wiki/site)"
    r"/([^/,\s]+)|siteId=([^,\s]+)"
)
_ASSESSMENT = re.compile(r"publishedAssessmentId=(\w+)")


def _course(context: str | None, reference: str | None) -> str:
    """The site, from the reference where the event does not name it."""
    if context:
        return context
    found = _SITE.search(reference or "")
    return (found.group(1) or found.group(2)) if found else ""


def _assessment(reference: str | None) -> str:
    found = _ASSESSMENT.search(reference or "")
    return f"assessment:{found.group(1)}" if found else ""


_SESSIONS = Side(
    what="Sakai's table SAKAI_SESSION",
    marks={"session_id", "session_user"},
    key="session_id",
    needed="an event names only a session",
)
_WHO = Join(_SESSIONS, "session_id", "session_user")
_COURSE = Apply(_course, ("context", "ref"))
_ITEMS: dict[str, Field] = {
    "site": _COURSE,
    "assignment": Apply(words.assignment, ("ref",)),
    "assessment": Apply(_assessment, ("ref",)),
    "reference": "ref",
}
_VERBS = {
    ("site", "viewed"): "pres.begin forums.read",
    ("site", "interacted"): "forums.new forums.response msgcntr.new msgcntr.response "
    "conversations.post.created poll.vote",
    ("reference", "viewed"): "content.read webcontent.read lessonbuilder.page.read "
    "lessonbuilder.item.read syllabus.read wiki.read",
    ("reference", "started"): "basiclti.launch",
    ("assignment", "viewed"): "asn.read.assignment",
    ("assignment", "progressed"): "asn.save.submission",
    ("assignment", "submitted"): "asn.submit.submission",
    ("assessment", "started"): "sam.assessment.take sam.assessment.take.via_url",
    ("assessment", "progressed"): "sam.assessment.resume",
    ("assessment", "submitted"): "sam.assessment.submit sam.assessment.submit.via_url "
    "sam.assessment.submit.timer sam.assessment.submit.auto",
}
_IGNORED = {
    "written by whoever teaches, not learning": "content.new content.revise",
    "grading; the score is in GB_GRADE_RECORD_T": "asn.grade.submission",
    "finding the way, not learning": "user.login user.logout pres.end",
}

ROWS = Rows(
    name="event",
    what="Sakai's table SAKAI_EVENT",
    example="Ana (in session 4f1c) opened the file `/group/bio101/week1.pdf` of site *bio101*.",
    marks={"event_id", "event_date", "event", "ref", "session_id"},
    learner=_WHO,
    item="ref",
    time="event_date",
    event="event",
    verbs={
        event: Means(verb, item=_ITEMS[item])
        for (item, verb), events in _VERBS.items()
        for event in events.split()
    },
    ignored={event: why for why, events in _IGNORED.items() for event in events.split()},
    rules=(words.student(_COURSE, _WHO),),
    fields={"course": _COURSE, "session": "session_id"},
    identity="event_id",
)
