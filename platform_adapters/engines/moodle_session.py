"""Moodle's log rows, rows of state tables and rows of its Logs page, as what they mean.

Records find their meaning by what `formats/moodle/` says; learners are told from teachers and
guests. The same session reads a dump, a backup and a live database.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.contract import NAMED, AdaptOptions, Ignored, Interaction
from platform_adapters.engines import moodle_page
from platform_adapters.engines.moodle_lookups import Lookups, Told
from platform_adapters.engines.moodle_people import People
from platform_adapters.errors import RecordError
from platform_adapters.formats.moodle.courses import VIEWED
from platform_adapters.formats.moodle.logs import IGNORED
from platform_adapters.formats.moodle.tables import LOG, LOG_RULES, TABLES
from platform_adapters.formats.moodle.words import module_id
from platform_adapters.values import Clock, hashed, identifier
from platform_adapters.written_times import PageTimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_adapters.contract import Json
    from platform_adapters.engines.moodle_tables import TableSource
    from platform_adapters.formats.moodle.words import Row, Rule

_SAFE_NAME = re.compile(r"\\[a-z0-9_]{1,60}\\event\\[a-z0-9_]{1,80}")
_ACTED_BY_SERVER = frozenset({"cli", "cron", "restore"})
_NO_COURSE = frozenset({"", "0", "1"})
_MODULE_CONTEXT = "70"


class MoodleSession:
    """One import of log rows and rows of state tables, with all tables at hand."""

    def __init__(self, options: AdaptOptions, source: TableSource) -> None:
        self.lookups = Lookups(source)
        self._people = People(source)
        self._told = Told(self.lookups)
        self._clock = Clock(options.timezone, "timecreated")
        self._rules: dict[str, Rule | None] = {}
        self._page_times = PageTimes(options)

    def told_as_read(self) -> None:
        """The state tables' rows will come before the log's: nothing need be read twice."""
        self._told.as_read()

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if record.__class__ is tuple:
            table, row = record
            return self._log(row, line) if table == LOG else self._state(table, row, line)
        if "description" in record:
            return moodle_page.convert_row(record, line, self._page_times)
        return self._log(record, line)

    def _log(self, row: Row, line: int) -> Interaction | Ignored:
        name = row["eventname"]
        if name not in self._rules:
            if not name:
                raise RecordError("eventname is empty")
            self._rules[name] = rule_for(name)
        rule = self._rules[name]
        if rule is None:
            return Ignored(reason_for(name), line)
        reason = nobody(row, rule) or self._told_better(row, rule)
        if reason:
            return Ignored(reason, line)
        found = rule.outcome(row, self.lookups) if rule.outcome else {}
        if "ignore" in found:
            return Ignored(str(found["ignore"]), line)
        item, course = place_of(row, rule, found)
        if not item:
            return Ignored("no item: the export has no contextinstanceid, or no course", line)
        learner = learner_of(row, rule)
        if reason := self._no_learner(learner, course, item):
            return Ignored(reason, line)
        native = row.get("id", "")
        found.pop("item", None)
        verb = str(found.pop("verb", rule.verb))
        return Interaction(
            f"{NAMED}logstore:{native}" if native else hashed(row),
            learner,
            item,
            self._clock.seconds(row["timecreated"]),
            None,
            verb,
            course=course,
            source=f"moodle:{name}",
            **found,  # type: ignore[arg-type]  # keys and types are those of the outcomes
        )

    def _told_better(self, row: Row, rule: Rule) -> str:
        """Which table tells the row's fact better; empty if none."""
        told = told_better(row, rule)
        if told is None or not self._told.has(*told):
            return ""
        return f"told better by a state table: {told[0]}"

    def _state(self, table: str, row: Row, line: int) -> Interaction | Ignored:
        self._told.add(table, row)
        kind = TABLES[table]
        fact = kind.fact(row, self.lookups) if kind.fact else {"ignore": "no state table"}
        if "ignore" in fact:
            return Ignored(str(fact["ignore"]), line)
        learner = identifier(fact.pop("learner"), "userid")
        item = identifier(fact.pop("item"), "the item's id")
        course = str(fact.pop("course"))
        if reason := self._no_learner(learner, course, item):
            return Ignored(reason, line)
        time = fact.pop("time")
        version = fact.pop("version", time if kind.versions else "")
        native = f"{NAMED}{table}:{row['id']}:{version}"
        return Interaction(
            event_id=native if row["id"] else hashed(row),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(time),
            order=None,
            course=course,
            source=f"moodle:{table}",
            **fact,
        )

    def _no_learner(self, user: str, course: str, item: str) -> str:
        """Why somebody is no learner there; empty if one."""
        if user in self._people.guests:
            return "guest or server"
        if self._people.teaches(user, course, item.removeprefix("module:")):
            return "teaches or manages there"
        return ""


def rule_for(name: str) -> Rule | None:
    """The rule of a native event; any module's `course_module_viewed` is a view."""
    if name.endswith("\\course_module_viewed") and name.startswith("\\mod_"):
        return VIEWED
    return LOG_RULES.get(name)


def reason_for(name: str) -> str:
    """Why an event without a rule is ignored, naming it only if the name is one of Moodle's."""
    if name in IGNORED:
        return IGNORED[name]
    if _SAFE_NAME.fullmatch(name):
        return f"no learning event: {name}"
    return "no learning event"


def nobody(row: Row, rule: Rule) -> str:
    """Why the row is no learner's, or nothing."""
    if row.get("anonymous", "") not in {"", "0"}:
        return "anonymous"
    if row.get("realuserid", "") not in {"", "0"}:
        return "somebody logged in as the learner"
    if rule.learner == "relateduserid":
        if "relateduserid" not in row:
            return "needs the column relateduserid, which this export lacks"
        return "" if row["relateduserid"] not in {"", "0"} else "no learner named"
    if row.get("origin", "") in _ACTED_BY_SERVER:
        return "done by the server, not the learner"
    user = row["userid"]
    return "guest or server" if user in {"", "0"} or user.startswith("-") else ""


def learner_of(row: Row, rule: Rule) -> str:
    """The learner's id."""
    if rule.learner == "author":  # somebody may submit on another's behalf
        related = row.get("relateduserid", "")
        return related if related not in {"", "0"} else row["userid"]
    return identifier(row[rule.learner], rule.learner)


def place_of(row: Row, rule: Rule, found: Mapping[str, object]) -> tuple[str, str]:
    """Item and course; both empty where the export does not tell."""
    course = row.get("courseid", "")
    course = "" if course in _NO_COURSE else identifier(course, "courseid")
    if rule.about == "course":
        return course, course
    if rule.about == "grade":
        return str(found["item"]), course
    if row.get("contextlevel", _MODULE_CONTEXT) != _MODULE_CONTEXT:
        return "", course
    module = row.get("contextinstanceid", "")
    return (module_id(module), course) if module else ("", course)


def told_better(row: Row, rule: Rule) -> tuple[str, tuple[str, ...]] | None:
    """What may tell the row's fact better than the log, and the fact's name there."""
    if rule.told is None:
        return None
    kind, columns = rule.told
    key = tuple(row.get(column, "") for column in columns)
    if rule.learner == "author":
        key = (*key[:-1], learner_of(row, rule))
    return kind, key
