"""An import: records of one or several logs in, pseudonymised interactions out.

The one place where a raw learner id becomes a pseudonym. Streaming: all that is kept of a
row is a 64-bit fingerprint of its event id, so that repeats are found at any distance.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from platform_adapters.contract import (
    HASHED,
    NAMED,
    CellSession,
    Failure,
    Ignored,
    Interaction,
    Rejected,
    Withdrawn,
)
from platform_adapters.errors import AdapterError, OptionsError, RecordError, TooManyRejectsError
from platform_adapters.fingerprints import Fingerprints
from platform_adapters.memo import Memo
from platform_adapters.readers.csv_rows import CsvRows
from platform_adapters.values import event_namespace, many_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import (
        Adapter,
        AdaptOptions,
        Json,
        Outcome,
        Record,
        Session,
        Turn,
    )
    from platform_adapters.pseudonyms import Pseudonymiser
    from platform_adapters.report import ImportReport

ROWS_BEFORE_JUDGING = 1_000
"""Rows after which the share of rejects is watched; before, a few bad lines prove nothing."""

MAX_REJECT_SHARE = 0.1
"""Share of rejected rows above which an import stops, in [0, 1]."""

_64_BITS = (1 << 64) - 1

AT_ONCE = 512
"""Records that are read before the ids of their events are made."""

LEARNERS = 1 << 16
"""Learners whose pseudonyms are at hand."""

STAFF = "somebody on the list of people who are no learners"
AFTER_TOMORROW = "the time is after tomorrow; is the platform's clock or zone wrong?"
WITHDRAWS = "takes an earlier event back"


class Converter:
    """Turns records into final interactions and counts what became of each."""

    def __init__(
        self,
        session: Session,
        options: AdaptOptions,
        pseudonymiser: Pseudonymiser,
        report: ImportReport,
    ) -> None:
        self._turn = session.convert
        self._pseudonyms = pseudonymiser
        self._report = report
        self._ids = many_ids(event_namespace(options.platform))
        self._seen = Fingerprints()
        self._accounts = options.people.accounts
        self._staff = options.people.staff
        self._latest = options.latest
        self._learners = Memo(self._learner, LEARNERS)
        self._sessions = Memo(pseudonymiser.session)

    def accept(self, record: Json, line: int, file: str) -> Outcome | None:
        """Take one record, and count it.

        Returns:
            What it has become; None if it repeats an earlier one. Refused input leaves nothing
            behind but its count.
        """
        found: list[Outcome] = []
        try:
            self._read(self._turn, ((line, record),), file, found)
        except OptionsError:
            self._report.rows += 1
            raise
        events, _ = next(self._counted(found))
        if events or isinstance(found[0], Interaction):
            return events[0] if events else None
        return found[0]

    def stream(
        self, turn: Turn, records: Iterator[Record], file: str
    ) -> Iterator[tuple[list[Interaction], bool]]:
        """`accept` of all records of a file, in their order, many at a time.

        Args:
            turn: Makes of a record and its line what it is.
            records: With their lines.
            file: Its name.

        Yields:
            Interactions, and whether the record after the last of them was rejected.
        """
        while True:
            found: list[Outcome] = []
            problem = None
            try:
                self._read(turn, islice(records, AT_ONCE), file, found)
            except AdapterError as error:
                problem = error  # after what came before it
            yield from self._counted(found)
            if problem is not None:
                raise problem
            if not found:
                return

    def _read(self, turn: Turn, records: Iterable[Record], file: str, found: list[Outcome]) -> None:
        """Records as what they are, learners and sessions pseudonymised in the row itself.

        A row is ours alone until it is handed out: a copy would cost as much as all of this.
        """
        learners, sessions, latest = self._learners, self._sessions, self._latest
        add = found.append
        for line, record in records:
            if record.__class__ is Failure:
                add(Rejected(record.reason, line, file))
                continue
            try:
                row = turn(record, line)
                if row.__class__ is Interaction:
                    if row.timestamp is not None and row.timestamp > latest:
                        self._refuse_late(row.learner)
                    row.learner = learners[row.learner]
                    if row.session:
                        row.session = sessions[row.session]
                    if not row.learner:
                        row = Ignored(STAFF, line)
                add(row)
            except RecordError as error:
                add(Rejected(str(error), line, file))

    def _learner(self, learner: str) -> str:
        """The pseudonym; empty for somebody who is no learner."""
        if self._staff and self._is_staff(learner):
            return ""
        return self._pseudonyms.pseudonym(self._accounts.get(learner, learner))

    def _refuse_late(self, learner: str) -> None:
        if not self._is_staff(learner):
            raise RecordError(AFTER_TOMORROW)

    def _is_staff(self, learner: str) -> bool:
        return learner in self._staff or self._accounts.get(learner) in self._staff

    def _name(self, found: Sequence[Interaction]) -> None:
        """Give final event ids to all that have none yet."""
        named = [row for row in found if row.event_id.startswith(NAMED)]
        names = [row.event_id[len(NAMED) :] for row in named]
        hashes = [row for row in found if row.event_id.startswith(HASHED)]
        if hashes:
            named += hashes
            names += self._pseudonyms.tags([row.event_id for row in hashes])
        for row, event_id in zip(named, self._ids(names), strict=True):
            row.event_id = event_id

    def _counted(self, found: Sequence[Outcome]) -> Iterator[tuple[list[Interaction], bool]]:
        """Count what has become of each; events that are new, in parts that end with a reject."""
        rows = [row for row in found if row.__class__ is Interaction]
        self._name(rows)
        is_new = iter(self._seen.add_all([hash(row.event_id) & _64_BITS for row in rows]))
        report, events = self._report, []
        for outcome in found:
            report.rows += 1
            if outcome.__class__ is Interaction:
                if next(is_new):
                    events.append(outcome)
                else:
                    report.duplicates += 1
                continue
            self._count(outcome)
            if outcome.__class__ is Rejected:
                report.add_events(events)
                yield events, True
                events = []
        report.add_events(events)
        yield events, False

    def _count(self, outcome: Outcome) -> None:
        """Count what is no event."""
        if isinstance(outcome, Ignored):
            self._report.add_ignored(outcome.reason)
        elif isinstance(outcome, Rejected):
            self._report.add_rejected(outcome)
        elif isinstance(outcome, Withdrawn):
            self._report.withdrawn.add(outcome.event_id)
            self._report.add_ignored(WITHDRAWS)


def convert(  # noqa: PLR0913  every one of them is a part of an import
    adapter: Adapter,
    paths: Sequence[Path],
    options: AdaptOptions,
    pseudonymiser: Pseudonymiser,
    report: ImportReport,
    *,
    max_reject_share: float = MAX_REJECT_SHARE,
    logs: Sequence[Path] | None = None,
) -> Iterator[Interaction]:
    """Convert logs, in the order given.

    Args:
        adapter: Reads this platform's logs.
        paths: Logs, and the side tables and catalogues that the adapter knows among them.
        options: Platform name, zone, year.
        pseudonymiser: This home's.
        report: Filled while the result is consumed; complete and checked at its end.
        max_reject_share: Above this share of rejected rows the import stops, after 1,000 rows
            or at the end; in [0, 1].
        logs: Which of the paths to convert, the others being beside them; None: all logs.

    Yields:
        Interactions with pseudonyms and final event ids, each id once.

    Raises:
        TooManyRejectsError: More rows were rejected than allowed.
        ReadError: A file cannot be read to its end.
        OptionsError: There is no log among the paths, or an option is missing.
    """
    if logs is None:
        logs, _ = adapter.split(paths)
    session = adapter.prepare(paths, options)
    if not logs:
        names = ", ".join(path.name for path in paths) or "no file"
        raise OptionsError(
            f"{names}: no log for the adapter {adapter.name!r} among the inputs; "
            f"it reads {adapter.summary}"
        )
    converter = Converter(session, options, pseudonymiser, report)
    for path in logs:
        turn, records = _reading(session, adapter.records(path))
        for events, is_rejected in converter.stream(turn, records, path.name):
            yield from events
            if is_rejected and report.rows >= ROWS_BEFORE_JUDGING:
                judge(adapter, report, max_reject_share)
    judge(adapter, report, max_reject_share)
    report.check()


def _reading(session: Session, records: Iterator[Record]) -> tuple[Turn, Iterator[Record]]:
    """How to read a file's records: rows of CSV by the place of their cells if the session can."""
    if isinstance(records, CsvRows) and isinstance(session, CellSession):
        return session.cells(records.columns), records.cells()
    return session.convert, iter(records)


def judge(adapter: Adapter, report: ImportReport, allowed: float) -> None:
    """Stop an import that rejects more than it may."""
    if report.reject_share > allowed:
        raise TooManyRejectsError(
            f"{report.rejected_rows:,} of {report.rows:,} rows are not what {adapter.name!r} "
            f"expects, more than the {allowed:.0%} allowed: {report.describe_rejects()}. Is this "
            "the right adapter and file? Nothing was kept; --max-rejects raises the limit"
        )


def read(adapter: Adapter, path: Path, options: AdaptOptions) -> Iterator[Outcome]:
    """Every record of one log as its outcome, learner ids raw: what adapters' `read` do."""
    session = adapter.prepare([path], options)
    for line, record in adapter.records(path):
        if isinstance(record, Failure):
            yield Rejected(record.reason, line, path.name)
            continue
        try:
            yield session.convert(record, line)
        except RecordError as error:
            yield Rejected(str(error), line, path.name)
