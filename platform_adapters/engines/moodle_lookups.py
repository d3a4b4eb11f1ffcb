"""What Moodle's log and state tables refer to; each table is read when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from platform_adapters.engines.moodle_tables import read_table
from platform_adapters.fingerprints import Fingerprints
from platform_adapters.formats.moodle.scorm import BOUNDS
from platform_adapters.formats.moodle.tables import TABLES
from platform_adapters.formats.moodle.words import module_id

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_tables import TableSource
    from platform_adapters.formats.moodle.words import Row

_64_BITS = (1 << 64) - 1


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


class Lookups:
    """What the log and the state tables refer to; each table is read when it is first needed."""

    def __init__(self, source: TableSource) -> None:
        self.source = source

    def _by_id(self, table: str) -> dict[str, Row]:
        return {row["id"]: row for row in read_table(self.source, table)}

    @cached_property
    def grade_items(self) -> dict[str, Row]:
        """Ranges and places of grades."""
        return self._by_id("grade_items")

    @cached_property
    def quizzes(self) -> dict[str, Row]:
        """Maximum of each quiz."""
        return self._by_id("quiz")

    @cached_property
    def started_attempts(self) -> dict[str, int]:
        """Number of each quiz attempt; 0 for a teacher's preview. A number each: there are many."""
        rows = read_table(self.source, "quiz_attempts")
        return {row["id"]: 0 if row["preview"] == "1" else _number(row["attempt"]) for row in rows}

    @cached_property
    def enrolments(self) -> dict[str, str]:
        """Course of each way to enrol."""
        return {row["id"]: row["courseid"] for row in read_table(self.source, "enrol")}

    @cached_property
    def scorm_attempts(self) -> dict[str, tuple[str, str, str]]:
        """Learner, package and number of each SCORM attempt (Moodle 4.3 and later)."""
        rows = read_table(self.source, "scorm_attempt")
        return {row["id"]: (row["userid"], row["scormid"], row["attempt"]) for row in rows}

    @cached_property
    def scorm_elements(self) -> dict[str, str]:
        """Names of SCORM's elements (Moodle 4.3 and later)."""
        return {row["id"]: row["element"] for row in read_table(self.source, "scorm_element")}

    @staticmethod
    def track_key(row: Row) -> tuple[str, ...]:
        """What makes an attempt at an object of a SCORM package."""
        return row["scormid"], row["userid"], row["attempt"], row["scoid"]

    def whole_track(self, row: Row) -> Row | None:
        """A row of `scorm_scoes_value` as `scorm_scoes_track` had it; None if parts are missing."""
        attempt = self.scorm_attempts.get(row["attemptid"])
        element = self.scorm_elements.get(row["elementid"])
        if attempt is None or element is None:
            return None
        user, package, number = attempt
        return {**row, "userid": user, "scormid": package, "attempt": number, "element": element}

    def prepare_tracks(self) -> None:
        """Read what tracks refer to, since not every database reads two tables at a time."""
        _ = self.scorm_attempts, self.scorm_elements, self._modules

    @cached_property
    def scorm_bounds(self) -> dict[tuple[str, ...], Row]:
        """Minimum, maximum and scaled score of each attempt at each object of a package."""
        self.prepare_tracks()
        named = ("element", tuple(BOUNDS))
        ids = [int(i) for i, element in self.scorm_elements.items() if element in BOUNDS]
        old = read_table(self.source, "scorm_scoes_track", equal=named)
        new = read_table(self.source, "scorm_scoes_value", equal=("elementid", ids)) if ids else ()
        found: dict[tuple[str, ...], Row] = {}
        for row in (*old, *filter(None, map(self.whole_track, new))):
            found.setdefault(self.track_key(row), {})[BOUNDS[row["element"]]] = row["value"]
        return found

    @cached_property
    def _modules(self) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        kinds = {row["id"]: row["name"] for row in read_table(self.source, "modules")}
        courses, places = {}, {}
        for row in read_table(self.source, "course_modules"):
            kind = row.get("modname") or kinds.get(row["module"], row["module"])
            courses[row["id"]] = row["course"]
            places[kind, row["instance"]] = row["id"]
        return courses, places

    def module(self, kind: str, instance: str) -> str:
        """The course module of an instance, which is how grades and attempts name it; or empty."""
        return self._modules[1].get((kind, instance), "")

    def course_of(self, module: str) -> str:
        """The course of a course module; empty if unknown."""
        return self._modules[0].get(module, "")

    def place_of_grade(self, item: Row) -> str:
        """The course module or course that a grade item grades; empty if unknown."""
        if item.get("itemtype") == "course":
            return item.get("courseid", "")
        if item.get("itemtype") != "mod":
            return ""
        module = self.module(item.get("itemmodule", ""), item.get("iteminstance", ""))
        return module_id(module) if module else ""


class Told:
    """Facts that a state table tells, so that the log need not: 16 bytes each at most."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._facts: dict[str, Fingerprints] = {}

    def as_read(self) -> None:
        """Take the facts from the rows converted, which come before the log; read no table."""
        self._facts = {table.tells: Fingerprints() for table in TABLES.values() if table.tells}

    def add(self, table: str, row: Row) -> None:
        """Remember what a row tells, if it tells something."""
        facts = self._facts.get(TABLES[table].tells)
        if facts is not None and (key := TABLES[table].key(row, self._lookups)):
            facts.add(hash(key) & _64_BITS)

    def has(self, kind: str, key: tuple[str, ...]) -> bool:
        """Whether tables of this kind, which are read if that was not done yet, tell this."""
        if kind not in self._facts:
            self._facts[kind] = Fingerprints()
            self._lookups.prepare_tracks()
            for name in (name for name, table in TABLES.items() if table.tells == kind):
                for row in read_table(self._lookups.source, name):
                    self.add(name, row)
        return (hash(key) & _64_BITS) in self._facts[kind]
