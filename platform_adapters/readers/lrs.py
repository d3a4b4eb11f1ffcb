"""Statements of a learning record store, page by page (xAPI 1.0.3 and 2.0, GET statements).

After section 2.1.3 of the communication part of the specification, and what stores really do:

- statements are asked for in ascending order, `exact`, without attachments, and `more` is
  followed as it is given, on the same server only;
- a store that says `X-Experience-API-Consistent-Through` orders by `stored`, and whatever it
  stores from then on is newer; one that does not (Ralph filters `since` by `timestamp`) can be
  trusted for neither, so that later pulls begin a day earlier than the newest statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import orjson

from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.readers.http import RefusedError, shown
from platform_adapters.values import get

if TYPE_CHECKING:
    from platform_adapters.contract import Json
    from platform_adapters.readers.http import Answer, Client

PAGE_STATEMENTS = 500
"""Statements asked for at a time; a store may give fewer."""

MAX_EMPTY_PAGES = 1_000
"""Pages without a statement, one after the other, that are followed."""

MORE_HOURS = 23
"""How long a `more` address is used: the specification has stores keep it for 24 hours."""

OVERLAP = timedelta(seconds=2)
"""How far before the newest statement the next pull begins: clocks of a cluster differ."""

UNORDERED_OVERLAP = timedelta(days=1)
"""The same for a store that does not say through when it is consistent."""

_VERSIONS = ("1.0.3", "2.0.0")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a store.

    Attributes:
        statements: As they came.
        more: Address of the next page; empty at the end.
        newest: Latest `stored` or, where the store is not consistent, `timestamp`; empty if none.
        consistent_through: What the store says of itself; empty if nothing.
    """

    statements: list[Json]
    more: str
    newest: str
    consistent_through: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a pull has come; plain texts, so that it can be stored.

    Attributes:
        since: Where this pull began; empty for the beginning of time.
        more: Address of the next page; empty between two pulls.
        newest: Latest moment seen in this pull.
        consistent_through: As the pull's first page said, empty if it did not.
        at: When this was written, ISO 8601.
    """

    since: str = ""
    more: str = ""
    newest: str = ""
    consistent_through: str = ""
    at: str = ""

    def after(self, page: Page, now: datetime) -> Cursor:
        """The cursor once a page is done with."""
        return Cursor(
            self.since,
            page.more,
            max(self.newest, page.newest),
            self.consistent_through or page.consistent_through,
            now.isoformat(),
        )

    def start(self, now: datetime) -> Cursor:
        """Where the next pull begins: on the next page, if it is still good, or after the last."""
        if self.more:
            age = now - datetime.fromisoformat(self.at)
            return self if age < timedelta(hours=MORE_HOURS) else Cursor(self.since)
        return Cursor(self._next_since())

    def _next_since(self) -> str:
        if not self.newest:
            return self.since
        overlap = OVERLAP if self.consistent_through else UNORDERED_OVERLAP
        # A learner's clock may be years ahead: without the last bound nothing would come again.
        seen = normal_time(datetime.fromisoformat(self.at))
        newest = min(self.newest, self.consistent_through or self.newest, seen)
        return max(self.since, normal_time(datetime.fromisoformat(newest) - overlap))


def normal_time(moment: datetime) -> str:
    """ISO 8601 in UTC to the microsecond, so that texts compare as the moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(value: object) -> str:
    """A statement's or header's time in the normal form; empty if it is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return ""
    return normal_time(moment) if moment is not None and moment.tzinfo is not None else ""


class Lrs:
    """One store."""

    def __init__(
        self, client: Client, endpoint: str, page_statements: int = PAGE_STATEMENTS
    ) -> None:
        """Take the endpoint, such as `https://lrs.example.org/xAPI`.

        Raises:
            OptionsError: It has a query, which would be in the way of ours.
        """
        parts = urlsplit(endpoint)
        if parts.query or parts.fragment:
            raise OptionsError(
                f"{shown(endpoint)}: the endpoint must not have a query; filters are not supported"
            )
        path = parts.path.rstrip("/").removesuffix("/statements") + "/statements"
        self._statements = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        self._client = client
        self._limit = page_statements
        self._version = _VERSIONS[0]
        self._empty = 0

    def page(self, cursor: Cursor) -> Page:
        """The page that a cursor stands before.

        Raises:
            RefusedError: The store says no; to `more`, that it has forgotten it.
            ReadError: It cannot be reached, or its answer is not one of a store.
        """
        if cursor.more:
            url = urljoin(self._statements, cursor.more)
        else:
            asked = {
                "ascending": "true",
                "attachments": "false",
                "format": "exact",
                "limit": str(self._limit),
                **({"since": cursor.since} if cursor.since else {}),
            }
            url = f"{self._statements}?{urlencode(asked)}"
        page = _page(self._ask(url), url)
        self._empty = 0 if page.statements else self._empty + 1
        if page.more and (page.more == cursor.more or self._empty > MAX_EMPTY_PAGES):
            raise ReadError(f"{shown(url)}: the store leads in a circle; its pages do not end")
        return page

    def _ask(self, url: str) -> Answer:
        """One answer, in the version of the specification that the store speaks."""
        try:
            return self._get(url)
        except RefusedError as error:
            theirs = error.headers.get("x-experience-api-version", "")
            if error.status != 400 or not theirs.startswith("2.") or self._version != _VERSIONS[0]:
                raise
        self._version = _VERSIONS[1]
        return self._get(url)

    def _get(self, url: str) -> Answer:
        headers = {"X-Experience-API-Version": self._version, "Accept": "application/json"}
        return self._client.get(url, headers)


def _page(answer: Answer, url: str) -> Page:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        body = None
    statements, more = get(body, "statements"), get(body, "more") or ""
    if not isinstance(statements, list) or not isinstance(more, str):
        raise ReadError(
            f"{shown(url)}: the answer is not JSON with `statements`; is the address a learning "
            "record store's endpoint, such as https://lrs.example.org/xAPI?"
        )
    consistent = moment_of(answer.headers.get("x-experience-api-consistent-through"))
    field = "stored" if consistent else "timestamp"
    newest = max((moment_of(get(one, field)) for one in statements), default="")
    return Page(statements, more, newest, consistent)
