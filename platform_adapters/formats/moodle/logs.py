"""The log, `logstore_standard_log` (Moodle's `admin/tool/log/store/standard/db/install.xml`).

What goes wrong in naive readers, and is kept: the learner stands in `relateduserid` for some
events and in `userid` for others; anonymous rows, rows of somebody "logged in as" another, guests
and what cron does are nobody's learning; an item is a course module id, never an instance; what a
table tells better is left to it, row by row: one emptied by a reset takes no fact away.

Example: Ana (user 12) opened the page *Photosynthesis* (course module 340).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from platform_adapters.formats.moodle.words import NULL, Place, Row, Table

if TYPE_CHECKING:
    from platform_adapters.readers.xml_elements import Element

LOG = "logstore_standard_log"
IGNORED = {
    "\\mod_quiz\\event\\attempt_reviewed": "looking at an attempt, often by a teacher",
    "\\mod_quiz\\event\\attempt_viewed": "looking at an attempt, often by a teacher",
    "\\core\\event\\user_enrolment_updated": "enrolment changed; the log does not say how",
}


def _other(element: Element) -> Row:
    text = element.get("other")
    try:
        return {
            "other": "" if text in {"", NULL} else base64.b64decode(text).decode(errors="replace")
        }
    except binascii.Error:
        return {"other": text}


TABLES = {
    LOG: Table(
        "id eventname objectid contextlevel contextinstanceid userid courseid relateduserid "
        "anonymous other timecreated origin realuserid",
        "eventname userid timecreated",
        places=(
            Place("activities/*/logstores.xml", LOG, made=_other),
            Place("course/logstores.xml", LOG, made=_other),
        ),
        example="Ana (user 12) opened the page *Photosynthesis* (course module 340).",
    )
}
