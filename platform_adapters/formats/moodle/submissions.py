"""What is handed in: assignments, workshops, choices, surveys and feedback.

Example: Ana handed in her work for the assignment in course module 341.
"""

from __future__ import annotations

from platform_adapters.formats.moodle.words import Rule, says

LOG_RULES = {
    "\\mod_assign\\event\\submission_graded": Rule("scored", "relateduserid"),
    "\\mod_assign\\event\\assessable_submitted": Rule("submitted", "author"),
    "\\mod_choice\\event\\answer_created": Rule("answered", "author"),
    "\\mod_choice\\event\\answer_submitted": Rule("answered", "author"),
    "\\mod_feedback\\event\\response_submitted": Rule("submitted", "author"),
    "\\mod_survey\\event\\response_submitted": Rule("submitted"),
    "\\mod_workshop\\event\\submission_created": Rule("submitted", "author"),
}
SENTENCES = (
    says(r"has submitted the submission with id", "submitted"),
    says(r"has graded the submission '\d+' for the user with id", "scored", learner=-1),
    says(r"(has uploaded|created) the submission with id", "submitted"),
    says(r"submitted a response for the survey", "submitted"),
    says(r"submitted response for '\w+' activity", "submitted"),
    says(r"made the choice with id", "answered"),
    says(r"has added the option with id", "answered", learner=-1),
)
