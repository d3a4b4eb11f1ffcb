"""A learner's path, from the store and the serving model: one service for routes and pages.

- Learner ids are pseudonymised here, on entry; only pseudonyms go further.
- The catalogue is read again when the store's revision moves; no answer is cached.
- A caller's `history` is used and forgotten: it is neither stored nor logged (R18).
- Whoever opted out of serving gets a general path, and no log entry (R20).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from api.errors import FieldProblem, NotFoundError, UnprocessableError
from api.store.recommendations import Recommendation
from platform_adapters.errors import ForeignPseudonymError, LearnerIdError
from recommender.paths.build import build_path
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.request import HistoryEntry, PathRequest, read_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.serving import Served, Serving
    from api.settings import Settings
    from api.store.store import Store
    from platform_adapters.pseudonyms import Pseudonymiser
    from recommender.paths.request import LearningPath

NOT_VISITS = frozenset({"unenrolled", "rated", "other"})
"""Verbs that say nothing about what a learner has done."""
NO_MODEL = (
    "This platform has no model yet, so the steps follow the catalogue's own order. "
    "A model comes with the next training, or with the swarm's first merge."
)
DAMAGED_MODEL = (
    "This platform's model cannot be used, so the steps follow the catalogue's own order. "
    "`murmuration status` says why; the next training writes it anew."
)
OPTED_OUT = "This learner has opted out of personal paths, so this one is general."


@dataclass(frozen=True, slots=True)
class PathAsk:
    """What is asked, whoever asks.

    Attributes:
        learner: The platform's own learner id, or a pseudonym of this home.
        limit: Most steps.
        minutes: Time the learner has.
        course: Only items of this course.
        goal_items: Items the path leads to.
        goal_skills: Skills the path leads to.
        language: BCP 47 tag.
        exclude: Items that must not be in the path.
        history: Used instead of stored events; None to read those.
        trusted: Whether the caller may see what rests on the platform's own exact statistics in
            a `history` call, and what was excluded (scope `design`, R18).
    """

    learner: str
    limit: int = 5
    minutes: float | None = None
    course: str | None = None
    goal_items: frozenset[str] = frozenset()
    goal_skills: frozenset[str] = frozenset()
    language: str | None = None
    exclude: frozenset[str] = frozenset()
    history: tuple[HistoryEntry, ...] | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class PathResult:
    """A path and what it was made from.

    Attributes:
        id: Recommendation id.
        at: Unix seconds, UTC.
        path: Steps and reasons.
        catalogue: The catalogue that the path's item ids belong to.
        served: The model that answered.
        history: What the learner has done, as used.
        done: Items done that the catalogue knows, oldest first.
        opted_out: Whether the learner opted out of serving.
    """

    id: str
    at: float
    path: LearningPath
    catalogue: PathCatalogue
    served: Served
    history: tuple[HistoryEntry, ...]
    done: tuple[str, ...]
    opted_out: bool


@dataclass(frozen=True, eq=False)
class _Kept:
    """What can be in paths, read once a revision of the store.

    Attributes:
        revision: The store's.
        catalogue: The catalogue.
        held: Items that wait for a designer (R35), each with why.
    """

    revision: int
    catalogue: PathCatalogue
    held: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known about a learner for one answer."""

    history: tuple[HistoryEntry, ...]
    courses: frozenset[str] = frozenset()
    not_relevant: frozenset[str] = frozenset()
    opted_out: bool = False


class Paths:
    """Answers path requests of one home; may be called from several threads."""

    def __init__(
        self, store: Store, serving: Serving, settings: Settings, pseudonymiser: Pseudonymiser
    ) -> None:
        self._store = store
        self._serving = serving
        self._settings = settings
        self._pseudonymiser = pseudonymiser
        self._lock = Lock()
        self._kept: _Kept | None = None

    def pseudonym(self, learner: str) -> str:
        """The learner's pseudonym; one of this home's own passes unchanged.

        Raises:
            UnprocessableError: The id is too long, empty, or another home's pseudonym.
        """
        try:
            return self._pseudonymiser.pseudonym(learner)
        except (LearnerIdError, ForeignPseudonymError) as error:
            field = FieldProblem("#/learner", str(error))
            raise UnprocessableError("the learner id cannot be used", [field]) from error

    def catalogue(self) -> PathCatalogue:
        """The catalogue at the store's revision now.

        Raises:
            StoreError: The store cannot be read.
        """
        return self._offer().catalogue

    def _offer(self) -> _Kept:
        """What can be in paths, at the store's revision now."""
        revision = self._store.revision()
        kept = self._kept
        if kept is not None and kept.revision == revision:
            return kept
        with self._lock:
            kept = self._kept
            if kept is None or kept.revision != revision:
                rows = self._store.catalogue()
                held = {
                    item: f"held_{row.action}" for item, row in self._store.held_items().items()
                }
                same = kept is not None and kept.catalogue.items == tuple(rows)
                catalogue = kept.catalogue if kept and same else PathCatalogue(rows)
                self._kept = kept = _Kept(revision, catalogue, held)
        return kept

    def answer(self, ask: PathAsk) -> PathResult:
        """Build a path and log it.

        Raises:
            NotFoundError: The course is unknown.
            UnprocessableError: The learner id cannot be used.
            StoreError: The store cannot be read or written.
        """
        pseudonym = self.pseudonym(ask.learner)
        offer = self._offer()
        catalogue = offer.catalogue
        if ask.course is not None and not catalogue.has_course(ask.course):
            raise NotFoundError(
                "there is no such course in this platform's catalogue; check its id, or import "
                "the catalogue again"
            )
        served = self._serving.current()
        if ask.history is None:
            known = self._known(pseudonym, _knows(catalogue, served))
        else:
            known = _Known(ask.history)
        done = read_history(known.history, self._settings.recommend)
        now = time.time()
        merged_only = ask.history is not None and not ask.trusted
        model = served.shared if merged_only else served.model
        request = replace(self._request(ask, known, now), held=offer.held)
        path = build_path(model, catalogue, known.history, request)
        path = replace(path, warnings=(*_cautions(known, served), *path.warnings))
        result = PathResult(
            id=uuid.uuid4().hex,
            at=now,
            path=path,
            catalogue=catalogue,
            served=served,
            history=known.history,
            done=tuple(i for i in done.visited if i in done.finished and i in catalogue.index),
            opted_out=known.opted_out,
        )
        if ask.history is None and not known.opted_out:
            self._store.log_recommendation(_logged(ask, pseudonym, result))
        return result

    def _request(self, ask: PathAsk, known: _Known, now: float) -> PathRequest:
        return PathRequest(
            now=now,
            limit=ask.limit,
            minutes=ask.minutes,
            course=ask.course,
            courses=known.courses,
            recommend=self._settings.recommend,
            goal_items=ask.goal_items,
            goal_skills=ask.goal_skills,
            language=ask.language,
            exclude=ask.exclude | known.not_relevant,
            list_excluded=ask.trusted,
        )

    def _known(self, pseudonym: str, knows: Callable[[str], bool]) -> _Known:
        if not self._store.consent(pseudonym).serve:
            return _Known((), opted_out=True)
        rows = self._store.history(pseudonym)
        not_relevant = self._store.not_relevant(pseudonym) if rows else frozenset[str]()
        return _Known(
            tuple(
                HistoryEntry(row.item, row.timestamp, row.verb)
                for row in rows
                # Stored logs are full of what was never in the catalogue: no reason to warn.
                if row.verb not in NOT_VISITS and knows(row.item)
            ),
            frozenset(row.course or row.item for row in rows if row.verb != "unenrolled"),
            not_relevant,
        )


def _knows(catalogue: PathCatalogue, served: Served) -> Callable[[str], bool]:
    """Whether the catalogue or the model knows an item."""
    model_items = catalogue.align(served.model.item_ids).place if served.model is not None else {}
    return lambda item: item in catalogue.index or item in model_items


def _cautions(known: _Known, served: Served) -> tuple[str, ...]:
    """Why the path is general, beyond what the path itself knows."""
    no_model: tuple[str, ...] = ()
    if served.model is None:
        no_model = (DAMAGED_MODEL if served.named else NO_MODEL,)
    return (OPTED_OUT, *no_model) if known.opted_out else no_model


def _logged(ask: PathAsk, pseudonym: str, result: PathResult) -> Recommendation:
    asked = {
        "limit": ask.limit,
        "minutes": ask.minutes,
        "course": ask.course,
        "goal_items": sorted(ask.goal_items),
        "goal_skills": sorted(ask.goal_skills),
        "language": ask.language,
        "exclude": sorted(ask.exclude),
    }
    return Recommendation(
        id=result.id,
        pseudonym=pseudonym,
        model=result.served.digest or "",
        fallback=result.path.fallback,
        request={name: value for name, value in asked.items() if value},
        steps=[
            {"item": step.item, "reasons": [reason.code for reason in step.reasons]}
            for step in result.path.steps
        ],
    )
