"""What every adapter takes and emits (the interaction table of the contracts).

An adapter turns each record of an export into exactly one `Outcome`, so that the counts of
an import report add up. Learner ids stay raw until `platform_adapters.convert` has replaced
them by pseudonyms; nothing before that point may be written anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from recommender.catalogue import CatalogueItem

MAX_ID_BYTES = 1024
"""Longest learner, item or course id, in bytes of UTF-8."""

LATEST = 4_102_444_800
"""2100-01-01: no time of an event is later."""

HASHED = "hash:"
"""Prefix of an event id made of the record's own bytes, for sources that number nothing.

`convert` replaces it by a keyed one: a plain hash over time, item and a short learner id
could be turned back into that id by trying them all.
"""

NAMED = "name:"
"""Prefix of an event id whose UUID `convert` makes, of many at once, which is cheaper.

What follows is the name, as RFC 9562 has it, in the platform's name space.
"""

GROWING = frozenset({"kolibri:session", "kolibri:session-csv", "kolibri:attempt"})
"""Sources whose records go on changing under one number until they end: the later state counts."""

COLUMNS: tuple[str, ...] = (
    "event_id",
    "learner",
    "item",
    "timestamp",
    "order",
    "verb",
    "score",
    "raw",
    "min",
    "max",
    "success",
    "completion",
    "progress",
    "duration_seconds",
    "attempt",
    "course",
    "parent_item",
    "session",
    "language",
    "skill",
    "evidence",
    "source",
)
"""Columns of the interaction table, in the order in which they are written."""


# A struct of msgspec is built in a third of a dataclass's time, and imports build millions. Not
# frozen: `convert` changes one, before anybody else has it: raw ids become pseudonyms in their
# place. It holds texts and numbers, never itself: the collector of circles need not look at it.
class Interaction(Struct, gc=False):
    """One row of the interaction table.

    Attributes:
        event_id: Deterministic id (UUID); before `convert` also `HASHED` and a digest, or `NAMED`
            and a name.
        learner: The platform's own id before `convert`, the keyed pseudonym after it.
        item: The platform's stable item id. A course-level fact has `item == course`.
        timestamp: Unix seconds, UTC; None where only `order` is known.
        order: The source's own order; None where time is known.
        verb: One of `recommender.interactions.VERBS`.
        score: In [0, 1]; None if unknown.
        raw: As recorded.
        min: As recorded.
        max: As recorded.
        success: As recorded; None if unknown.
        completion: As recorded; None if unknown.
        progress: In [0, 1]; None if unknown.
        duration_seconds: None if unknown.
        attempt: Number of the attempt, from 1; None if unknown.
        course: Course id, or empty.
        parent_item: The item that this one is part of, or empty.
        session: Session id, keyed by `convert` as learners are, or empty.
        language: BCP 47 tag, or empty.
        skill: Competency ids, `;` between, or empty.
        evidence: `observed`, `aggregate` or `override`.
        source: Adapter and native event name.
    """

    event_id: str
    learner: str
    item: str
    timestamp: int | None
    order: int | None
    verb: str
    score: float | None = None
    raw: float | None = None
    min: float | None = None
    max: float | None = None
    success: bool | None = None
    completion: bool | None = None
    progress: float | None = None
    duration_seconds: float | None = None
    attempt: int | None = None
    course: str = ""
    parent_item: str = ""
    session: str = ""
    language: str = ""
    skill: str = ""
    evidence: str = "observed"
    source: str = ""

    @property
    def is_course_level(self) -> bool:
        """Whether the row is about a course as a whole."""
        return self.item == self.course


@dataclass(frozen=True, slots=True)
class Ignored:
    """A well-formed record that is no learner's learning (a teacher's, the system's, a page)."""

    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not what its format demands.

    Attributes:
        reason: What was expected; never a value of the record.
        line: Line in the file, from 1; in a JSON array the number of the element.
        file: Name of the file.
    """

    reason: str
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A record that takes an earlier one back (a voiding statement).

    Attributes:
        event_id: Id of the interaction that must go, if it was ever imported.
        line: Line in the file.
    """

    event_id: str
    line: int


Outcome = Interaction | Ignored | Rejected | Withdrawn


@dataclass(frozen=True, slots=True)
class Failure:
    """What a reader yields for a record that it cannot parse."""

    reason: str


Json: TypeAlias = Any
"""A parsed JSON value: every use checks what it is."""

Record = tuple[int, Json]
"""Line and parsed value, or line and `Failure`."""


Turn: TypeAlias = "Callable[[Any, int], Interaction | Ignored | Withdrawn]"
"""From a record, or the cells of a row, and its line to what it is; raises `RecordError`."""


@dataclass(frozen=True, slots=True)
class People:
    """Whose ids are whose (see `platform_adapters.people`).

    Attributes:
        accounts: From an old account's id to that of the learner's account now.
        staff: Ids of people who are no learners.
        digest: What tells these lists from others; empty if both are.
    """

    accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    staff: frozenset[str] = frozenset()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """How an export is to be read.

    Attributes:
        platform: Name of the platform: the name space of event ids.
        timezone: IANA name or offset for local times without a zone; None refuses them.
        year: Year for times that have none; None refuses them.
        home_page: xAPI accounts of this home page are known by their name alone.
        people: Merged accounts, and who is no learner.
        latest: Unix seconds after which a time cannot be true; the caller's tomorrow.
    """

    platform: str
    timezone: str | None = None
    year: int | None = None
    home_page: str | None = None
    people: People = People()
    latest: int = LATEST


class Session(Protocol):
    """One import with its side tables read: records in, outcomes out."""

    def convert(self, record: Json, line: int) -> Interaction | Ignored | Withdrawn:
        """Turn one parsed record into its outcome.

        Raises:
            RecordError: The record is not what the format demands.
            TimezoneError: Its time has no zone and the options name none.
        """
        ...


@runtime_checkable
class CellSession(Session, Protocol):
    """A session that reads rows of texts by place, without a dictionary for each."""

    def cells(self, columns: tuple[str, ...]) -> Turn:
        """What `convert` is for a record, for the row of a table with these columns."""
        ...


class Adapter(Protocol):
    """One platform's formats; see `platform_adapters.registry` for the ones there are."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def summary(self) -> str:
        """What it reads, in one line."""
        ...

    @property
    def tried_on(self) -> str:
        """Which real exports it was tried on; says so if none."""
        ...

    @property
    def variant(self) -> str:
        """What tells it from the adapter of the same name with another column map."""
        ...

    def split(self, paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """Logs, and the side tables and catalogues among the inputs."""
        ...

    def prepare(self, paths: Sequence[Path], options: AdaptOptions) -> Session:
        """Read side tables and whatever must be known before the first record."""
        ...

    def records(self, path: Path) -> Iterator[Record]:
        """Parse a log, record by record, in bounded memory."""
        ...

    def read(self, path: Path, options: AdaptOptions) -> Iterator[Outcome]:
        """Every record of one log as its outcome, learner ids raw."""
        ...

    def read_catalogue(self, path: Path) -> Iterator[CatalogueItem]:
        """Items of a catalogue in the platform's own form.

        Raises:
            CatalogueError: It does not parse, or an item has no id.
        """
        ...
