"""Imports of log files into the store: digest, convert, store, report.

- One file is one import. Stopped or killed, it goes on when the same file is given again, and
  its report is that of an import that was never stopped.
- A file that turns out to be unusable (damaged, the wrong adapter) leaves nothing behind.
- The report's counts add up: rows = events + duplicates + ignored + rejected.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from api.store.errors import StoreError
from api.store.imports import DONE, STOPPED
from platform_adapters.convert import MAX_REJECT_SHARE, convert
from platform_adapters.errors import AdapterError
from platform_adapters.report import ImportReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from api.store.store import Store
    from platform_adapters.contract import Adapter, AdaptOptions, Interaction
    from platform_adapters.pseudonyms import Pseudonymiser

_TICK_ROWS = 2_000
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import needs beside its files.

    Attributes:
        store: Where rows go.
        adapter: Reads the files.
        options: Platform, zone, year.
        pseudonymiser: The home's.
        max_reject_share: Above this share of unusable rows a file is refused, in [0, 1].
        on_rows: Told how many more rows were read.
        skip_finished: Whether files that were read to their end before are left alone.
    """

    store: Store
    adapter: Adapter
    options: AdaptOptions
    pseudonymiser: Pseudonymiser
    max_reject_share: float = MAX_REJECT_SHARE
    on_rows: Callable[[int], None] = field(default=lambda _rows: None)
    skip_finished: bool = False

    def run(self, paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
        """Import log files, each with the side tables among the inputs.

        Args:
            paths: Logs, and the side tables and catalogues that the adapter knows among them.

        Yields:
            The report of each log, once it is stored.

        Raises:
            AdapterError: A file cannot be used; nothing of that file is kept.
            StoreError: The store failed; what was committed is kept.
            OSError: A file cannot be read.
        """
        logs, sides = self.adapter.split(paths)
        # Without a log among them, `convert` says what was expected.
        digests = {path: digest_of(path) for path in {*logs, *sides, *paths[:1]}}
        for log in logs or paths[:1]:
            # Some tables are logs, and beside other logs at the same time.
            others = [side for side in sides if side != log]
            yield self._one(log, others, digests, [log] if logs else None)

    def _one(
        self,
        log: Path,
        sides: Sequence[Path],
        digests: Mapping[Path, str],
        logs: Sequence[Path] | None,
    ) -> dict[str, Any]:
        began = time.monotonic()
        what: dict[str, Any] = {
            "adapter": self.adapter.name,
            "digest": digests[log],
            "options": {
                **self.chosen_options(),
                "sides": sorted(digests[side] for side in sides),
            },
        }
        if self.skip_finished and (before := self.store.finished_import(**what)) is not None:
            return {"file": str(log), "import": before.id, "skipped": True}
        number = self.store.start_import(path=str(log), **what)
        report = ImportReport()
        rows = convert(
            self.adapter,
            [log, *sides],
            self.options,
            self.pseudonymiser,
            report,
            max_reject_share=self.max_reject_share,
            logs=logs,
        )
        return self.finish(number, str(log), rows, report, began)

    def chosen_options(self) -> dict[str, Any]:
        """What, beside the bytes, decides what an import gives."""
        return {
            "platform": self.options.platform,
            "timezone": self.options.timezone,
            "year": self.options.year,
            "home_page": self.options.home_page,
            # Only where there is one, so that imports of before are known again.
            **({"map": variant} if (variant := self.adapter.variant) else {}),
            **({"people": digest} if (digest := self.options.people.digest) else {}),
        }

    def segment(
        self,
        source: str,
        place: Mapping[str, Any],
        options: Mapping[str, Any],
        rows: Callable[[ImportReport], Iterable[Interaction]],
        cursor: Callable[[], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Store one segment of a source that is read from a cursor on; its report.

        Args:
            source: What is read, as it is called and known by.
            place: What tells the segment from all others.
            options: What, beside the place, decides what it gives.
            rows: Reads it; called once.
            cursor: Where it ended, asked for once the rows are read; kept in the store.

        Raises:
            AdapterError: The input cannot be used; nothing of this segment is kept.
            StoreError: The store failed; what was committed is kept.
        """
        began, report = time.monotonic(), ImportReport()
        number = self.store.start_import(
            adapter=self.adapter.name,
            path=source,
            digest=hashlib.sha256(json.dumps(place, sort_keys=True).encode()).hexdigest(),
            options=options,
        )
        state = lambda: {"cursor": cursor()}  # noqa: E731  asked for at the end
        record = self.finish(number, source, rows(report), report, began, state)
        return {name: value for name, value in record.items() if name != "cursor"}

    def finish(
        self,
        number: int,
        name: str,
        rows: Iterable[Interaction],
        report: ImportReport,
        began: float,
        state: Callable[[], Mapping[str, Any]] = dict,
    ) -> dict[str, Any]:
        """Store the rows of a started import and end it.

        Args:
            number: The import's.
            name: Of what is read, for people.
            rows: Pseudonymised interactions; `report` is complete once they are read.
            report: What became of each record.
            began: By the monotonic clock.
            state: More for the report, asked for once the rows are read.

        Raises:
            AdapterError: The input cannot be used; nothing of this import is kept.
            StoreError: The store failed; what was committed is kept.
        """
        try:
            self.store.import_interactions(number, self._ticking(rows, report))
            self.store.withdraw(report.withdrawn)
            record = self._record(name, number, report, time.monotonic() - began)
            record.update(state())
            self.store.end_import(number, state=DONE, report=record)
        except AdapterError:
            self.store.take_back_import(number)
            raise
        except BaseException:
            with suppress(StoreError):  # whatever stopped us may stop this too; a rerun finds out
                self.store.end_import(number, state=STOPPED)
            raise
        return record

    def _ticking(self, rows: Iterable[Interaction], report: ImportReport) -> Iterator[Interaction]:
        told = 0
        for count, row in enumerate(rows, start=1):
            yield row
            if count % _TICK_ROWS == 0:
                self.on_rows(report.rows - told)
                told = report.rows
        self.on_rows(report.rows - told)

    def _record(
        self, name: str, number: int, report: ImportReport, seconds: float
    ) -> dict[str, Any]:
        """The report with the store's view: what was there already is a duplicate."""
        stored = self.store.stored_by_import(number)
        counts = report.to_dict()
        counts["duplicates"] = report.duplicates + report.events - stored
        counts["events"] = stored
        head = {"file": name, "import": number, "adapter": self.adapter.name}
        return {**head, **counts, "seconds": round(seconds, 3)}


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
