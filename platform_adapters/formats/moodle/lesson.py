"""Lessons: pages seen, questions answered, the end.

Example: Ana answered a question of the lesson in course module 343.
"""

from __future__ import annotations

from platform_adapters.formats.moodle.words import Rule, says

_EVENT = "\\mod_lesson\\event\\"
LOG_RULES = {
    _EVENT + "content_page_viewed": Rule("viewed"),
    _EVENT + "question_viewed": Rule("viewed"),
    _EVENT + "question_answered": Rule("answered"),
    _EVENT + "lesson_started": Rule("started"),
    _EVENT + "lesson_ended": Rule("completed"),
}
SENTENCES = (
    says(r"has viewed the .{1,60} question with id", "viewed"),
    says(r"has answered the .{1,60} question with id", "answered"),
    says(r"started the lesson with course module id", "started"),
    says(r"(has )?ended the lesson with course module id", "completed"),
)
