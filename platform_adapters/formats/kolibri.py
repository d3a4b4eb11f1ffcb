"""Kolibri: the database of a device, or the CSV exports of a facility's logs.

After the models and exports of Kolibri 0.19, and tried on what it wrote. What goes wrong in naive
readers, and is kept here:

- who has any role (coach, class coach, administrator, superuser) is no learner; somebody with two
  roles stands twice in the CSV;
- a time in the database is UTC, whatever zone is written behind it;
- CSV exports come in the language of the device, and name learners only within their facility;
- an attempt at a question is one at its exercise, whose `content_id` is that of the catalogue;
- a session and an attempt go on changing under one number until they end (`contract.GROWING`);
- copies of one resource share their `content_id` and are one item.

Example: Ana watched *Cell walls* to its end on 1 March, 9:07 in Nairobi.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues import kolibri as catalogue
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared
from platform_adapters.declared_rows import Not, Only, Rows
from platform_adapters.fields import either
from platform_adapters.format import Sign
from platform_adapters.formats.kolibri_words import ALIASES, LEARNERS

if TYPE_CHECKING:
    from platform_adapters.fields import Row

_CSV = ("Username", "User type", "Content id", "Time of first interaction", "Progress (0-1)")
_STAFF = "somebody with a role, who is no learner"
_LEARNERS_ONLY = (Not("staff", frozenset({"1"}), _STAFF),)
_LOG = """SELECT l.*, l.user_id IN (SELECT user_id FROM kolibriauth_role UNION
 SELECT user_id FROM device_devicepermissions WHERE is_superuser) AS staff,
 substr({time}, 1, instr({time}, '(') - 1) || '+00:00' AS at """


def _by_facility(row: Row) -> object:
    """User names are unique in a facility only."""
    name, facility = row.get("Username"), row.get("Facility name")
    return f"{facility}/{name}" if name and facility else None


def _how_far(_row: Row, values: dict[str, Any]) -> dict[str, Any]:
    return {"verb": "progressed" if values["progress"] else "viewed"}


def _completed(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    if not (row.get("completion_timestamp") or row.get("Time of completion")):
        return {"ignore": "not completed; how far it went stands in the sessions"}
    return {"completion": True}


def _mastered(row: Row, _values: dict[str, Any]) -> dict[str, Any]:
    if not row.get("complete"):
        return {"ignore": "not mastered yet"}
    return {"verb": "submitted"} if row.get("criterion") == "quiz" else {"success": True}


_CSV_FIELDS = {
    "course": "Channel id",
    "duration_seconds": "Time Spent (sec)",
    "progress": "Progress (0-1)",
}
_FIELDS = {"course": "channel_id", "duration_seconds": "time_spent"}
_CSV_RULES = (Only("User type", LEARNERS, _STAFF),)

FORMAT = Declared(
    name="kolibri",
    summary="Kolibri's db.sqlite3, or its CSV exports of session and summary logs (any language)",
    example="Ana watched *Cell walls* to its end on 1 March, 9:07 in Nairobi.",
    tried_on="a real Kolibri 0.19 with synthetic learners: its database and its exports",
    aliases=ALIASES,
    rows=(
        Rows(
            name="summary-csv",
            what="Kolibri's export of summary logs",
            marks=frozenset({*_CSV, "Time of completion"}),
            kinds=("csv",),
            learner=_by_facility,
            item="Content id",
            time=either("Time of completion", "Time of first interaction"),
            verbs="completed",
            rules=_CSV_RULES,
            fields=_CSV_FIELDS,
            evidence="aggregate",
            outcome=_completed,
        ),
        Rows(
            name="session-csv",
            what="Kolibri's export of session logs",
            marks=frozenset(_CSV),
            kinds=("csv",),
            learner=_by_facility,
            item="Content id",
            time=either("Time of last interaction", "Time of first interaction"),
            verbs="viewed",
            rules=_CSV_RULES,
            fields=_CSV_FIELDS,
            told_apart_by=(*_CSV[:1], "Facility name", "Channel id", *_CSV[2:4]),
            outcome=_how_far,
        ),
        Rows(
            name="session",
            what="Kolibri's database (session logs)",
            marks=frozenset({"visitor_id"}),
            table="logger_contentsessionlog",
            query=_LOG.format(time="COALESCE(l.end_timestamp, l.start_timestamp)")
            + "FROM logger_contentsessionlog l",
            learner="user_id",
            item="content_id",
            time="at",
            verbs="viewed",
            rules=_LEARNERS_ONLY,
            fields={**_FIELDS, "progress": "progress"},
            identity="id",
            outcome=_how_far,
        ),
        Rows(
            name="attempt",
            what="Kolibri's database (attempts at questions)",
            marks=frozenset({"interaction_history"}),
            table="logger_attemptlog",
            query=_LOG.format(time="l.end_timestamp")
            + ", s.content_id, s.channel_id FROM logger_attemptlog l "
            "LEFT JOIN logger_masterylog m ON m.id = l.masterylog_id "
            "LEFT JOIN logger_contentsummarylog s ON s.id = m.summarylog_id",
            learner="user_id",
            item="content_id",
            time="at",
            verbs="answered",
            rules=(
                *_LEARNERS_ONLY,
                Not("error", frozenset({"1"}), "a question that could not be shown"),
            ),
            fields={**_FIELDS, "score": "correct", "session": "sessionlog_id"},
            identity="id",
            outcome=lambda _row, values: {"success": {1.0: True, 0.0: False}.get(values["score"])},
        ),
        Rows(
            name="mastery",
            what="Kolibri's database (mastery of exercises)",
            marks=frozenset({"mastery_criterion"}),
            table="logger_masterylog",
            query=_LOG.format(time="COALESCE(l.completion_timestamp, l.start_timestamp)")
            + ", json_extract(l.mastery_criterion, '$.type') AS criterion, s.content_id, "
            "s.channel_id FROM logger_masterylog l "
            "LEFT JOIN logger_contentsummarylog s ON s.id = l.summarylog_id",
            learner="user_id",
            item="content_id",
            time="at",
            verbs="passed",
            rules=_LEARNERS_ONLY,
            fields=_FIELDS,
            identity="id",
            outcome=_mastered,
        ),
        Rows(
            name="summary",
            what="Kolibri's database (summary logs)",
            marks=frozenset({"completion_timestamp", "kind"}),
            table="logger_contentsummarylog",
            query=_LOG.format(time="COALESCE(l.completion_timestamp, l.start_timestamp)")
            + "FROM logger_contentsummarylog l",
            learner="user_id",
            item="content_id",
            time="at",
            verbs="completed",
            rules=_LEARNERS_ONLY,
            fields={**_FIELDS, "progress": "progress"},
            identity="id",
            evidence="aggregate",
            outcome=_completed,
        ),
    ),
    catalogues=(
        Reader(
            Sign(
                "Kolibri's database of content",
                frozenset({"content_contentnode", "content_channelmetadata"}),
                ("sqlite",),
                role="catalogue",
            ),
            catalogue.read_catalogue,
        ),
    ),
).format()
