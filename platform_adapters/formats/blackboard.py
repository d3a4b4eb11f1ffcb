"""Blackboard Learn: `activity_accumulator` with `course_users`, as CSV from Direct Data Access.

After Anthology's description of the table and its events (SaaS release notes 3900.95 on). What
goes wrong in naive readers, and is kept here:

- the table says who acted, not who learns: without `course_users` nobody tells an instructor's
  visit from a student's, so that table is demanded;
- logins, tabs and pages of the system are most of the rows and no learning;
- `data` is free text and is not read;
- rows older than 180 days are in the statistics database: export both.

Example: Ana (user 41) opened content 902 of course 17 on 1 March at 9:00.
"""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Only, Rows
from platform_adapters.fields import Join
from platform_adapters.format import Sign

_COURSE = "course_pk1"
_NAVIGATION = "finding the way, not learning"

FORMAT = Declared(
    name="blackboard",
    summary="Blackboard's activity_accumulator with course_users (CSV; .gz), course_contents",
    example="Ana (user 41) opened content 902 of course 17 on 1 March at 9:00.",
    tried_on="never on a live site's log; written after the vendor's table descriptions",
    fold=True,
    rows=(
        Rows(
            name="activity",
            what="Blackboard's table activity_accumulator",
            marks=frozenset({"pk1", "event_type", "user_pk1", "course_pk1", "timestamp"}),
            learner="user_pk1",
            item="content_pk1",
            time="timestamp",
            times=("%d-%b-%y %I.%M.%S.%f %p",),
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
                "LOGIN_ATTEMPT": _NAVIGATION,
                "LOGOUT": _NAVIGATION,
                "SESSION_INIT": _NAVIGATION,
                "SESSION_TIMEOUT": _NAVIGATION,
                "TAB_ACCESS": _NAVIGATION,
                "PAGE_ACCESS": _NAVIGATION,
                "MODULE_ACCESS": _NAVIGATION,
                "DISCUSSION_DRAFT": "a draft that nobody has seen",
            },
            rules=(
                Only(
                    Join("members", ("user_pk1", _COURSE), "role"),
                    frozenset({"S"}),
                    "somebody who is no student of the course",
                ),
            ),
            fields={"course": _COURSE, "session": "session_id"},
            identity="pk1",
        ),
    ),
    sides=(
        Side(
            name="members",
            what="Blackboard's table course_users",
            marks=frozenset({"users_pk1", "crsmain_pk1", "role"}),
            key=("users_pk1", "crsmain_pk1"),
            keep=("role",),
            needed="it alone tells students from instructors",
        ),
    ),
    catalogues=(
        Entries(
            Sign(
                "Blackboard's table course_contents",
                frozenset({"pk1", "crsmain_pk1", "title"}),
                role="catalogue",
            ),
            fields={
                "item": "pk1",
                "title": "title",
                "course": "crsmain_pk1",
                "section": "parent_pk1",
                "position": "position",
                "type": "cnthndlr_handle",
                "available_from": "start_date",
                "available_until": "end_date",
                "hidden": "available_ind",
            },
            hidden=frozenset({"N", "n"}),
        ),
    ),
).format()
