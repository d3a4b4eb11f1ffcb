"""What `/ui/path` shows, as plain values: who, what is done, the steps and why.

Names of learners never come here: a learner is a pseudonym, shown shortened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.pages.wording import PARTS, Part, Share, day, duration, minute, shares, short_id
from api.paths import NO_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.pages.personas import Persona
    from api.paths import PathResult
    from api.serving import Served
    from api.store.people import LearnerRow
    from recommender.paths.catalogue import PathCatalogue
    from recommender.paths.request import Prerequisite, Step

LIMITS = (3, 5, 10, 20)
DONE_SHOWN = 6
EXCLUDED_SHOWN = 200
COLD = "Nothing is known of what was done before, so these steps suit most learners who begin."


@dataclass(frozen=True, slots=True)
class DoneView:
    """Something done."""

    title: str
    when: str


@dataclass(frozen=True, slots=True)
class BeforeView:
    """A prerequisite and whether it is met."""

    title: str
    met: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step's card."""

    rank: int
    title: str
    url: str
    facts: tuple[str, ...]
    reasons: tuple[str, ...]
    shares: tuple[Share, ...]
    prerequisites: tuple[BeforeView, ...]
    pinned: bool


@dataclass(frozen=True, slots=True)
class LeftOutView:
    """An item that is not in the path, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class PathPart:
    """The path itself."""

    fallback: str
    warnings: tuple[str, ...]
    done: tuple[DoneView, ...]
    earlier: tuple[DoneView, ...]
    done_count: int
    steps: tuple[StepView, ...]
    total_minutes: str
    complete: bool
    legend: tuple[Part, ...]
    excluded: tuple[LeftOutView, ...]
    excluded_count: int


@dataclass(frozen=True, slots=True)
class PersonView:
    """An entry of the list to choose from."""

    href: str
    title: str
    detail: str
    current: bool


@dataclass(frozen=True, slots=True)
class CourseView:
    """An entry of the list of courses."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds chosen on the page.

    Attributes:
        limit: Most steps.
        hours: Time available; None for any.
        course: Course id; empty for all.
    """

    limit: int = 5
    hours: float | None = None
    course: str = ""


@dataclass(frozen=True, slots=True)
class PathView:
    """The whole page."""

    title: str
    subtitle: str
    path: PathPart | None
    who_field: str
    who_value: str
    limits: tuple[int, ...]
    limit: int
    hours: str
    course: str
    courses: tuple[CourseView, ...]
    query: str
    not_found: str
    personas: tuple[PersonView, ...]
    learners: tuple[PersonView, ...]
    more_learners: bool
    model_line: str
    digest: str


def path_part(result: PathResult) -> PathPart:
    """The path's own part of the page."""
    path = result.path
    steps = tuple(_step(result.catalogue, step) for step in path.steps)
    done = _done(result)
    used = {share.key for step in steps for share in step.shares}
    minutes = [step.minutes for step in path.steps if step.minutes]
    fallback = ""
    if path.fallback:
        fallback = NO_MODEL if NO_MODEL in path.warnings else COLD
    return PathPart(
        fallback=fallback,
        warnings=tuple(text for text in path.warnings if text != fallback),
        done=done[-DONE_SHOWN:],
        earlier=done[:-DONE_SHOWN],
        done_count=len(done),
        steps=steps,
        total_minutes=duration(sum(minutes)) if len(minutes) == len(steps) > 1 else "",
        complete=path.complete,
        legend=tuple(part for part in PARTS if part.key in used),
        excluded=tuple(
            LeftOutView(_title(result.catalogue, one.item), one.text)
            for one in path.excluded[:EXCLUDED_SHOWN]
        ),
        excluded_count=len(path.excluded),
    )


def _done(result: PathResult) -> tuple[DoneView, ...]:
    latest = {entry.item: entry.timestamp for entry in result.history}
    return tuple(
        DoneView(
            _title(result.catalogue, item),
            day(_moment(latest.get(item))),
        )
        for item in result.done
    )


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _step(catalogue: PathCatalogue, step: Step) -> StepView:
    row = catalogue.items[catalogue.index[step.item]]
    course = _title(catalogue, row.course) if row.course not in {"", row.item} else ""
    facts = (duration(step.minutes), course, row.section, *row.skills[:3])
    return StepView(
        rank=step.rank,
        title=row.title or row.item,
        url=row.url if row.url.startswith(("https://", "http://")) else "",
        facts=tuple(fact for fact in facts if fact),
        reasons=tuple(reason.text for reason in step.reasons),
        shares=shares(step.parts),
        prerequisites=tuple(_before(catalogue, one) for one in step.prerequisites),
        pinned=step.pinned,
    )


def _before(catalogue: PathCatalogue, one: Prerequisite) -> BeforeView:
    return BeforeView(_title(catalogue, one.id) if one.is_item else one.id, one.met)


def _title(catalogue: PathCatalogue, item: str) -> str:
    row = catalogue.index.get(item)
    return item if row is None else catalogue.title(row)


def courses_of(catalogue: PathCatalogue) -> tuple[CourseView, ...]:
    """The courses that hold other items, by title."""
    ids = {row.course for row in catalogue.items if row.course and row.course != row.item}
    views = [CourseView(course, _title(catalogue, course)) for course in ids]
    return tuple(sorted(views, key=lambda view: (view.title, view.value)))


def persona_views(found: Sequence[Persona], current: str, query: str) -> tuple[PersonView, ...]:
    """Examples whose title or detail holds every word of the query."""
    words = query.casefold().split()
    return tuple(
        PersonView(f"/ui/path?persona={one.key}", one.title, one.detail, one.key == current)
        for one in found
        if all(word in f"{one.title} {one.detail}".casefold() for word in words)
    )


def learner_views(rows: Sequence[LearnerRow], current: str) -> tuple[PersonView, ...]:
    """Learners as the list shows them."""
    return tuple(
        PersonView(
            f"/ui/path?learner={row.pseudonym}",
            short_pseudonym(row.pseudonym),
            _activity(row),
            row.pseudonym == current,
        )
        for row in rows
    )


def _activity(row: LearnerRow) -> str:
    last = _moment(row.last_timestamp)
    events = f"{row.interactions} event{'' if row.interactions == 1 else 's'}"
    return f"{events}, last on {day(last)}" if last else events


def short_pseudonym(pseudonym: str) -> str:
    """The part of a pseudonym that tells learners of one home apart, shortened."""
    return short_id(pseudonym.rpartition("_")[2], 8, 4)


def model_line(served: Served) -> str:
    """Which model the page was made with."""
    if served.model is None:
        return "No model yet."
    round_text = f" of round {served.round}" if served.round else ""
    return f"Model{round_text}, in use since {minute(served.trained_at)}."
