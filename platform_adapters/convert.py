"""An import: records of one or several logs in, pseudonymised interactions out.

The one place where a raw learner id becomes a pseudonym. Streaming: all that is kept of a
row is a 64-bit fingerprint of its event id, so that repeats are found at any distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.contract import HASHED, Failure, Ignored, Interaction, Rejected, Withdrawn
from platform_adapters.errors import OptionsError, RecordError, TooManyRejectsError
from platform_adapters.fingerprints import Fingerprints
from platform_adapters.values import event_namespace, numbered_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Adapter, AdaptOptions, Json, Outcome, Session
    from platform_adapters.pseudonyms import Pseudonymiser
    from platform_adapters.report import ImportReport

ROWS_BEFORE_JUDGING = 1_000
"""Rows after which the share of rejects is watched; before, a few bad lines prove nothing."""

MAX_REJECT_SHARE = 0.1
"""Share of rejected rows above which an import stops, in [0, 1]."""

_64_BITS = (1 << 64) - 1

STAFF = "somebody on the list of people who are no learners"
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
        self._numbered = numbered_ids(event_namespace(options.platform), "")
        self._seen = Fingerprints()
        self._accounts = options.people.accounts
        self._staff = options.people.staff
        self._latest = options.latest

    def accept(self, record: Json, line: int, file: str) -> Outcome | None:
        """Take one record, and count it.

        Returns:
            What it has become; None if it repeats an earlier one. Refused input leaves nothing
            behind but its count.
        """
        report = self._report
        report.rows += 1
        if record.__class__ is Failure:
            return self._reject(record.reason, line, file)
        try:
            outcome = self._turn(record, line)
            if outcome.__class__ is not Interaction:
                self._count(outcome)
                return outcome
            if self._staff and self._is_staff(outcome.learner):
                outcome = Ignored(STAFF, line)
                self._count(outcome)
                return outcome
            self._key(outcome)
        except RecordError as error:
            return self._reject(str(error), line, file)
        if not self._seen.add(hash(outcome.event_id) & _64_BITS):
            report.duplicates += 1
            return None
        report.add_event(outcome.verb, outcome.source)
        if outcome.max is not None and outcome.raw is not None and outcome.raw > outcome.max:
            report.clamped += 1
        return outcome

    def _reject(self, reason: str, line: int, file: str) -> Rejected:
        rejected = Rejected(reason, line, file)
        self._report.add_rejected(rejected)
        return rejected

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Withdrawn):
            self._report.withdrawn.add(outcome.event_id)
            self._report.add_ignored(WITHDRAWS)
        elif isinstance(outcome, Ignored):
            self._report.add_ignored(outcome.reason)

    def _is_staff(self, learner: str) -> bool:
        return learner in self._staff or self._accounts.get(learner) in self._staff

    def _key(self, row: Interaction) -> None:
        """Give the row a pseudonym for a learner, a tag for a session, a final event id.

        The row is ours alone until it is handed out: a copy would cost as much as all of this.
        """
        if row.timestamp is not None and row.timestamp > self._latest:
            raise RecordError("the time is after tomorrow; is the platform's clock or zone wrong?")
        pseudonyms = self._pseudonyms
        learner = row.learner
        if self._accounts:
            learner = self._accounts.get(learner, learner)
        row.learner = pseudonyms.pseudonym(learner)
        if row.event_id.startswith(HASHED):
            row.event_id = self._numbered(pseudonyms.tag(row.event_id))
        if row.session:
            row.session = pseudonyms.session(row.session)


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
        name = path.name
        for line, record in adapter.records(path):
            result = converter.accept(record, line, name)
            if result.__class__ is Interaction:
                yield result
            elif result.__class__ is Rejected and report.rows >= ROWS_BEFORE_JUDGING:
                judge(adapter, report, max_reject_share)
    judge(adapter, report, max_reject_share)
    report.check()


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
