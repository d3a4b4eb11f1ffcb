"""Canvas Data 2's `web_logs`: requests, kept for 30 days; with `wiki_pages` those for pages, too.

Rows of somebody who acts as a student are nobody's learning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from platform_adapters.declared_rows import Rows
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join
from platform_adapters.formats.canvas_data import enrolments, words

if TYPE_CHECKING:
    from platform_adapters.fields import Row

_PAGE = re.compile(r"/courses/\d+(?:~\d+)?/pages/([^/?#]+)")
_FILE = re.compile(r"/courses/\d+(?:~\d+)?/files/(\d+)(?:[/?#]|$)")
_KINDS = ("quiz", "discussion_topic", "assignment", "wiki_page", "attachment")


def _both(course: object, slug: object) -> tuple[str, str]:
    return str(course), str(slug)


def _slug(row: Row) -> str:
    """The page that an address names; empty if it names none."""
    found = _PAGE.search(str(row.get("url") or ""))
    return unquote(found[1]) if found else ""


def _file(row: Row) -> str | None:
    found = _FILE.search(str(row.get("url") or ""))
    return found[1] if found else None


def _seen(*named: object) -> str | None:
    """What a request was for: the most special thing that the log names."""
    both = zip(_KINDS, named, strict=True)
    return next((f"{kind}:{own}" for kind, own in both if own), None)


_PAGES = Side(
    what="Canvas Data 2's table wiki_pages",
    marks={"id", "url", "context_id", "title"},
    key=Apply(_both, ("context_id", "url")),
)
_PAGE_OF = Join(_PAGES, Apply(_both, ("course_id", _slug)), "id")

ROWS = Rows(
    name="web",
    what="Canvas Data 2's table web_logs",
    example="Ana opened page 88 of course 17 on 1 March at 9:00.",
    marks={"url", "http_method", "real_user_id", "user_id", "timestamp"},
    learner="user_id",
    item=Apply(_seen, ("quiz_id", "discussion_id", "assignment_id", _PAGE_OF, _file)),
    time="timestamp",
    event="http_method",
    verbs={"GET": "viewed"},
    otherwise="a request that changes something: its table says what",
    rules=(words.ITSELF, enrolments.students("course_id")),
    fields={"course": "course_id", "session": "session_id"},
    identity="id",
)
