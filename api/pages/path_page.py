"""Builds `/ui/path`: whose path, within which bounds, and who else could be chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.pages.path_view import (
    LIMITS,
    Limits,
    PathView,
    courses_of,
    learner_views,
    model_line,
    path_part,
    persona_views,
    short_pseudonym,
)
from api.pages.personas import Persona, personas
from api.paths import PathAsk
from recommender.paths.request import HistoryEntry

if TYPE_CHECKING:
    from api.paths import PathResult
    from api.services import Services
    from api.serving import Served
    from recommender.catalogue import CatalogueItem

LISTED = 18
LISTED_BESIDE = 6
DEFAULT_STEPS = 5
MOST_STEPS = 50
MINUTES_PER_HOUR = 60
DAY_SECONDS = 86_400.0
EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose path the page shows; at most one is given.

    Attributes:
        pseudonym: A learner.
        persona: Key of an example.
        query: What the list is searched for.
        not_found: Why the search found nobody; empty if it did, or nothing was searched.
    """

    pseudonym: str = ""
    persona: str = ""
    query: str = ""
    not_found: str = ""


def path_page(services: Services, chosen: Chosen, limits: Limits) -> PathView:
    """Everything that the page shows.

    Raises:
        NotFoundError: The course is unknown.
        StoreError: The store cannot be read.
    """
    catalogue = services.paths.catalogue()
    examples = personas(_recommended(services, catalogue.items))
    persona = next((one for one in examples if one.key == chosen.persona), None)
    result, title, subtitle = None, "Learning paths", ""
    if chosen.pseudonym:
        result = services.paths.answer(_ask(chosen.pseudonym, limits, None))
        title = f"Learner {short_pseudonym(chosen.pseudonym)}"
        subtitle = "A learner of this platform, known here by a keyed pseudonym only."
    elif persona is not None:
        result = services.paths.answer(_ask(EXAMPLE, limits, _steps_of(persona)))
        title, subtitle = persona.title, f"An example, not a person: {_lower(persona.detail)}."
    listed = LISTED if result is None else LISTED_BESIDE
    rows = services.store.learners(listed + 1, chosen.query)
    return PathView(
        title=title,
        subtitle=subtitle,
        path=path_part(result) if result is not None else None,
        who_field="learner" if chosen.pseudonym else "persona",
        who_value=chosen.pseudonym or chosen.persona,
        limits=tuple(sorted({*LIMITS, limits.limit})),
        limit=limits.limit,
        hours="" if limits.hours is None else f"{limits.hours:g}",
        course=limits.course,
        courses=courses_of(catalogue) if services.settings.recommend == "items" else (),
        query=chosen.query,
        not_found=chosen.not_found,
        personas=persona_views(examples, chosen.persona, chosen.query),
        learners=learner_views(rows[:listed], chosen.pseudonym),
        more_learners=len(rows) > listed,
        model_line=model_line(_served(services, result)),
        digest=_served(services, result).digest or "",
    )


def _served(services: Services, result: PathResult | None) -> Served:
    return result.served if result is not None else services.serving.current()


def matches_persona(services: Services, query: str) -> bool:
    """Whether any example's words hold the query."""
    examples = personas(_recommended(services, services.paths.catalogue().items))
    return bool(persona_views(examples, "", query))


def read_limits(limit: str, hours: str, course: str) -> Limits:
    """The bounds as the address gives them; what is no number counts as not given."""
    steps = int(limit) if limit.isascii() and limit.isdigit() else DEFAULT_STEPS
    try:
        time = float(hours)
    except ValueError:
        time = math.nan
    return Limits(
        limit=min(max(steps, 1), MOST_STEPS),
        hours=time if 0 < time <= 10_000 else None,
        course=course,
    )


def _recommended(services: Services, items: tuple[CatalogueItem, ...]) -> list[CatalogueItem]:
    """What can be in a path: courses, or items that are none."""
    wants_courses = services.settings.recommend == "courses"
    return [item for item in items if (item.type == "course") == wants_courses and not item.hidden]


def _ask(learner: str, limits: Limits, history: tuple[HistoryEntry, ...] | None) -> PathAsk:
    return PathAsk(
        learner=learner,
        limit=limits.limit,
        minutes=None if limits.hours is None else limits.hours * MINUTES_PER_HOUR,
        course=limits.course or None,
        history=history,
        trusted=True,
    )


def _steps_of(persona: Persona) -> tuple[HistoryEntry, ...]:
    return tuple(HistoryEntry(item) for item in persona.items)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
