"""Moodle: the log store `mdl_logstore_standard_log` as CSV, with optional side tables.

Fields and events as in Moodle's `admin/tool/log/store/standard/db/install.xml` and its event
classes. What goes wrong in naive readers, and is kept here:

- the learner stands in `relateduserid` for some events and in `userid` for others; the wrong
  column makes a teacher of every learner;
- anonymous rows, rows of somebody "logged in as" somebody else, guests, and what cron does in
  a learner's name are nobody's learning;
- only `id` tells rows apart: time, user and event name repeat;
- an item is a course module id, never the instance of the module.

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_adapters.catalogues import moodle as catalogues_moodle
from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.formats import moodle_page, moodle_tables
from platform_adapters.formats.moodle_other import parse_other
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.values import (
    Clock,
    event_id,
    event_namespace,
    hashed,
    identifier,
    ratio,
    text_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.formats.moodle_tables import SideTables

Row = dict[str, str]

REQUIRED = ("eventname", "userid", "timecreated")
_SAFE_NAME = re.compile(r"\\[a-z0-9_]{1,60}\\event\\[a-z0-9_]{1,80}")
_ACTED_BY_SERVER = frozenset({"cli", "cron", "restore"})
_NO_COURSE = frozenset({"", "0", "1"})
_MODULE_CONTEXT = "70"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        learner: Column that names the learner.
        about: `module`, `course`, or `grade` (the grade item says which).
        outcome: Adds scores and the like; may change the verb.
    """

    verb: str
    learner: str = "userid"
    about: str = "module"
    outcome: Callable[[Row, SideTables], dict[str, object]] | None = None


def _completion(row: Row, tables: SideTables) -> dict[str, object]:
    """0 not complete, 1 complete, 2 complete and passed, 3 complete and failed."""
    del tables
    other = parse_other(row.get("other", ""))
    state = str(other.get("completionstate", ""))
    if state not in {"0", "1", "2", "3"}:
        raise RecordError("other.completionstate is not 0, 1, 2 or 3")
    overridden = str(other.get("overrideby") or "0") != "0"
    return {
        "verb": "completed" if state != "0" else "uncompleted",
        "completion": state != "0",
        "success": {"2": True, "3": False}.get(state),
        "evidence": "override" if overridden else "observed",
    }


def _course_done(row: Row, tables: SideTables) -> dict[str, object]:
    del row, tables
    return {"completion": True}


def _grade(row: Row, tables: SideTables) -> dict[str, object]:
    """A final grade; its item says the range, and whether it is a module's or the course's."""
    other = parse_other(row.get("other", ""))
    item = tables.grade_items.get(str(other.get("itemid", "")))
    if item is None:
        return {"ignore": "grade whose item is not in grade_items: pass that table too"}
    place = tables.place_of_grade(item)
    if not place:
        return {"ignore": "grade of a module that is not in course_modules, or of a category"}
    final = text_number(other.get("finalgrade"), "other.finalgrade")
    kept = tables.grades.get(row.get("objectid", ""))
    if final is None and kept is not None:
        final = text_number(kept.get("finalgrade"), "grade_grades.finalgrade")
    if final is None or final == -1:  # exports write -1 for "no grade"
        return {"ignore": "grade without a value"}
    passed = text_number(item.get("gradepass"), "grade_items.gradepass") or 0.0
    low = text_number(item.get("grademin"), "grade_items.grademin") or 0.0
    high = text_number(item.get("grademax"), "grade_items.grademax")
    measured = item.get("gradetype", "1") in {"", "1"}  # 2 is an ordinal scale, 3 a text
    return {
        "item": place,
        "score": ratio(final, low, high) if measured else None,
        "raw": final,
        "min": low,
        "max": high,
        "success": final >= passed if passed > 0 else None,
        "evidence": "override" if other.get("overridden") is True else "observed",
    }


def _attempt(row: Row, tables: SideTables) -> dict[str, object]:
    """A quiz attempt: its score, duration and number stand in `quiz_attempts`."""
    attempt = tables.quiz_attempts.get(row.get("objectid", ""))
    if attempt is None:
        return {}
    if attempt.get("preview") == "1":
        return {"ignore": "a teacher's preview"}
    found: dict[str, object] = {}
    number = text_number(attempt.get("attempt"), "quiz_attempts.attempt")
    start = text_number(attempt.get("timestart"), "quiz_attempts.timestart")
    finish = text_number(attempt.get("timefinish"), "quiz_attempts.timefinish")
    found["attempt"] = int(number) if number is not None else None
    if start and finish and finish >= start:
        found["duration_seconds"] = finish - start
    raw = text_number(attempt.get("sumgrades"), "quiz_attempts.sumgrades")
    quiz = tables.quizzes.get(attempt.get("quiz", ""), {})
    high = text_number(quiz.get("sumgrades"), "quiz.sumgrades")
    return {**found, "raw": raw, "max": high, "score": ratio(raw, 0.0, high)}


def _preview(row: Row, tables: SideTables) -> dict[str, object]:
    """The attempt's number only: when it starts there is no outcome yet."""
    found = _attempt(row, tables)
    return {k: v for k, v in found.items() if k in {"ignore", "attempt"}}


def _scorm_score(row: Row, tables: SideTables) -> dict[str, object]:
    del tables
    other = parse_other(row.get("other", ""))
    return {"raw": text_number(other.get("cmivalue"), "other.cmivalue")}


_SCORM_VERBS = {
    "completed": "completed",
    "passed": "passed",
    "failed": "failed",
    "incomplete": "progressed",
}


def _scorm_status(row: Row, tables: SideTables) -> dict[str, object]:
    del tables
    status = str(parse_other(row.get("other", "")).get("cmivalue", "")).lower()
    verb = _SCORM_VERBS.get(status)
    return {"verb": verb} if verb else {"ignore": "SCORM status that is not learning"}


_CORE = "\\core\\event\\"
RULES: Mapping[str, Rule] = {
    _CORE + "course_viewed": Rule("viewed", about="course"),
    _CORE + "course_module_completion_updated": Rule(
        "completed", "relateduserid", outcome=_completion
    ),
    _CORE + "course_completed": Rule("completed", "relateduserid", "course", _course_done),
    _CORE + "user_enrolment_created": Rule("enrolled", "relateduserid", "course"),
    _CORE + "user_enrolment_deleted": Rule("unenrolled", "relateduserid", "course"),
    _CORE + "user_graded": Rule("scored", "relateduserid", "grade", _grade),
    "\\core_h5p\\event\\h5p_viewed": Rule("viewed"),
    "\\mod_book\\event\\chapter_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\content_page_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\question_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\question_answered": Rule("answered"),
    "\\mod_lesson\\event\\lesson_ended": Rule("completed"),
    "\\mod_quiz\\event\\attempt_started": Rule("started", "relateduserid", outcome=_preview),
    "\\mod_quiz\\event\\attempt_submitted": Rule("attempted", "relateduserid", outcome=_attempt),
    "\\mod_quiz\\event\\attempt_abandoned": Rule("attempted", "relateduserid", outcome=_attempt),
    "\\mod_quiz\\event\\question_manually_graded": Rule("scored", "relateduserid"),
    "\\mod_assign\\event\\submission_graded": Rule("scored", "relateduserid"),
    "\\mod_assign\\event\\assessable_submitted": Rule("submitted", "author"),
    "\\mod_scorm\\event\\scoreraw_submitted": Rule("scored", outcome=_scorm_score),
    "\\mod_scorm\\event\\status_submitted": Rule("progressed", outcome=_scorm_status),
    "\\mod_forum\\event\\discussion_created": Rule("interacted"),
    "\\mod_forum\\event\\post_created": Rule("interacted"),
    "\\mod_glossary\\event\\entry_created": Rule("interacted"),
    "\\mod_glossary\\event\\comment_created": Rule("interacted"),
    "\\mod_wiki\\event\\page_created": Rule("interacted"),
    "\\mod_wiki\\event\\page_updated": Rule("interacted"),
    "\\mod_wiki\\event\\comment_created": Rule("interacted"),
}

IGNORED: Mapping[str, str] = {
    "\\mod_quiz\\event\\attempt_reviewed": "looking at an attempt, often by a teacher",
    "\\mod_quiz\\event\\attempt_viewed": "looking at an attempt, often by a teacher",
    _CORE + "user_enrolment_updated": "enrolment changed; the log does not say how",
}


def rule_for(name: str) -> Rule | None:
    """The rule of a native event; any module's `course_module_viewed` is a view."""
    if name.endswith("\\course_module_viewed") and name.startswith("\\mod_"):
        return Rule("viewed")
    return RULES.get(name)


def reason_for(name: str) -> str:
    """Why an event without a rule is ignored, naming it only if the name is one of Moodle's."""
    if name in IGNORED:
        return IGNORED[name]
    if _SAFE_NAME.fullmatch(name):
        return f"no learning event: {name}"
    return "no learning event"


class MoodleSession:
    """One import of log rows with the side tables at hand."""

    def __init__(self, options: AdaptOptions, tables: SideTables) -> None:
        self._tables = tables
        self._namespace = event_namespace(options.platform)
        self._clock = Clock(options.timezone, "timecreated")
        self._rules: dict[str, Rule | None] = {}
        self._page_times = moodle_page.PageTimes(options)

    def convert(self, record: Row, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if "Event name" in record:
            return moodle_page.convert_row(record, line, self._page_times)
        name = record["eventname"]
        if name not in self._rules:
            if not name:
                raise RecordError("eventname is empty")
            self._rules[name] = rule_for(name)
        rule = self._rules[name]
        if rule is None:
            return Ignored(reason_for(name), line)
        nobody = _nobody(record, rule)
        if nobody:
            return Ignored(nobody, line)
        found = rule.outcome(record, self._tables) if rule.outcome else {}
        if "ignore" in found:
            return Ignored(str(found["ignore"]), line)
        item, course = _place(record, rule, found)
        if not item:
            return Ignored("no item: the export has no contextinstanceid, or no course", line)
        values = {"verb": rule.verb, **found}
        values.pop("item", None)
        native = record.get("id", "")
        return Interaction(
            event_id=event_id(self._namespace, f"logstore:{native}") if native else hashed(record),
            learner=_learner(record, rule),
            item=item,
            timestamp=self._clock.seconds(record["timecreated"]),
            order=None,
            course=course,
            source=f"moodle:{name}",
            **values,  # type: ignore[arg-type]  # keys and types are those of the outcomes above
        )


def _nobody(row: Row, rule: Rule) -> str:
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


def _learner(row: Row, rule: Rule) -> str:
    if rule.learner == "author":  # somebody may submit on another's behalf
        related = row.get("relateduserid", "")
        return related if related not in {"", "0"} else row["userid"]
    return identifier(row[rule.learner], rule.learner)


def _place(row: Row, rule: Rule, found: Mapping[str, object]) -> tuple[str, str]:
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
    return (identifier(module, "contextinstanceid"), course) if module else ("", course)


def _is_log(columns: Sequence[str]) -> bool:
    return "eventname" in columns or set(columns) >= moodle_page.COLUMNS


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs (of the log store or of the report page), and everything else."""
    logs = [path for path in paths if _is_log(read_header(path))]
    return logs, [path for path in paths if path not in logs]


def prepare(paths: Sequence[Path], options: AdaptOptions) -> MoodleSession:
    """Read the side tables among the inputs."""
    _, sides = split(paths)
    return MoodleSession(options, moodle_tables.read_tables(sides))


def records(path: Path) -> Iterator[Record]:
    """Rows of the log."""
    on_page = "eventname" not in read_header(path)
    return read_csv(path, tuple(moodle_page.COLUMNS) if on_page else REQUIRED)


FORMAT = Format(
    name="moodle",
    summary="Moodle's logstore_standard_log with side tables, or its Logs page (CSV; .gz)",
    tried_on="never on a live site's log; written after Moodle's schema and event classes",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_moodle.read_catalogue,
    is_catalogue=catalogues_moodle.is_catalogue,
    signs=(
        Sign(
            "Moodle's table logstore_standard_log",
            frozenset({"eventname", "userid", "timecreated"}),
        ),
        Sign("the CSV of Moodle's Logs page", moodle_page.COLUMNS, ("csv",)),
        Sign(
            "Moodle's table course",
            frozenset({"id", "fullname", "shortname"}),
            role="catalogue",
        ),
        Sign(
            "Moodle's table course_modules",
            frozenset({"id", "course", "module", "instance"}),
            role="catalogue",
        ),
    ),
    example="Ana (user 12) opened the page *Photosynthesis* (course module 340).",
)
