"""Imports from a learning record store over HTTP: what is new since the last time.

- A pull is stored in segments of whole pages; each is one import, and its report holds the
  cursor behind it. Killed, a pull begins again with the segment that was not whole; what that
  had stored is there already, and is counted as duplicates or as its own, never twice.
- A store that fails in the middle ends the segment early: nothing that arrived is fetched again.
- Raw statements are held for one page and written nowhere.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from platform_adapters.contract import Interaction, Rejected
from platform_adapters.convert import ROWS_BEFORE_JUDGING, Converter, judge
from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.readers.database import is_database_url
from platform_adapters.readers.http import Access, Client, RefusedError, shown
from platform_adapters.readers.lrs import Cursor, Lrs, moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from api.ingesting import Importer
    from api.settings import LrsSettings, SourceSettings
    from platform_adapters.readers.lrs import Page
    from platform_adapters.report import ImportReport

SEGMENT_STATEMENTS = 20_000
"""Statements after which a pull's cursor is stored: a few seconds' work."""

_FORGOTTEN = frozenset({400, 404, 410})
"""What stores answer to a `more` that they no longer know."""


def _now() -> datetime:
    return datetime.now(UTC)


def sorted_out(inputs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files or patterns, and addresses of servers, among inputs."""
    web = ("http://", "https://")
    addresses = [text for text in inputs if text.startswith(web) or is_database_url(text)]
    return [text for text in inputs if text not in addresses], addresses


def puller_for(
    lrs: LrsSettings, source: SourceSettings, importer: Importer, address: str, since: str
) -> Puller:
    """A pull from an address, with the credential of its source or else of `[lrs]`.

    Args:
        lrs: The settings' section.
        source: The settings' entry for the address.
        importer: Where statements go.
        address: Endpoint of a learning record store.
        since: ISO 8601 with a zone, or empty.

    Raises:
        OptionsError: The address, `since` or the adapter cannot be used for this.
        SettingsError: A credential is named that is not there.
    """
    if importer.adapter.name != "xapi":
        raise OptionsError(
            f"{shown(address)}: only the adapter 'xapi' reads from a server; "
            f"{importer.adapter.name!r} reads files"
        )
    moment = moment_of(since)
    if since and not moment:
        raise OptionsError("--since: expected a moment with its zone, such as 2026-09-01T00:00:00Z")
    own = source if any(source.reveal()) else lrs
    client = Client(
        address,
        Access(*own.reveal()),
        plain_allowed=lrs.allow_http,
        timeout_seconds=lrs.timeout_seconds,
    )
    return Puller(importer, Lrs(client, address, lrs.page_statements), address, moment)


@dataclass(frozen=True, slots=True)
class Puller:
    """What a pull needs.

    Attributes:
        importer: Store, adapter, options, pseudonymiser.
        source: The store to pull from.
        url: Its endpoint; stored, so it holds no credential.
        since: Statements stored after this moment only; empty for all.
        now: The clock.
    """

    importer: Importer
    source: Lrs
    url: str
    since: str = ""
    now: Callable[[], datetime] = _now

    def run(self) -> Iterator[dict[str, Any]]:
        """Pull what is new.

        Yields:
            The report of each segment, once it is stored.

        Raises:
            AdapterError: The store cannot be reached, is none, or sends what is not xAPI.
            StoreError: Our store failed; what was committed is kept.
        """
        cursor = self._resumed()
        while True:
            segment = _Segment(self, cursor, self._first(cursor))
            yield segment.stored()
            if segment.failure is not None:
                raise segment.failure
            cursor = segment.cursor
            if not cursor.more:
                return

    def _resumed(self) -> Cursor:
        store, adapter = self.importer.store, self.importer.adapter.name
        before = store.last_import(adapter=adapter, path=self.url, options=self.options())
        if before is None or before.report is None:
            return Cursor(self.since)
        return Cursor(**before.report["cursor"]).start(self.now())

    def _first(self, cursor: Cursor) -> tuple[Cursor, Page]:
        """The first page of a segment; of the whole pull again if its middle is forgotten."""
        try:
            return cursor, self.source.page(cursor)
        except RefusedError as error:
            if not cursor.more or error.status not in _FORGOTTEN:
                raise
        again = Cursor(cursor.since)
        return again, self.source.page(again)

    def options(self) -> dict[str, Any]:
        """What, beside the address, decides what a pull gives."""
        return {**self.importer.chosen_options(), "since": self.since}


class _Segment:
    """One import of a pull."""

    def __init__(self, puller: Puller, cursor: Cursor, first: tuple[Cursor, Page]) -> None:
        self._puller = puller
        self._start, self._page = first
        self.cursor = cursor
        self.failure: ReadError | None = None

    def stored(self) -> dict[str, Any]:
        """Store the segment; its report."""
        puller = self._puller
        place = {**asdict(self._start), "at": "", "url": puller.url}
        return puller.importer.segment(
            puller.url, place, puller.options(), self._rows, lambda: asdict(self.cursor)
        )

    def _rows(self, report: ImportReport) -> Iterator[Interaction]:
        importer, name = self._puller.importer, shown(self._puller.url)
        session = importer.adapter.prepare([], importer.options)
        converter = Converter(session, importer.options, importer.pseudonymiser, report)
        for statement in self._statements():
            result = converter.accept(statement, report.rows + 1, name)
            if isinstance(result, Interaction):
                yield result
            elif isinstance(result, Rejected) and report.rows >= ROWS_BEFORE_JUDGING:
                judge(importer.adapter, report, importer.max_reject_share)
        judge(importer.adapter, report, importer.max_reject_share)
        report.check()

    def _statements(self) -> Iterator[Any]:
        """Statements of whole pages, until there are enough or no more."""
        puller, page, done = self._puller, self._page, 0
        self.cursor = self._start
        while True:
            yield from page.statements
            done += len(page.statements)
            self.cursor = self.cursor.after(page, puller.now())
            if not page.more or done >= SEGMENT_STATEMENTS:
                return
            try:
                page = puller.source.page(self.cursor)
            except ReadError as error:
                self.failure = error
                return
