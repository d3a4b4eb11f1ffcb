"""Blackboard's `activity_accumulator`: who opened and handed in what.

After Anthology's description of the table and of its events (SaaS release notes 3900.95 on). Rows
older than 180 days are in the statistics database: export both. Kept here:

- the table says who acted, not who learns: without `course_users` nobody tells an instructor's
  visit from a student's, so that table is demanded;
- logins, tabs and pages of the system are most of the rows and no learning;
- `data` is free text and is not read.
"""

from __future__ import annotations

from platform_adapters.declared_rows import Means, Only, Rows
from platform_adapters.fields import Join
from platform_adapters.formats.blackboard import words

_COURSE = "course_pk1"
_ON_THE_WAY = ("LOGIN_ATTEMPT", "LOGOUT", "SESSION_INIT", "SESSION_TIMEOUT")
_PAGES = ("TAB_ACCESS", "PAGE_ACCESS", "MODULE_ACCESS")

ROWS = Rows(
    name="activity",
    what="Blackboard's table activity_accumulator",
    example="Ana (user 41) opened content 902 of course 17 on 1 March at 9:00.",
    marks={"pk1", "event_type", "user_pk1", "course_pk1", "timestamp"},
    learner="user_pk1",
    item="content_pk1",
    time="timestamp",
    times=words.TIMES,
    event="event_type",
    verbs={
        "COURSE_ACCESS": Means("viewed", item=_COURSE),
        "CONTENT_ACCESS": "viewed",
        "ASSESSMENT_SUBMIT": "submitted",
        "ASSESSMENT_DRAFT": "progressed",
        "DISCUSSION_RESPONSE": "interacted",
        "DISCUSSION_REPLY": "interacted",
        "DISCUSSION_EDIT": "interacted",
    },
    ignored={
        **dict.fromkeys((*_ON_THE_WAY, *_PAGES), "finding the way, not learning"),
        "DISCUSSION_DRAFT": "a draft that nobody has seen",
    },
    rules=(Only(Join(words.MEMBERS, ("user_pk1", _COURSE), "role"), {"S"}, words.NO_STUDENT),),
    fields={"course": _COURSE, "session": "session_id"},
    identity="pk1",
)
