"""Moodle's log, `logstore_standard_log`: what each of its events means.

Fields and events as in Moodle's `admin/tool/log/store/standard/db/install.xml` and its event
classes. What goes wrong in naive readers, and is kept here:

- the learner stands in `relateduserid` for some events and in `userid` for others; the wrong
  column makes a teacher of every learner;
- anonymous rows, rows of somebody "logged in as" somebody else, guests, and what cron does in
  a learner's name are nobody's learning;
- an item is a course module id, never the instance of the module;
- what a state table tells better is left to that table, row by row: a table that was emptied
  when a course was reset does not take the log's facts away.

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_adapters.formats.moodle_other import parse_other
from platform_adapters.formats.moodle_scorm import VERBS as SCORM_VERBS
from platform_adapters.formats.moodle_state import completion_of, grade_of
from platform_adapters.formats.moodle_tables import module_id
from platform_adapters.values import identifier, text_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_adapters.formats.moodle_tables import Lookups, Row

REQUIRED = ("eventname", "userid", "timecreated")
_SAFE_NAME = re.compile(r"\\[a-z0-9_]{1,60}\\event\\[a-z0-9_]{1,80}")
_ACTED_BY_SERVER = frozenset({"cli", "cron", "restore"})
_NO_COURSE = frozenset({"", "0", "1"})
_MODULE_CONTEXT = "70"

_OF_MODULE = ("contextinstanceid", "relateduserid")
_OF_COURSE = ("courseid", "relateduserid")
_OF_OBJECT = ("objectid",)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        learner: Column that names the learner; `author` is the one on whose behalf it was done.
        about: `module`, `course`, or `grade` (the grade item says which).
        outcome: Adds scores and the like; may change the verb.
        told: What tells it better (see `moodle_state.Told`), and the columns that name the fact.
    """

    verb: str
    learner: str = "userid"
    about: str = "module"
    outcome: Callable[[Row, Lookups], dict[str, object]] | None = None
    told: tuple[str, tuple[str, ...]] | None = None


def _completion(row: Row, lookups: Lookups) -> dict[str, object]:
    del lookups
    other = parse_other(row.get("other", ""))
    return completion_of(str(other.get("completionstate", "")), other.get("overrideby"))


def _course_done(row: Row, lookups: Lookups) -> dict[str, object]:
    del row, lookups
    return {"completion": True}


def _grade(row: Row, lookups: Lookups) -> dict[str, object]:
    """A final grade; its item says the range, and whether it is a module's or the course's."""
    other = parse_other(row.get("other", ""))
    item = lookups.grade_items.get(str(other.get("itemid", "")))
    if item is None:
        return {"ignore": "grade whose item is not in grade_items: pass that table too"}
    place = lookups.place_of_grade(item)
    if not place:
        return {"ignore": "grade of a module that is not in course_modules, or of a category"}
    final = text_number(other.get("finalgrade"), "other.finalgrade")
    overridden = other.get("overridden") is True
    return {"item": place, **grade_of(final, item, overridden=overridden)}


def _attempt(row: Row, lookups: Lookups) -> dict[str, object]:
    """The attempt's number, if it stands in `quiz_attempts`."""
    number = lookups.started_attempts.get(row.get("objectid", ""))
    if number == 0:
        return {"ignore": "a teacher's preview"}
    return {"attempt": number} if number is not None and number > 0 else {}


def _scorm_score(row: Row, lookups: Lookups) -> dict[str, object]:
    del lookups
    other = parse_other(row.get("other", ""))
    return {"raw": text_number(other.get("cmivalue"), "other.cmivalue")}


def _scorm_status(row: Row, lookups: Lookups) -> dict[str, object]:
    del lookups
    status = str(parse_other(row.get("other", "")).get("cmivalue", "")).lower()
    verb = SCORM_VERBS.get(status)
    return {"verb": verb} if verb else {"ignore": "SCORM status that is not learning"}


_CORE = "\\core\\event\\"
RULES: Mapping[str, Rule] = {
    _CORE + "course_viewed": Rule("viewed", about="course"),
    _CORE + "course_module_completion_updated": Rule(
        "completed", "relateduserid", outcome=_completion, told=("completion", _OF_MODULE)
    ),
    _CORE + "course_completed": Rule(
        "completed", "relateduserid", "course", _course_done, ("course completion", _OF_COURSE)
    ),
    _CORE + "user_enrolment_created": Rule(
        "enrolled", "relateduserid", "course", told=("enrolment", _OF_OBJECT)
    ),
    _CORE + "user_enrolment_deleted": Rule("unenrolled", "relateduserid", "course"),
    _CORE + "user_graded": Rule("scored", "relateduserid", "grade", _grade, ("grade", _OF_OBJECT)),
    "\\core_h5p\\event\\h5p_viewed": Rule("viewed"),
    "\\mod_book\\event\\chapter_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\content_page_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\question_viewed": Rule("viewed"),
    "\\mod_lesson\\event\\question_answered": Rule("answered"),
    "\\mod_lesson\\event\\lesson_ended": Rule("completed"),
    "\\mod_quiz\\event\\attempt_started": Rule("started", "relateduserid", outcome=_attempt),
    "\\mod_quiz\\event\\attempt_submitted": Rule(
        "attempted", "relateduserid", told=("attempt", _OF_OBJECT)
    ),
    "\\mod_quiz\\event\\attempt_abandoned": Rule(
        "attempted", "relateduserid", told=("attempt", _OF_OBJECT)
    ),
    "\\mod_quiz\\event\\question_manually_graded": Rule("scored", "relateduserid"),
    "\\mod_assign\\event\\submission_graded": Rule("scored", "relateduserid"),
    "\\mod_assign\\event\\assessable_submitted": Rule("submitted", "author"),
    "\\mod_scorm\\event\\scoreraw_submitted": Rule(
        "scored", "author", outcome=_scorm_score, told=("SCORM track", _OF_MODULE)
    ),
    "\\mod_scorm\\event\\status_submitted": Rule(
        "progressed", "author", outcome=_scorm_status, told=("SCORM track", _OF_MODULE)
    ),
    "\\mod_forum\\event\\discussion_created": Rule("interacted"),
    "\\mod_forum\\event\\post_created": Rule("interacted"),
    "\\mod_glossary\\event\\entry_created": Rule("interacted"),
    "\\mod_glossary\\event\\comment_created": Rule("interacted"),
    "\\mod_wiki\\event\\page_created": Rule("interacted"),
    "\\mod_wiki\\event\\page_updated": Rule("interacted"),
    "\\mod_wiki\\event\\comment_created": Rule("interacted"),
    "\\mod_forum\\event\\discussion_viewed": Rule("viewed"),
    "\\mod_choice\\event\\answer_created": Rule("answered", "author"),
    "\\mod_choice\\event\\answer_submitted": Rule("answered", "author"),
    "\\mod_feedback\\event\\response_submitted": Rule("submitted", "author"),
    "\\mod_survey\\event\\response_submitted": Rule("submitted"),
    "\\mod_workshop\\event\\submission_created": Rule("submitted", "author"),
    "\\mod_data\\event\\record_created": Rule("interacted"),
    "\\mod_h5pactivity\\event\\statement_received": Rule("interacted"),
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
