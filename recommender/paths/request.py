"""What is asked of a path, and what a path is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNDONE_VERBS = frozenset({"failed", "uncompleted"})
"""A last outcome among these leaves an item to be done again."""
HELD_CODES = ("held_rose", "held_new", "held_undone")
"""Why an item waits for a designer."""

OUTCOME_VERBS = frozenset({"completed", "passed"}) | UNDONE_VERBS


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing the learner did.

    Attributes:
        item: Platform item id.
        timestamp: Unix seconds, UTC; None if only the place in the list is known.
        verb: One of `recommender.interactions.VERBS`.
    """

    item: str
    timestamp: float | None = None
    verb: str = "completed"


@dataclass(frozen=True, slots=True)
class PathRequest:
    """Bounds of a path.

    Attributes:
        now: The moment of asking, unix seconds UTC; decides what is available.
        limit: Most steps, at least 1.
        minutes: Time the learner has; None for no limit.
        course: Only items of this course.
        courses: Courses the learner is enrolled in; with those of the history they bound the
            candidates where `course` is None and items are recommended.
        recommend: `items`, or `courses` where the catalogue's courses are the items.
        goal_items: The path leads to these items.
        goal_skills: The path leads to items that teach these skills.
        language: BCP 47 tag; items in another language are left out, those without one kept.
        exclude: Items that must not be in the path.
        held: Items that wait for a designer (R35), each with why: one of `HELD_CODES`.
        pinned: Items a designer wants first.
        follow: Whether each step counts as done when the next one is scored.
        list_excluded: Whether to say for every other item why it is not in the path.
    """

    now: float
    limit: int = 5
    minutes: float | None = None
    course: str | None = None
    courses: frozenset[str] = frozenset()
    recommend: str = "items"
    goal_items: frozenset[str] = frozenset()
    goal_skills: frozenset[str] = frozenset()
    language: str | None = None
    exclude: frozenset[str] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    follow: bool = True
    list_excluded: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds that mean nothing.

        Raises:
            ValueError: `limit` or `minutes` is not above 0, or `recommend` is unknown.
        """
        if self.limit < 1:
            raise ValueError(f"limit is {self.limit}, expected at least 1")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes is {self.minutes}, expected more than 0")
        if self.recommend not in {"items", "courses"}:
            raise ValueError(f"recommend is {self.recommend!r}, expected 'items' or 'courses'")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step is there.

    Attributes:
        code: Stable name, for translation.
        params: What the text is made of: ids and titles, no counts.
        text: English sentence.
    """

    code: str
    params: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """Something that comes before a step.

    Attributes:
        id: Item or skill id.
        is_item: Whether `id` is an item of the catalogue.
        met: Whether it was done before this path; otherwise an earlier step provides it.
    """

    id: str
    is_item: bool
    met: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path.

    Attributes:
        rank: From 1.
        item: Platform item id.
        score: The model's score when the step was chosen.
        minutes: Expected time; None if unknown.
        prerequisites: What comes before it.
        pinned: Whether a designer put it there.
        reasons: Why; the first names what moved the item most.
        parts: What each part added to `score`.
    """

    rank: int
    item: str
    score: float
    minutes: float | None
    prerequisites: tuple[Prerequisite, ...]
    pinned: bool
    reasons: tuple[Reason, ...]
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Excluded:
    """An item that is not in the path, and why; `params` as in `Reason`."""

    item: str
    code: str
    params: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class LearningPath:
    """A learner's path.

    Attributes:
        steps: In the order to take them.
        excluded: Items left out, where asked for; not those that merely rank lower.
        complete: Whether everything within the bounds is done.
        fallback: Whether the answer is not personal, or not from a model.
        warnings: Sentences about what of the request could not be used.
    """

    steps: tuple[Step, ...]
    excluded: tuple[Excluded, ...] = ()
    complete: bool = False
    fallback: bool = False
    warnings: tuple[str, ...] = ()


def in_order(history: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Sort a history by time, oldest first; as given where any time is unknown."""
    if any(entry.timestamp is None for entry in history):
        return list(history)
    return sorted(history, key=lambda entry: entry.timestamp or 0.0)


@dataclass(frozen=True, slots=True)
class Done:
    """What a history says.

    Attributes:
        visited: Items by first visit, oldest first: what the model sees.
        finished: Those that need not be done again.
        enrolled: Courses enrolled in, where items are recommended.
    """

    visited: tuple[str, ...]
    finished: frozenset[str]
    enrolled: frozenset[str]


def read_history(history: Sequence[HistoryEntry], recommend: str) -> Done:
    """Work out what is done.

    An item is done with its first recorded interaction, whatever the verb, since most platforms
    record no completion of a page; unless its last outcome is `failed` or `uncompleted`, which
    asks for it again. Enrolments are no visits where items are recommended;
    leaving a course takes an enrolment back and undoes no visit.
    """
    outcome: dict[str, str] = {}
    enrolled: set[str] = set()
    for entry in in_order(history):
        if entry.verb == "unenrolled":
            enrolled.discard(entry.item)
        elif entry.verb == "enrolled" and recommend == "items":
            enrolled.add(entry.item)
        elif entry.item not in outcome or entry.verb in OUTCOME_VERBS:
            outcome[entry.item] = entry.verb
    finished = frozenset(item for item, verb in outcome.items() if verb not in UNDONE_VERBS)
    return Done(tuple(outcome), finished, frozenset(enrolled))
