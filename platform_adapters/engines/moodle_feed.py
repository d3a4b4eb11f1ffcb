"""A live Moodle database, read only: everything once, and from then on what is new.

The state tables come first, by the time of their last change; then the log, by its id, up to
where it was when the reading began, so that the tables have told what the log tells, too. Two
connections are used: one for the rows, one for what they refer to.

How far the reading came is a `Cursor` of plain numbers. The next reading begins a little earlier:
rows may become visible out of order, and what is read twice is known by its id.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues.moodle import items_of
from platform_adapters.engines.moodle_session import MoodleSession
from platform_adapters.engines.moodle_tables import whole
from platform_adapters.errors import ReadError
from platform_adapters.formats.moodle.scorm import WANTED
from platform_adapters.formats.moodle.tables import COLUMNS, LOG, STATES, TABLES
from platform_adapters.formats.moodle.words import latest
from platform_adapters.readers.database import Since, open_database

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from platform_adapters.contract import AdaptOptions, Record
    from platform_adapters.engines.moodle_tables import Equal
    from platform_adapters.formats.moodle.words import Row
    from platform_adapters.readers.database import Tables
    from recommender.catalogue import CatalogueItem

OVERLAP_IDS = 1_000
"""How many ids of the log are read again: rows of two requests may be stored out of order."""

OVERLAP_SECONDS = 3_600
"""The same for state tables, whose times are those of several servers."""

_ORDER = (*STATES, LOG)
_ROLES = ("role_assignments", "role", "context")
_LOG = logging.getLogger("murmuration.moodle")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reading has come.

    Attributes:
        after: Greatest id (log) or time of change (state tables) that was read, by table.
        since: Where the reading that is under way began, by table.
        table: The table it was in; empty between two readings.
        until: Last id of the log when it began.
    """

    after: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    table: str = ""
    until: int = 0

    def begun(self, tables: Tables) -> Cursor:
        """The cursor of a new reading, which begins a little before the end of the last."""
        since = {}
        if LOG in self.after:
            since[LOG] = max(0, self.after[LOG] - OVERLAP_IDS)
            # What rows of the log tell that are read again may be told by rows as old as they.
            oldest = tables.least_from(LOG, "timecreated", since[LOG])
            for table in self.after.keys() - {LOG}:
                since[table] = max(0, min(self.after[table], oldest) - OVERLAP_SECONDS)
        return Cursor(dict(self.after), since, _ORDER[0], tables.greatest(LOG, "id"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class LiveTables:
    """A database as a table source; whole state tables begin where the reading began."""

    def __init__(self, tables: Tables, since: Mapping[str, int]) -> None:
        self._tables = tables
        self._since = since

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._tables.name

    def columns(self, table: str) -> frozenset[str]:
        """Columns of a table; empty if it is not there."""
        return self._tables.columns(table)

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of a table."""
        since = None
        changed = TABLES[table].changed if table in TABLES else ()
        if changed and equal is None:
            since = Since(changed, self._since.get(table, 0))
        return self._tables.rows(table, columns, since=since, equal=equal)


class Feed:
    """A reading that is under way: its session, its records, its cursor."""

    def __init__(self, rows: Tables, others: Tables, options: AdaptOptions, cursor: Cursor) -> None:
        self.name = rows.name
        self._rows = rows
        self._whole = LiveTables(others, {})
        self._interrupted = cursor.table
        fresh = not cursor.table
        self.cursor = cursor.begun(rows) if fresh else cursor
        self.session = MoodleSession(options, LiveTables(others, self.cursor.since))
        if fresh:
            self.session.told_as_read()
            self._warn()

    def _warn(self) -> None:
        missing = [table for table in _ROLES if not self._rows.columns(table)]
        if missing:
            _LOG.warning(
                "%s: its user may not read %s: teachers cannot be told from learners",
                self.name,
                ", ".join(missing),
            )

    def catalogue(self, site: str = "") -> list[CatalogueItem]:
        """Courses and modules as they are now."""
        return list(items_of(self._whole, site))

    def records(self) -> Generator[Record]:
        """Rows that are new, with their ids; the cursor stands behind the last one taken."""
        for table in _ORDER[_ORDER.index(self.cursor.table) :]:
            start = self.cursor.since.get(table, 0)
            if table == self._interrupted:
                start = self.cursor.after.get(table, start)
            yield from self._table(table, start)
        self.cursor = Cursor(self.cursor.after)

    def _table(self, table: str, start: int) -> Iterator[Record]:
        after = self.cursor.after
        self.cursor = Cursor(after, self.cursor.since, table, self.cursor.until)
        if "id" not in self._rows.columns(table):
            return
        changed = TABLES[table].changed
        columns = tuple(dict.fromkeys((*COLUMNS[table], *changed)))
        since = Since(changed, start)
        rows = self._rows.rows(table, columns, since=since, equal=self._wanted(table))
        for row in whole(table, rows, self._rows.columns(table)):
            value = _place(row, changed)
            if table == LOG and value > self.cursor.until:
                return
            yield int(row["id"]), (table, row)
            after[table] = max(after.get(table, 0), value)

    def _wanted(self, table: str) -> Equal | None:
        """Of SCORM's elements only those that are facts: the others are long, and private."""
        if table == "scorm_scoes_track":
            return "element", sorted(WANTED)
        if table == "scorm_scoes_value":
            elements = self.session.lookups.scorm_elements
            return "elementid", [int(i) for i, name in elements.items() if name in WANTED]
        return None


def _place(row: Row, changed: Sequence[str]) -> int:
    """A row's place in the order of its table."""
    if not changed:
        return int(row["id"])
    return int(latest(row, *changed) or 0)


@contextmanager
def open_feed(url: str, prefix: str, options: AdaptOptions, cursor: Cursor) -> Iterator[Feed]:
    """Open a Moodle database and go on where a cursor stands.

    Args:
        url: SQLAlchemy URL.
        prefix: Prefix of Moodle's tables, `mdl_` as a rule.
        options: Platform's name.
        cursor: Where the last reading ended, or was interrupted.

    Raises:
        OptionsError: The URL or prefix cannot be used.
        ReadError: The server refused, or there is no log under this prefix.
    """
    with open_database(url, prefix) as rows, open_database(url, prefix) as others:
        if not rows.columns(LOG):
            raise ReadError(
                f"{rows.name}: there is no table {prefix}{LOG}, or its user may not read it; "
                "give the table prefix of the site's config.php with --prefix, and GRANT SELECT"
            )
        yield Feed(rows, others, options, cursor)
