"""Imports from a live database: everything once, and from then on what is new.

- A reading is stored in segments; each is one import, and its report holds the cursor behind it.
  Killed, a reading goes on behind its last whole segment; what was stored of the next is known
  by its ids and is counted once.
- The catalogue is taken as it is when a reading begins.
- Neither the store nor a report holds the database's user or password.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from platform_adapters.contract import Interaction, Rejected
from platform_adapters.convert import ROWS_BEFORE_JUDGING, Converter, judge
from platform_adapters.engines.moodle_feed import Cursor, open_feed
from platform_adapters.errors import OptionsError
from platform_adapters.readers.database import parse_url, public_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.ingesting import Importer
    from api.settings import SourceSettings
    from platform_adapters.contract import Record
    from platform_adapters.engines.moodle_feed import Feed
    from platform_adapters.report import ImportReport

SEGMENT_ROWS = 50_000
"""Rows after which the cursor is stored: some ten seconds' work."""


def reader_for(source: SourceSettings, importer: Importer, url: str) -> DatabaseReader:
    """A reading of a database, with the credential of its source unless the URL has one.

    Args:
        source: The settings' entry for the database.
        importer: Where rows go.
        url: SQLAlchemy URL.

    Raises:
        OptionsError: The URL or the adapter cannot be used for this.
        SettingsError: A credential is named that is not there.
    """
    parsed = parse_url(url)
    name = public_name(parsed)
    if importer.adapter.name != "moodle":
        raise OptionsError(
            f"{name}: only the adapter 'moodle' reads a database; {importer.adapter.name!r} "
            "reads files"
        )
    user, password, _ = source.reveal()
    if user:
        parsed = parsed.set(username=user)
    if password:
        parsed = parsed.set(password=password)
    whole = parsed.render_as_string(hide_password=False)
    return DatabaseReader(importer, name, whole, source.prefix, source.replace_catalogue)


@dataclass(frozen=True, slots=True)
class DatabaseReader:
    """What a reading needs.

    Attributes:
        importer: Store, adapter, options, pseudonymiser.
        name: The database's URL without user and password: what it is called and known by.
        url: The whole URL.
        prefix: Prefix of the tables' names.
        replace_catalogue: Whether what the database no longer has leaves our catalogue.
    """

    importer: Importer
    name: str
    url: str
    prefix: str
    replace_catalogue: bool = False

    def run(self) -> Iterator[dict[str, Any]]:
        """Read what is new.

        Yields:
            The report of each segment, once it is stored.

        Raises:
            AdapterError: The database cannot be read, or holds no Moodle.
            StoreError: Our store failed; what was committed is kept.
        """
        importer = self.importer
        cursor = self._resumed()
        with (
            open_feed(self.url, self.prefix, importer.options, cursor) as feed,
            closing(feed.records()) as records,
        ):
            more = self._catalogue(feed)
            while True:
                yield {**self._segment(feed, records), **more}
                if not feed.cursor.table:
                    return
                more = {}

    def _catalogue(self, feed: Feed) -> dict[str, Any]:
        """Take over courses and modules, if their tables may be read; for the first report."""
        items = feed.catalogue(self.importer.options.home_page or "")
        if not items:
            return {}
        store = self.importer.store
        changed = store.upsert_catalogue(items, replace_all=self.replace_catalogue)
        new, gone = changed.added + changed.changed, changed.removed
        return {"catalogue": {"items": len(items), "new": new, "kept": changed.kept, "gone": gone}}

    def _resumed(self) -> Cursor:
        store, adapter = self.importer.store, self.importer.adapter.name
        before = store.last_import(adapter=adapter, path=self.name, options=self._options())
        if before is None or before.report is None:
            return Cursor()
        return Cursor(**before.report["cursor"])

    def _options(self) -> dict[str, Any]:
        return {**self.importer.chosen_options(), "prefix": self.prefix}

    def _segment(self, feed: Feed, records: Iterator[Record]) -> dict[str, Any]:
        """Store the next rows; their report."""
        return self.importer.segment(
            self.name,
            {"name": self.name, "prefix": self.prefix, **feed.cursor.to_dict()},
            self._options(),
            lambda report: self._rows(feed, islice(records, SEGMENT_ROWS), report),
            lambda: asdict(feed.cursor),  # the cursor there will be, not the one there is
        )

    def _rows(
        self, feed: Feed, records: Iterator[Record], report: ImportReport
    ) -> Iterator[Interaction]:
        importer = self.importer
        converter = Converter(feed.session, importer.options, importer.pseudonymiser, report)
        for line, record in records:
            result = converter.accept(record, line, record[0])
            if isinstance(result, Interaction):
                yield result
            elif isinstance(result, Rejected) and report.rows >= ROWS_BEFORE_JUDGING:
                judge(importer.adapter, report, importer.max_reject_share)
        judge(importer.adapter, report, importer.max_reject_share)
        report.check()
