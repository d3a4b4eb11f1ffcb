"""What the tables of Kolibri's database have in common.

Who has any role (coach, class coach, administrator, superuser) is no learner. A time is UTC,
whatever zone is written behind it. Copies of one resource share their `content_id` and are one
item.
"""

from __future__ import annotations

from functools import partial

from platform_adapters.declared_rows import Not, Rows

_LOG = """SELECT l.*, l.user_id IN (SELECT user_id FROM kolibriauth_role UNION
 SELECT user_id FROM device_devicepermissions WHERE is_superuser) AS staff,
 substr({time}, 1, instr({time}, '(') - 1) || '+00:00' AS at{more} FROM {table} l {joins}"""
MASTERY = "LEFT JOIN logger_masterylog m ON m.id = l.masterylog_id "
SUMMARY = "LEFT JOIN logger_contentsummarylog s ON s.id = {}.summarylog_id"
CONTENT = ", s.content_id, s.channel_id"
RULES = (Not("staff", {"1"}, "somebody with a role, who is no learner"),)
FIELDS = {"course": "channel_id", "duration_seconds": "time_spent"}


def query(table: str, time: str, more: str = "", joins: str = "") -> str:
    """Rows of a log, with `staff` and the time as `at`."""
    return _LOG.format(table=table, time=time, more=more, joins=joins)


log = partial(Rows, learner="user_id", item="content_id", time="at", identity="id", rules=RULES)
"""A log, of which these stand in the same places in each."""
