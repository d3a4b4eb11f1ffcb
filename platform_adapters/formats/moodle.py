"""Moodle 3.11 to 5: dumps of tables (CSV), course backups (.mbz), and the CSV of its Logs page.

What each record means stands in `moodle_log`, `moodle_state`, `moodle_scorm` and `moodle_page`;
here records find their meaning, and learners are told from teachers and guests. The same
session reads a live database (`moodle_database`).

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues import moodle as catalogues_moodle
from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.format import Format, Role, Sign
from platform_adapters.formats import moodle_log, moodle_page, moodle_state
from platform_adapters.formats.moodle_backup import BackupTables, is_backup
from platform_adapters.formats.moodle_page_times import PageTimes
from platform_adapters.formats.moodle_people import People
from platform_adapters.formats.moodle_tables import (
    LOG,
    MARKS,
    STATES,
    CsvTables,
    Lookups,
    UnitedTables,
    state_records,
    table_of,
)
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.values import Clock, event_id, event_namespace, hashed, identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record
    from platform_adapters.formats.moodle_log import Rule
    from platform_adapters.formats.moodle_tables import Row, TableSource

BACKUP, PAGE = "a backup", "the Logs page"
"""Kinds of inputs that are no tables."""


class MoodleSession:
    """One import of log rows and rows of state tables, with all tables at hand."""

    def __init__(self, options: AdaptOptions, source: TableSource) -> None:
        self.lookups = Lookups(source)
        self._people = People(source)
        self._told = moodle_state.Told(self.lookups)
        self._namespace = event_namespace(options.platform)
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
            self._rules[name] = moodle_log.rule_for(name)
        rule = self._rules[name]
        if rule is None:
            return Ignored(moodle_log.reason_for(name), line)
        reason = moodle_log.nobody(row, rule) or self._told_better(row, rule)
        if reason:
            return Ignored(reason, line)
        found = rule.outcome(row, self.lookups) if rule.outcome else {}
        if "ignore" in found:
            return Ignored(str(found["ignore"]), line)
        item, course = moodle_log.place_of(row, rule, found)
        if not item:
            return Ignored("no item: the export has no contextinstanceid, or no course", line)
        learner = moodle_log.learner_of(row, rule)
        if reason := self._no_learner(learner, course, item):
            return Ignored(reason, line)
        native = row.get("id", "")
        found.pop("item", None)
        verb = str(found.pop("verb", rule.verb))
        return Interaction(
            event_id(self._namespace, f"logstore:{native}") if native else hashed(row),
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
        told = moodle_log.told_better(row, rule)
        if told is None or not self._told.has(*told):
            return ""
        return f"told better by a state table: {told[0]}"

    def _state(self, table: str, row: Row, line: int) -> Interaction | Ignored:
        self._told.add(table, row)
        rule = moodle_state.RULES[table]
        fact = rule.fact(row, self.lookups)
        if "ignore" in fact:
            return Ignored(str(fact["ignore"]), line)
        learner = identifier(fact.pop("learner"), "userid")
        item = identifier(fact.pop("item"), "the item's id")
        course = str(fact.pop("course"))
        if reason := self._no_learner(learner, course, item):
            return Ignored(reason, line)
        time = fact.pop("time")
        version = fact.pop("version", time if rule.versions else "")
        native = f"{table}:{row['id']}:{version}"
        return Interaction(
            event_id=event_id(self._namespace, native) if row["id"] else hashed(row),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(time),
            order=None,
            course=course,
            source=f"moodle:{table}",
            **fact,  # type: ignore[arg-type]  # keys and types are those of the rules
        )

    def _no_learner(self, user: str, course: str, item: str) -> str:
        """Why somebody is no learner there; empty if one."""
        if user in self._people.guests:
            return "guest or server"
        if self._people.teaches(user, course, item.removeprefix("module:")):
            return "teaches or manages there"
        return ""


def _kind(path: Path) -> str:
    """`BACKUP`, `PAGE`, or the name of a table; empty if none of them."""
    if is_backup(path):
        return BACKUP
    return table_of(path) or (PAGE if moodle_page.is_page(path) else "")


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs, and what they need beside them; state tables and backups are both."""
    kinds = {path: _kind(path) for path in paths}
    logs = [p for p, kind in kinds.items() if kind in {BACKUP, PAGE, LOG, *STATES}]
    sides = [p for p, kind in kinds.items() if kind not in {PAGE, LOG}]
    for path, kind in kinds.items():
        if not kind and "id" not in read_header(path):  # with an id: a table that is not read
            raise ReadError(
                f"{path.name} is neither a Moodle log nor one of its tables: expected a CSV with "
                "the columns eventname, userid, timecreated, ... (export the table "
                "mdl_logstore_standard_log with its header), tables such as course_modules, "
                "grade_items, grade_grades, a course backup (.mbz), or the CSV of the Logs page"
            )
    return logs, sides


def prepare(paths: Sequence[Path], options: AdaptOptions) -> MoodleSession:
    """Look the tables up among the inputs; they are read when they are needed."""
    backups = [path for path in paths if is_backup(path)]
    plain = [path for path in paths if path not in backups]
    parts: list[TableSource] = [*map(BackupTables, backups), *([CsvTables(plain)] if plain else [])]
    return MoodleSession(options, parts[0] if len(parts) == 1 else UnitedTables(parts))


def records(path: Path) -> Iterator[Record]:
    """Records of a log, a state table or a backup."""
    kind = _kind(path)
    if kind == BACKUP:
        return BackupTables(path).records()
    if kind in STATES:
        return state_records(path, kind)
    if kind == PAGE:
        return moodle_page.read_page(path)
    return read_csv(path, moodle_log.REQUIRED)


_CATALOGUES = frozenset({"course", "course_modules"})


def _role(table: str) -> Role:
    if table in {LOG, *STATES}:
        return "log"
    return "catalogue" if table in _CATALOGUES else "side"


FORMAT = Format(
    name="moodle",
    summary="Moodle 3.11 to 5: tables (CSV; .gz), backups (.mbz), a live database, the Logs page",
    tried_on="databases of four development sites, four of Moodle's own backups, a course backup "
    "of a Moodle 2.0 with learners, 20 rows of a live site's Logs page",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_moodle.read_catalogue,
    is_catalogue=catalogues_moodle.is_catalogue,
    signs=(
        *(
            Sign(f"Moodle's table {table}", frozenset(needed.split()), role=_role(table))
            for table, needed, _ in MARKS
            if needed.count(" ") > 1  # two columns are too little to know a file by
        ),
        Sign("a backup of a Moodle course", frozenset({"moodle_backup.xml"}), ("zip", "tar")),
        Sign(
            "the CSV of Moodle's Logs page",
            frozenset(),
            ("csv",),
            text=(moodle_page.SENTENCE.encode(),),
        ),
    ),
    example="Ana (user 12) opened the page *Photosynthesis* (course module 340).",
)
