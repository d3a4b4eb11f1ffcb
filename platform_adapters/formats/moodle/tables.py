"""All parts of Moodle, 3.11 to 5, as one; of two tables that a file may be, the first counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.formats.moodle import (
    completion,
    contributions,
    course_completion,
    courses,
    enrolment,
    grades,
    lesson,
    logs,
    people,
    quiz,
    scorm,
    submissions,
)
from platform_adapters.formats.moodle.logs import LOG

if TYPE_CHECKING:
    from platform_adapters.formats.moodle.words import Rule, Sentence, Table

_HAVE_TABLES = (
    *(logs, completion, grades, quiz, scorm, course_completion, enrolment, people, courses),
)
_HAVE_RULES = (
    *(completion, course_completion, grades, quiz, scorm, enrolment, courses, lesson),
    *(submissions, contributions),
)
_HAVE_SENTENCES = (
    *(courses, enrolment, course_completion, quiz, submissions, lesson, scorm, contributions),
)
TABLES: dict[str, Table] = {n: table for p in _HAVE_TABLES for n, table in p.TABLES.items()}
LOG_RULES: dict[str, Rule] = {n: rule for p in _HAVE_RULES for n, rule in p.LOG_RULES.items()}
SENTENCES: tuple[Sentence, ...] = tuple(one for p in _HAVE_SENTENCES for one in p.SENTENCES)
COLUMNS = {name: tuple(table.columns.split()) for name, table in TABLES.items()}
"""Nothing but these columns is read."""

STATES = tuple(name for name, table in TABLES.items() if table.fact)
"""Tables that hold what came of it, better than the log does; their rows are events."""

__all__ = ["COLUMNS", "LOG", "LOG_RULES", "SENTENCES", "STATES", "TABLES"]
