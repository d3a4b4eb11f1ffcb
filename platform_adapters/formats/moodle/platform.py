"""Moodle 3.11 to 5: dumps of tables (CSV), course backups (.mbz), and the CSV of its Logs page.

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues import moodle as catalogues_moodle
from platform_adapters.engines import moodle_page
from platform_adapters.engines.moodle_session import MoodleSession
from platform_adapters.engines.moodle_tables import CsvTables, UnitedTables, state_records, table_of
from platform_adapters.errors import ReadError
from platform_adapters.format import Format, Role, Sign
from platform_adapters.formats.moodle.tables import LOG, STATES, TABLES
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.moodle_backup import BackupTables, is_backup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions, Record
    from platform_adapters.engines.moodle_tables import TableSource

BACKUP, PAGE = "a backup", "the Logs page"
"""Kinds of inputs that are no tables."""


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
    return read_csv(path, TABLES[LOG].marks.split())


_CATALOGUES = frozenset({"course", "course_modules"})


def _role(table: str) -> Role:
    if table in {LOG, *STATES}:
        return "log"
    return "catalogue" if table in _CATALOGUES else "side"


FORMAT = Format(
    name="moodle",
    summary="Moodle 3.11 to 5: tables (CSV; .gz), backups (.mbz), a live database, the Logs page",
    tried_on="databases of four development sites, four of Moodle's own backups, a course backup "
    "of a Moodle 2.0 with learners, 20 published rows of a Logs page",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_moodle.read_catalogue,
    is_catalogue=catalogues_moodle.is_catalogue,
    signs=(
        *(
            Sign(f"Moodle's table {n}", set(t.marks.split()), role=_role(n), example=t.example)
            for n, t in TABLES.items()
            if t.marks.count(" ") > 1  # two columns are too little to know a file by
        ),
        Sign("a backup of a Moodle course", {"moodle_backup.xml"}, ("zip", "tar")),
        Sign(
            "the CSV of Moodle's Logs page",
            set(),
            ("csv",),
            text=(moodle_page.SENTENCE.encode(),),
            example="The user with id '12' viewed the 'page' activity with course module id '340'.",
        ),
    ),
)
