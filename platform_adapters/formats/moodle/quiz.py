"""Quizzes: an attempt begins, and ends with points or without.

Example: Ben (user 12) finished his second attempt at quiz 8 with 3 of 4 points after 5 minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import words
from platform_adapters.values import ratio, text_number

if TYPE_CHECKING:
    from platform_adapters.engines.moodle_lookups import Lookups
    from platform_adapters.readers.xml_elements import Element

_STATES = {
    **dict.fromkeys(("inprogress", "overdue"), ("started", "timestart")),
    **dict.fromkeys(("submitted", "finished", "abandoned"), ("attempted", "timefinish")),
}


def _came_to(row: words.Row) -> tuple[str, str]:
    """Verb of an attempt, and where its time stands; Moodle before 2.3 knows no state."""
    ended = "finished" if words.is_set(row.get("timefinish")) else "inprogress"
    return _STATES.get(row.get("state") or ended, ("", ""))


def _started(row: words.Row, lookups: Lookups) -> words.Fact:
    number = lookups.started_attempts.get(row.get("objectid", ""))
    if number == 0:
        return words.none("a teacher's preview")
    return {"attempt": number} if number is not None and number > 0 else {}


def _points(row: words.Row, lookups: Lookups) -> words.Fact:
    """Score and duration; unmarked attempts have no score yet."""
    names = ("timestart", "timefinish", "sumgrades")
    start, finish, raw = (text_number(row.get(n), f"quiz_attempts.{n}") for n in names)
    quiz = lookups.quizzes.get(row.get("quiz", ""), {})
    high = text_number(quiz.get("sumgrades"), "quiz.sumgrades")
    taken = {"duration_seconds": finish - start} if start and finish and finish >= start else {}
    return {**taken, "raw": raw, "max": high, "score": ratio(raw, None, high)}


def _stored(row: words.Row, lookups: Lookups) -> words.Fact:
    if row.get("preview") == "1":
        return words.none("a teacher's preview")
    verb, when = _came_to(row)
    if not verb:
        return words.none("quiz attempt not started")
    module = lookups.module("quiz", row["quiz"])
    if not module:
        return words.none("attempt at a quiz that is not in course_modules: pass that table too")
    points, number = _points(row, lookups), text_number(row.get("attempt"), "quiz_attempts.attempt")
    return {
        "learner": row["userid"],
        "item": words.module_id(module),
        "course": lookups.course_of(module),
        "time": words.latest(row, when, "timemodified", "timestart"),
        "verb": verb,
        "version": "ended" if verb == "attempted" else "started",
        "attempt": int(number) if number is not None else None,
        **(points if verb == "attempted" else {}),
    }


def _sum(element: Element) -> words.Row:
    text = element.text.strip()
    return {element.name: "" if text == words.NULL else text}


_ENDED = words.Rule("attempted", "relateduserid", told=("attempt", words.OF_OBJECT))
_EVENT = "\\mod_quiz\\event\\"
LOG_RULES = {
    _EVENT + "attempt_started": words.Rule("started", "relateduserid", outcome=_started),
    _EVENT + "attempt_submitted": _ENDED,
    _EVENT + "attempt_abandoned": _ENDED,
    _EVENT + "question_manually_graded": words.Rule("scored", "relateduserid"),
}
SENTENCES = (
    words.says(r"has started the attempt with id", "started", learner=-1),
    words.says(r"has submitted the attempt with id", "attempted", learner=-1),
    words.says(r"has had their attempt with id '\d+' marked as abandoned", "attempted", learner=-1),
)
_QUIZ, _FILES = {"id": ("quiz", "id")}, "activities/quiz_*/quiz.xml"
TABLES = {
    "quiz_attempts": words.Table(
        "id quiz userid attempt preview state timestart timefinish timemodified sumgrades",
        "id quiz attempt timefinish",
        places=(
            words.Place(_FILES, "attempt", {"attempt": "attemptnum"}, {"quiz": ("quiz", "id")}),
        ),
        fact=_stored,
        tells="attempt",
        key=lambda row, _: (row["id"],) if _came_to(row)[0] == "attempted" else (),
        changed=("timemodified", "timestart"),
        example="Ben finished his second attempt at quiz 8 with 3 of 4 points in 5 minutes.",
    ),
    "quiz": words.Table(
        "id course name sumgrades",
        "id sumgrades timelimit",
        places=(words.Place(_FILES, "sumgrades", around=_QUIZ, made=_sum, inside="quiz"),),
    ),
}
