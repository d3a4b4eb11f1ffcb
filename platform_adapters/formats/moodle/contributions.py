"""What learners write for each other, and what interactive content tells.

Example: Ana wrote a post in the forum of course module 345.
"""

from __future__ import annotations

from platform_adapters.formats.moodle.words import Rule, says

LOG_RULES = {
    "\\core_h5p\\event\\h5p_viewed": Rule("viewed"),
    "\\mod_book\\event\\chapter_viewed": Rule("viewed"),
    "\\mod_forum\\event\\discussion_viewed": Rule("viewed"),
    **dict.fromkeys(
        (
            "\\mod_forum\\event\\discussion_created",
            "\\mod_forum\\event\\post_created",
            "\\mod_glossary\\event\\entry_created",
            "\\mod_glossary\\event\\comment_created",
            "\\mod_wiki\\event\\page_created",
            "\\mod_wiki\\event\\page_updated",
            "\\mod_wiki\\event\\comment_created",
            "\\mod_data\\event\\record_created",
            "\\mod_h5pactivity\\event\\statement_received",
        ),
        Rule("interacted"),
    ),
}
SENTENCES = (
    says(r"has created the (discussion|post|glossary entry) with id", "interacted"),
    says(r"(created|updated) the (page|data record) with id", "interacted"),
    says(r"added a comment with id '\d+' on the page", "interacted"),
)
