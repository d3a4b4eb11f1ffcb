"""All parts of Moodle, 3.11 to 5, as one; of two tables that a file may be, the first counts."""

from __future__ import annotations

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

TABLES = {
    **logs.TABLES,
    **completion.TABLES,
    **grades.TABLES,
    **quiz.TABLES,
    **scorm.TABLES,
    **course_completion.TABLES,
    **enrolment.TABLES,
    **people.TABLES,
    **courses.TABLES,
}
COLUMNS = {name: tuple(table.columns.split()) for name, table in TABLES.items()}
"""Nothing but these columns is read."""

STATES = tuple(name for name, table in TABLES.items() if table.fact)
"""Tables that hold what came of it, better than the log does; their rows are events."""

LOG_RULES = {
    **completion.LOG_RULES,
    **course_completion.LOG_RULES,
    **grades.LOG_RULES,
    **quiz.LOG_RULES,
    **scorm.LOG_RULES,
    **enrolment.LOG_RULES,
    **courses.LOG_RULES,
    **lesson.LOG_RULES,
    **submissions.LOG_RULES,
    **contributions.LOG_RULES,
}
SENTENCES = (
    *courses.SENTENCES,
    *enrolment.SENTENCES,
    *course_completion.SENTENCES,
    *quiz.SENTENCES,
    *submissions.SENTENCES,
    *lesson.SENTENCES,
    *scorm.SENTENCES,
    *contributions.SENTENCES,
)
__all__ = ["COLUMNS", "LOG", "LOG_RULES", "SENTENCES", "STATES", "TABLES"]
