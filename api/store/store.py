"""The store of one platform: everything that `api` asks a database for, behind one class.

- `Store.open` brings the tables up to date; the methods are one call each into the modules
  beside this one, which hold the statements.
- Methods may be called from several threads; each takes a connection of its own.
- A learner is always a pseudonym here: whoever calls has pseudonymised at the door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.store import (
    access,
    confirmations,
    database,
    imports,
    interactions,
    marks,
    merging,
    migrate,
    people,
    recommendations,
    revision,
    sequences,
    training,
)
from api.store import catalogue as catalogues
from api.store import consent as consents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from api.settings import Recommend, Share
    from platform_adapters.contract import Interaction
    from platform_adapters.learner_sequences import LearnerSequence
    from recommender.catalogue import CatalogueItem
    from recommender.interactions import Interactions


class Store:
    """An open store.

    Attributes:
        name: File path, or URL without its password, for messages.
        recommend: Whether items or courses are what is recommended.
        share: How learners consent to being in releases.
    """

    def __init__(
        self, opened: database.Database, *, recommend: Recommend = "items", share: Share = "off"
    ) -> None:
        self._database = opened
        self.name = opened.name
        self.recommend: Recommend = recommend
        self.share: Share = share

    @classmethod
    def open(
        cls,
        url: str,
        *,
        recommend: Recommend = "items",
        share: Share = "off",
        busy_timeout_seconds: float = database.BUSY_TIMEOUT_SECONDS,
    ) -> Store:
        """Open a store and run the migrations that are missing.

        Args:
            url: SQLAlchemy URL of SQLite or PostgreSQL.
            recommend: As in the settings.
            share: As in the settings.
            busy_timeout_seconds: How long a writer waits for another.

        Raises:
            StoreUnavailableError: It cannot be opened.
            StoreVersionError: A newer version has written it.
            StoreDamagedError: It is no store of ours.
        """
        opened = database.connect(url, busy_timeout_seconds=busy_timeout_seconds)
        try:
            migrate.migrate(opened)
        except BaseException:
            opened.close()
            raise
        return cls(opened, recommend=recommend, share=share)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Store:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def check(self) -> None:
        """Check that the database is whole.

        Raises:
            StoreDamagedError: It is not.
            StoreError: It cannot be read.
        """
        self._database.check()

    def copy_to(self, path: Path) -> None:
        """Copy a SQLite store, as one transaction would see it."""
        self._database.copy_to(path)

    def revision(self) -> int:
        """A number that grows with every change that can change an answer."""
        return revision.read(self._database)

    # Interactions

    def add_interactions(
        self, rows: Iterable[Interaction], *, batch: int = interactions.BATCH_ROWS
    ) -> interactions.AddResult:
        """Store pseudonymised rows; see `api.store.interactions.add`."""
        return interactions.add(self._database, rows, batch=batch)

    def import_interactions(
        self, number: int, rows: Iterable[Interaction], *, batch: int = interactions.BATCH_ROWS
    ) -> interactions.AddResult:
        """Store the rows of the import `number`, its progress with each batch."""
        return interactions.add(self._database, rows, batch=batch, import_id=number)

    def known_events(self, event_ids: Sequence[str]) -> frozenset[str]:
        """Those of at most 1,000 events that are stored."""
        return interactions.known(self._database, event_ids)

    def withdraw(self, event_ids: Iterable[str]) -> int:
        """Take events back; see `api.store.interactions.withdraw`."""
        return interactions.withdraw(self._database, event_ids)

    def interaction_rows(self, *, pseudonym: str | None = None) -> Iterator[Interaction]:
        """Stream rows in order of arrival; see `api.store.interactions.stream`."""
        return interactions.stream(self._database, pseudonym=pseudonym)

    def history(self, pseudonym: str) -> list[interactions.HistoryRow]:
        """A learner's interactions, oldest first, at the level that is recommended or not."""
        return interactions.history(self._database, pseudonym)

    def training_interactions(self, purpose: training.Purpose) -> Interactions:
        """Arrays of what may be used for `purpose`; see `api.store.training`.

        Args:
            purpose: `local` for the platform's own statistics, `share` for releases.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._database.read() as connection:
            left_out, only = consents.excluded(connection, purpose, self.share)
            return training.read(connection, recommend=self.recommend, left_out=left_out, only=only)

    def training_sequences(self, purpose: training.Purpose) -> Iterator[LearnerSequence]:
        """Stream what may be used for `purpose`, learner by learner; see `api.store.sequences`."""
        with self._database.read() as connection:
            left_out, only = consents.excluded(connection, purpose, self.share)
            yield from sequences.stream(
                connection, recommend=self.recommend, left_out=left_out, only=only
            )

    def counts(self) -> dict[str, int]:
        """Rows by table: learners, interactions, catalogue, released, imports."""
        return people.counts(self._database)

    # Catalogue

    def upsert_catalogue(
        self, items: Iterable[CatalogueItem], *, replace_all: bool = False
    ) -> catalogues.CatalogueResult:
        """Add and change items; see `api.store.catalogue.write`."""
        return catalogues.write(self._database, items, replace_all=replace_all)

    def catalogue(self, *, course: str | None = None) -> list[CatalogueItem]:
        """The items, in the catalogue's order."""
        return catalogues.read(self._database, course=course)

    # What designers confirm

    def holding_courses(self) -> Mapping[str, confirmations.Entry]:
        """Courses that hold new and risen items back (R35)."""
        return confirmations.holding_courses(self._database)

    def held_items(self) -> Mapping[str, confirmations.Entry]:
        """Items that no path may show now, each with why; see `api.store.confirmations`."""
        return confirmations.read_held(self._database)

    def hold_course(self, course: str, *, on: bool, who: str) -> int:
        """Let a course hold back, or no longer; returns how many items became known by it."""
        return confirmations.set_course(self._database, course, on=on, who=who)

    def record_rises(self, risen: Collection[str], model: str) -> None:
        """Record that items rose in a merged model."""
        confirmations.record_rises(self._database, risen, model)

    def confirm(self, items: Collection[str], *, agree: bool, who: str) -> int:
        """Agree to items, or take that back; returns for how many it changed anything."""
        return confirmations.decide(self._database, items, agree=agree, who=who)

    def decide_all(
        self,
        *,
        courses: Mapping[str, bool],
        agree: Collection[str],
        undo: Collection[str],
        who: str,
    ) -> None:
        """Decide about courses and items at once, all of it or nothing."""
        confirmations.decide_all(self._database, courses, agree, undo, who)

    def confirmation_log(self, *, limit: int = 50) -> list[confirmations.Entry]:
        """Who held back, agreed or undid what, newest first."""
        return confirmations.read_log(self._database, limit=limit)

    def last_confirmations(self, items: Collection[str]) -> Mapping[str, confirmations.Entry]:
        """Where each of some items stands; those of which nothing was ever said are missing."""
        return confirmations.last_rows(self._database, items)

    # Learners

    def learners(self, limit: int = 50, search: str = "") -> list[people.LearnerRow]:
        """Learners for a page; see `api.store.people.read`."""
        return people.read(self._database, limit=limit, search=search)

    def is_known(self, pseudonym: str) -> bool:
        """Whether the learner has rows here."""
        return people.is_known(self._database, pseudonym)

    def log_access(self, *, who: str, what: str, pseudonym: str) -> None:
        """Record that staff looked at one learner (R19)."""
        people.log_access(self._database, who=who, what=what, pseudonym=pseudonym)

    def consent(self, pseudonym: str) -> consents.Consent:
        """A learner's consent, defaults filled in."""
        return consents.read(self._database, pseudonym, self.share)

    def set_consent(self, pseudonyms: str | Iterable[str], **flags: bool | None) -> int:
        """Set `serve`, `local`, `share` of learners; None returns a flag to the default."""
        names = [pseudonyms] if isinstance(pseudonyms, str) else pseudonyms
        return consents.write(self._database, names, flags)

    def released(self) -> frozenset[str]:
        """Everyone who has been in a release (R2)."""
        return consents.released_pseudonyms(self._database)

    def released_in(self, swarm: str, number: int) -> frozenset[str] | None:
        """Everyone marked for one round of one swarm; None if nothing was marked for it."""
        return consents.released_in(self._database, swarm, number)

    def mark_released(self, pseudonyms: Iterable[str], record: consents.ReleaseRecord) -> int:
        """Mark learners and record the spend, both or neither; see `api.store.consent`."""
        return consents.mark_released(self._database, pseudonyms, record)

    def releases(self) -> list[consents.ReleaseRecord]:
        """Every release of this platform, oldest first."""
        return consents.read_releases(self._database)

    def rename_learners(self, rename: Callable[[str], str]) -> int:
        """Rename every learner everywhere, in one transaction; see `api.store.marks`."""
        return marks.rename_learners(self._database, rename)

    def merge_learners(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Make everything of old accounts their learner's; see `api.store.merging`."""
        return merging.merge_learners(self._database, pairs)

    def pseudonym_key(self) -> int | None:
        """Number of the key that made the pseudonyms here; None if never said."""
        return marks.read_key(self._database)

    def set_pseudonym_key(self, number: int) -> None:
        """Say which key makes the pseudonyms here."""
        marks.write_key(self._database, number)

    def released_before(self) -> int:
        """Whoever has an event before this moment counts as released; 0 for nobody (R3)."""
        return marks.read_floor(self._database)

    def declare_released(self, moment: int) -> None:
        """Let everyone with an event before `moment` count as released, for good (R3)."""
        marks.raise_floor(self._database, moment)

    def erase(self, pseudonym: str, mark: bytes) -> marks.Erased:
        """Remove a learner; of a release, a tombstone stays; see `api.store.marks`."""
        return marks.erase(self._database, pseudonym, mark)

    def tombstones(self) -> frozenset[bytes]:
        """Keyed hashes of erased learners who had been released."""
        return marks.read_tombstones(self._database)

    def about(self, pseudonym: str) -> dict[str, Any]:
        """Logs and releases that name a learner."""
        return marks.about(self._database, pseudonym)

    # Recommendations

    def log_recommendation(self, given: recommendations.Recommendation) -> None:
        """Log one answer."""
        recommendations.log(self._database, given)

    def add_feedback(self, *, recommendation_id: str, item: str, kind: str) -> None:
        """Record what became of a step."""
        recommendations.add_feedback(
            self._database, recommendation_id=recommendation_id, item=item, kind=kind
        )

    def not_relevant(self, pseudonym: str) -> frozenset[str]:
        """Items that the learner called not relevant within the last 90 days."""
        return recommendations.not_relevant(self._database, pseudonym)

    def forget_recommendations(self, *, keep_days: int) -> int:
        """Delete logs older than `keep_days` (R20)."""
        return recommendations.forget(self._database, keep_days=keep_days)

    # Imports

    def start_import(
        self, *, adapter: str, path: str, digest: str, options: Mapping[str, Any]
    ) -> int:
        """Record that the import of a file begins or goes on; returns its number."""
        return imports.start(
            self._database, adapter=adapter, path=path, digest=digest, options=options
        )

    def stored_by_import(self, number: int) -> int:
        """Rows that an import has added so far, earlier runs of it included."""
        return imports.stored(self._database, number)

    def take_back_import(self, number: int) -> int:
        """Remove every row that an import has added; returns how many."""
        return imports.take_back(self._database, number)

    def end_import(
        self, number: int, *, state: str, report: Mapping[str, Any] | None = None
    ) -> None:
        """Record how an import ended: `done` or `stopped`."""
        imports.end(self._database, number, state=state, report=report)

    def finished_import(
        self, *, adapter: str, digest: str, options: Mapping[str, Any]
    ) -> imports.ImportRow | None:
        """The finished import of the same bytes in the same way, if there is one."""
        return imports.finished(self._database, adapter=adapter, digest=digest, options=options)

    def last_import(
        self, *, adapter: str, path: str, options: Mapping[str, Any]
    ) -> imports.ImportRow | None:
        """The latest finished import of a source that is read again and again, if any."""
        return imports.last(self._database, adapter=adapter, path=path, options=options)

    def latest_imports(self, *, limit: int = 20) -> list[imports.ImportRow]:
        """The latest imports, newest first."""
        return imports.latest(self._database, limit=limit)

    # Keys and links

    def add_key(self, key: access.KeyRow) -> None:
        """Store an API key; see `api.store.access`."""
        access.add_key(self._database, key)

    def keys(self, key_id: str | None = None) -> list[access.KeyRow]:
        """API keys, or the one of this id."""
        return access.read_keys(self._database, key_id=key_id)

    def revoke_key(self, key_id: str) -> bool:
        """Revoke a key; returns whether it was live."""
        return access.revoke_key(self._database, key_id)

    def add_link(self, *, digest: bytes, role: str, expires_at: int, now: int) -> None:
        """Store a one-time sign-in link."""
        access.add_link(self._database, digest=digest, role=role, expires_at=expires_at, now=now)

    def use_link(self, *, digest: bytes, now: int) -> str | None:
        """Use up a one-time sign-in link; returns its role, or None if it is not good."""
        return access.use_link(self._database, digest=digest, now=now)
