"""Moodle's state tables: what came of it, with better times and scores than the log's.

A row is one fact. It is known by its table, its id and, where the row changes as the learner
goes on, by the time of the change; so that reading a table again adds only what is new.

Example: Ben (user 12) finished his second attempt at quiz 8 with 3 of 4 points after 5 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_adapters.errors import RecordError
from platform_adapters.fingerprints import Fingerprints
from platform_adapters.formats import moodle_scorm
from platform_adapters.formats.moodle_tables import module_id, read_table
from platform_adapters.values import ratio, text_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_adapters.formats.moodle_tables import Lookups, Row

Fact = dict[str, object]
"""Fields of an interaction, with `time` and, if it is none, `ignore`: why."""

_64_BITS = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class StateRule:
    """What a row of a state table means.

    Attributes:
        fact: The fields, given the row and what it refers to.
        versions: Whether a later change of the row is another fact.
    """

    fact: Callable[[Row, Lookups], Fact]
    versions: bool = True


def _nothing(reason: str) -> Fact:
    return {"ignore": reason}


def completion_of(state: str, overridden: object) -> Fact:
    """What a completion state says: 0 not complete, 1 complete, 2 and passed, 3 and failed.

    Raises:
        RecordError: It is something else.
    """
    if state not in {"0", "1", "2", "3"}:
        raise RecordError("the completion state is not 0, 1, 2 or 3")
    return {
        "verb": "completed" if state != "0" else "uncompleted",
        "completion": state != "0",
        "success": {"2": True, "3": False}.get(state),
        "evidence": "override" if str(overridden or "0") != "0" else "observed",
    }


def grade_of(final: float | None, item: Row, *, overridden: bool) -> Fact:
    """What a final grade says, given its item; below a range from zero on it means none."""
    low = text_number(item.get("grademin"), "grade_items.grademin") or 0.0
    if final is None or (final < 0 <= low):
        return _nothing("grade without a value")
    passed = text_number(item.get("gradepass"), "grade_items.gradepass") or 0.0
    high = text_number(item.get("grademax"), "grade_items.grademax")
    measured = item.get("gradetype", "1") in {"", "1"}  # 2 is an ordinal scale, 3 a text
    return {
        "verb": "scored",
        "score": ratio(final, low, high) if measured else None,
        "raw": final,
        "min": low,
        "max": high,
        "success": final >= passed if passed > 0 else None,
        "evidence": "override" if overridden else "observed",
    }


def attempt_of(attempt: Row, lookups: Lookups) -> Fact:
    """Score, duration and number of a quiz attempt; unmarked ones have no score yet."""
    number = text_number(attempt.get("attempt"), "quiz_attempts.attempt")
    start = text_number(attempt.get("timestart"), "quiz_attempts.timestart")
    finish = text_number(attempt.get("timefinish"), "quiz_attempts.timefinish")
    raw = text_number(attempt.get("sumgrades"), "quiz_attempts.sumgrades")
    quiz = lookups.quizzes.get(attempt.get("quiz", ""), {})
    high = text_number(quiz.get("sumgrades"), "quiz.sumgrades")
    found: Fact = {"attempt": int(number) if number is not None else None}
    if start and finish and finish >= start:
        found["duration_seconds"] = finish - start
    return {**found, "raw": raw, "max": high, "score": ratio(raw, None, high)}


def _completion(row: Row, lookups: Lookups) -> Fact:
    if row["completionstate"] == "0":
        return _nothing("not complete, or no longer")
    module = row["coursemoduleid"]
    return {
        "learner": row["userid"],
        "item": module_id(module),
        "course": lookups.course_of(module),
        "time": row.get("timemodified"),
        **completion_of(row["completionstate"], row.get("overrideby")),
    }


def _grade(row: Row, lookups: Lookups) -> Fact:
    item = lookups.grade_items.get(row["itemid"])
    if item is None:
        return _nothing("grade whose item is not in grade_items: pass that table too")
    place = lookups.place_of_grade(item)
    if not place:
        return _nothing("grade of a module that is not in course_modules, or of a category")
    changed = [row.get(name, "") for name in ("timemodified", "timecreated")]
    time = next((value for value in changed if value not in {"", "0"}), "")
    if not time:
        return _nothing("grade without a time: computed, not given")
    final = text_number(row.get("finalgrade"), "grade_grades.finalgrade")
    overridden = row.get("overridden", "") not in {"", "0"}
    where = {"learner": row["userid"], "item": place, "course": item.get("courseid", "")}
    return {**where, "time": time, **grade_of(final, item, overridden=overridden)}


_ATTEMPTS = {
    "inprogress": ("started", "timestart"),
    "overdue": ("started", "timestart"),
    "submitted": ("attempted", "timefinish"),
    "finished": ("attempted", "timefinish"),
    "abandoned": ("attempted", "timefinish"),
}


def _came_to(row: Row) -> tuple[str, str]:
    """Verb of an attempt, and where its time stands; Moodle before 2.3 knows no state."""
    ended = row.get("timefinish", "") not in {"", "0"}
    return _ATTEMPTS.get(row.get("state") or ("finished" if ended else "inprogress"), ("", ""))


def _attempt(row: Row, lookups: Lookups) -> Fact:
    if row.get("preview") == "1":
        return _nothing("a teacher's preview")
    verb, when = _came_to(row)
    if not verb:
        return _nothing("quiz attempt not started")
    module = lookups.module("quiz", row["quiz"])
    if not module:
        return _nothing("attempt at a quiz that is not in course_modules: pass that table too")
    ended = verb == "attempted"
    time = next((row[n] for n in (when, "timemodified", "timestart") if row.get(n, "0") != "0"), "")
    outcome = attempt_of(row, lookups)
    return {
        "learner": row["userid"],
        "item": module_id(module),
        "course": lookups.course_of(module),
        "time": time,
        "verb": verb,
        "version": "ended" if ended else "started",
        **(outcome if ended else {"attempt": outcome["attempt"]}),
    }


def _course_completion(row: Row, lookups: Lookups) -> Fact:
    del lookups
    if row.get("timecompleted", "") in {"", "0"}:
        return _nothing("course not complete")
    return {
        "learner": row["userid"],
        "item": row["course"],
        "course": row["course"],
        "time": row["timecompleted"],
        "verb": "completed",
        "completion": True,
    }


def _enrolment(row: Row, lookups: Lookups) -> Fact:
    course = lookups.enrolments.get(row["enrolid"], "")
    if not course:
        return _nothing("enrolment whose course is not in enrol: pass that table too")
    times = [row.get(name, "") for name in ("timecreated", "timestart")]
    return {
        "learner": row["userid"],
        "item": course,
        "course": course,
        "time": next((value for value in times if value not in {"", "0"}), ""),
        "verb": "enrolled",
    }


RULES: Mapping[str, StateRule] = {
    "course_modules_completion": StateRule(_completion),
    "grade_grades": StateRule(_grade),
    "quiz_attempts": StateRule(_attempt),
    "scorm_scoes_track": StateRule(moodle_scorm.track),
    "scorm_scoes_value": StateRule(moodle_scorm.value),
    "course_completions": StateRule(_course_completion, versions=False),
    "user_enrolments": StateRule(_enrolment, versions=False),
}


class Told:
    """Facts that a state table tells, so that the log need not: 16 bytes each at most."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._facts: dict[str, Fingerprints] = {}

    def as_read(self) -> None:
        """Take the facts from the rows converted, which come before the log; read no table."""
        self._facts = {kind: Fingerprints() for kind in _KINDS.values()}

    def add(self, table: str, row: Row) -> None:
        """Remember what a row tells, if it tells something."""
        kind = _KINDS[table]
        if kind in self._facts and (key := self._key(table, row)):
            self._facts[kind].add(hash(key) & _64_BITS)

    def has(self, kind: str, key: tuple[str, ...]) -> bool:
        """Whether tables of this kind, which are read if that was not done yet, tell this."""
        if kind not in self._facts:
            self._facts[kind] = Fingerprints()
            self._lookups.prepare_tracks()
            for table in (name for name, its in _KINDS.items() if its == kind):
                for row in read_table(self._lookups.source, table):
                    self.add(table, row)
        return (hash(key) & _64_BITS) in self._facts[kind]

    def _key(self, table: str, row: Row) -> tuple[str, ...]:
        """What in the log names the fact of a row; nothing if the row tells nothing."""
        if table == "course_modules_completion":
            told = row["completionstate"] != "0"
            return (row["coursemoduleid"], row["userid"]) if told else ()
        if table == "grade_grades":
            return (row["id"],) if row.get("finalgrade") else ()
        if table == "quiz_attempts":
            return (row["id"],) if _came_to(row)[0] == "attempted" else ()
        if table == "course_completions":
            told = row.get("timecompleted", "") not in {"", "0"}
            return (row["course"], row["userid"]) if told else ()
        if table == "user_enrolments":
            return (row["id"],)
        track = self._lookups.whole_track(row) if table == "scorm_scoes_value" else row
        return (self._lookups.module("scorm", track["scormid"]), track["userid"]) if track else ()


_KINDS: Mapping[str, str] = {
    "course_modules_completion": "completion",
    "grade_grades": "grade",
    "quiz_attempts": "attempt",
    "course_completions": "course completion",
    "user_enrolments": "enrolment",
    "scorm_scoes_track": "SCORM track",
    "scorm_scoes_value": "SCORM track",
}
"""What the log calls a table's facts."""
