"""Backups of Moodle courses (`.mbz`: zip or tar.gz of XML), as the tables they were made of.

After the backup steps of Moodle 3.11 to 5 (`backup/moodle2/backup_stepslib.php` and those of the
quiz and SCORM modules). A backup is read in place; users' names, texts and files in it are not
read at all. Learners' records are there if the backup was made with *Include enrolled users*,
log rows only with *Include course logs*.

Example: `activities/quiz_342/completion.xml` says that user 12 completed course module 342.
"""

from __future__ import annotations

import fnmatch
import weakref
from contextlib import ExitStack
from typing import TYPE_CHECKING

from platform_adapters.errors import ReadError
from platform_adapters.formats.moodle.tables import COLUMNS, LOG, STATES, TABLES
from platform_adapters.formats.moodle.words import NULL
from platform_adapters.readers.archives import open_archive
from platform_adapters.readers.files import read_start
from platform_adapters.readers.xml_elements import read_elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.engines.moodle_tables import Equal
    from platform_adapters.formats.moodle.words import Place, Row
    from platform_adapters.readers.archives import Archive
    from platform_adapters.readers.xml_elements import Element

_TAR_AT = 257
_MANIFEST = "moodle_backup.xml"


def places_of(table: str) -> tuple[Place, ...]:
    """Where a table stands in a backup."""
    return TABLES[table].places if table in TABLES else ()


def is_backup(path: Path) -> bool:
    """Whether a file is an archive, as backups are."""
    start = read_start(path, 512)
    return start[:4] == b"PK\x03\x04" or start[_TAR_AT : _TAR_AT + 5] == b"ustar"


class BackupTables:
    """Tables of one backup."""

    def __init__(self, path: Path) -> None:
        """Open a backup and read its table of contents.

        Raises:
            ReadError: It is no backup of a course, or no whole archive.
        """
        self.name = path.name
        self._path = path
        stack = ExitStack()
        self._archive: Archive = stack.enter_context(open_archive(path))
        weakref.finalize(self, stack.close)
        if not self._archive.has(_MANIFEST):
            raise ReadError(
                f"{path.name} has no {_MANIFEST}: expected a backup that Moodle made of a course"
            )
        self._course = self.site = ""
        for element in self._elements(_MANIFEST, "information"):
            self._course = _text(element.get("original_course_id"))
            self.site = _text(element.get("original_wwwroot"))
        self._instances = {f: self._instance(f) for f in self._folders()}

    def _folders(self) -> list[str]:
        return [name.rpartition("/")[0] for name in self._members("activities/*/module.xml")]

    def _instance(self, folder: str) -> Row:
        """Id and title of the instance that a module shows: the file of its own kind has them."""
        kind = folder.rpartition("/")[2].rpartition("_")[0]
        for element in self._elements(f"{folder}/{kind}.xml", "name"):
            around = dict(element.around)
            if "activity" in around:
                return {"instance": around["activity"].get("id", ""), "name": element.text.strip()}
        return {"instance": "", "name": ""}

    def _members(self, pattern: str) -> list[str]:
        return sorted(fnmatch.filter(self._archive.names, pattern))

    def _elements(self, member: str, *wanted: str) -> Iterator[Element]:
        if self._archive.has(member):
            with self._archive.open(member) as stream:
                yield from read_elements(stream, frozenset(wanted), f"{self.name}, {member}")

    def columns(self, table: str) -> frozenset[str]:
        """Columns that are read of a table; empty if the backup has none of it."""
        if table == "context":
            return frozenset(COLUMNS[table])
        found = any(self._members(place.files) for place in places_of(table))
        return frozenset(COLUMNS[table]) if found else frozenset()

    def rows(
        self, table: str, columns: Sequence[str], *, equal: Equal | None = None
    ) -> Iterator[Row]:
        """Rows of a table.

        Raises:
            ReadError: A part of the backup is damaged or not well-formed.
        """
        del columns
        allowed = {str(value) for value in equal[1]} if equal else frozenset()
        for row in self._all(table):
            if equal is None or row.get(equal[0]) in allowed:
                yield row

    def _all(self, table: str) -> Iterator[Row]:
        if table == "context":
            yield {"id": f"course {self._course}", "contextlevel": "50", "instanceid": self._course}
        empty = dict.fromkeys(COLUMNS.get(table, ()), "")
        for place in places_of(table):
            for member in self._members(place.files):
                known = self._known(member.rpartition("/")[0])
                for element in self._elements(member, place.element):
                    if not place.inside or element.around[-1][0] == place.inside:
                        yield {**empty, **known, **_row(element, place)}

    def _known(self, folder: str) -> Row:
        """What follows from where a row stands: its course, module and instance."""
        course = {
            "course": self._course,
            "courseid": self._course,
            "contextid": f"course {self._course}",
            "contextlevel": "50",
            "contextinstanceid": self._course,
        }
        if folder not in self._instances:
            return course
        module = folder.rpartition("_")[2]
        place = {"contextlevel": "70", "contextinstanceid": module, "coursemoduleid": module}
        return {**course, **place, **self._instances[folder]}

    def records(self) -> Iterator[Record]:
        """Rows of the state tables and of the log, each with its table's name."""
        number = 0
        for table in (*STATES, LOG):
            for row in self._all(table):
                number += 1
                yield number, (table, row)


def _row(element: Element, place: Place) -> Row:
    row = dict(element.attributes)
    for child in element.children:
        if not child.children:
            row[child.name] = _text(child.text.strip())
    for column, name in place.columns.items():
        row[column] = row.pop(name, "")
    around = dict(element.around)
    for column, (name, attribute) in place.around.items():
        row[column] = around.get(name, {}).get(attribute, "")
    return {**row, **place.made(element)}


def _text(text: str) -> str:
    return "" if text == NULL else text
