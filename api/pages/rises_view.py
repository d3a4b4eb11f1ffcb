"""What `/ui/swarm` says about items that rose, and about courses that hold them back (R35)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.pages.path_view import CourseView, courses_of
from api.pages.wording import counted, listing, minute
from api.promotion_report import read_report
from api.store.confirmations import EVERY_COURSE, FIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.promotion_report import Carrier, Report, Risen
    from api.services import Services
    from api.store.confirmations import Entry
    from recommender.paths.catalogue import PathCatalogue

MOST_LISTED = 100
"""Held items on the page; `murmuration confirm list` has all."""
MOST_LOGGED = 10
_CONCENTRATED = 0.8
_WHY = {
    "rose": "It rose, and nobody has agreed yet.",
    "new": "It is new in its course, and nobody has agreed yet.",
    "undone": "An agreement was taken back.",
}
_DID = {
    "on": "let {of} hold back",
    "off": "lets {of} hold nothing back any longer",
    "rose": "{of} rose in the merged model",
    "agreed": "agreed to {of}",
    "undone": "took the agreement to {of} back",
}


@dataclass(frozen=True, slots=True)
class CarrierView:
    """A member's part in a rise."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class RisenView:
    """An item that rose; percents are of typical histories."""

    item: str
    title: str
    before: int
    after: int
    sentence: str
    through: str
    carriers: tuple[CarrierView, ...]
    state: str
    held: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class HeldView:
    """An item that waits for a designer."""

    item: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class RisesView:
    """The section of the page."""

    headline: str
    risen: tuple[RisenView, ...]
    held: tuple[HeldView, ...]
    held_count: int
    holding: tuple[CourseView, ...]
    others: tuple[CourseView, ...]
    log: tuple[str, ...]
    may_decide: bool


def rises_of(services: Services, *, may_decide: bool) -> RisesView:
    """The section as a home's files and store have it now.

    Raises:
        StoreError: The store cannot be read.
    """
    store, report = services.store, read_report(services.home)
    keys = store.keys()
    risen = [one.item for one in report.risen] if report is not None else []
    return rises_view(
        report=report,
        catalogue=services.paths.catalogue(),
        holding=store.holding_courses(),
        held=store.held_items(),
        last=store.last_confirmations(risen),
        log=store.confirmation_log(limit=MOST_LOGGED),
        names={key.id: key.name for key in keys},
        may_decide=may_decide,
    )


def rises_view(  # noqa: PLR0913 - one keyword for each thing shown
    *,
    report: Report | None,
    catalogue: PathCatalogue,
    holding: Iterable[str],
    held: Mapping[str, Entry],
    last: Mapping[str, Entry],
    log: Iterable[Entry],
    names: Mapping[str, str],
    may_decide: bool,
) -> RisesView:
    """Build the section.

    Args:
        report: What the last fit of a new merged model found.
        catalogue: This platform's, for titles and courses.
        holding: Courses that hold back.
        held: Items that wait, with their last row.
        last: The last row of each item that rose.
        log: Who decided what, newest first.
        names: Of keys, by id, for the log.
        may_decide: Whether whoever looks has the role `design`.
    """
    every = CourseView(EVERY_COURSE, "Every course")
    courses = (every, *courses_of(catalogue))
    on = set(holding)
    risen = report.risen if report is not None else ()
    rose = {one.item for one in risen}
    waiting = [item for item in held if item not in rose]
    return RisesView(
        headline=_headline(report),
        risen=tuple(_risen(one, report, catalogue, held, last) for one in risen if report),
        held=tuple(
            HeldView(item, title_of(catalogue, item), _WHY[held[item].action])
            for item in waiting[:MOST_LISTED]
        ),
        held_count=len(waiting),
        holding=tuple(course for course in _with_unknown(courses, on) if course.value in on),
        others=tuple(course for course in courses if course.value not in on),
        log=tuple(_logged(row, catalogue, names) for row in log),
        may_decide=may_decide,
    )


def title_of(catalogue: PathCatalogue, item: str) -> str:
    """Title of an item, or its id where the catalogue has neither."""
    return catalogue.title(catalogue.index[item]) if item in catalogue.index else item


def _headline(report: Report | None) -> str:
    if report is None:
        return "Nothing to compare yet: no merged model has been fitted here."
    if not report.risen:
        if report.note:
            return f"Round {report.round} was not compared: {report.note}."
        return (
            f"Nothing rose with round {report.round}: none of the {report.compared:,} shared items "
            "owes where it stands to one member more than its share of the learners explains."
        )
    count = counted(len(report.risen), "item owes", "items owe")
    note = f" Round {report.round} was not compared: {report.note}." if report.note else ""
    return f"{count} much of where they stand to one member, or to two together.{note}"


def _risen(
    one: Risen,
    report: Report,
    catalogue: PathCatalogue,
    held: Mapping[str, Entry],
    last: Mapping[str, Entry],
) -> RisenView:
    before, after = round(100 * one.reach_without), round(100 * one.reach)
    names = listing([by.name for by in one.carriers])
    row = last.get(one.item)
    agreed = row is not None and row.action in {"agreed", "known"}
    state = "Held back" if one.item in held else "Agreed" if agreed else "In paths"
    few = ""
    if one.concentration >= _CONCENTRATED:
        few = " Almost all that leads to it comes from five items or fewer."
    return RisenView(
        item=one.item,
        title=title_of(catalogue, one.item),
        before=before,
        after=after,
        sentence=f"Since round {one.round} among the first {report.first} for {after} of 100 "
        f"typical histories; without {names}, for {before}.{few}",
        through=_through(one.carriers),
        carriers=tuple(CarrierView(by.name, round(100 * by.share)) for by in one.carriers),
        state=state,
        held=one.item in held,
        agreed=agreed,
    )


def _through(carriers: tuple[Carrier, ...]) -> str:
    """Through whom an item rose, in a sentence."""
    names = listing([_called(by) for by in carriers])
    if len(carriers) > 1:
        return f"{names} carried it together: they say more of it than their share explains."
    return (
        f"It came through {names}, which says more of it than its share of the learners explains."
    )


def _called(by: Carrier) -> str:
    return f"{by.name} (an anchor)" if by.anchor else by.name


def _with_unknown(courses: tuple[CourseView, ...], on: set[str]) -> tuple[CourseView, ...]:
    """The courses, and those that hold back but are in the catalogue no more."""
    known = {course.value for course in courses}
    return (*courses, *(CourseView(name, name) for name in sorted(on - known)))


def _logged(row: Entry, catalogue: PathCatalogue, names: Mapping[str, str]) -> str:
    named = f"“{title_of(catalogue, row.item or row.course)}”"
    of = "every course" if row.course == EVERY_COURSE else named
    did = _DID[row.action].format(of=of)
    when = minute(datetime.fromtimestamp(row.at, UTC))
    return f"{when}: {did}" if row.who == FIT else f"{when}: {_who(row.who, names)} {did}"


def _who(who: str, names: Mapping[str, str]) -> str:
    kind, _, key = who.partition(":")
    if kind == "key":
        return f"whoever has the key “{names.get(key, key)}”"
    return "whoever came by a one-time link" if kind == "link" else who
