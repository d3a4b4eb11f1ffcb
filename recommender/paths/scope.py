"""Which items may be in a path at all, and which of them it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.paths.request import HELD_CODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.paths.catalogue import PathCatalogue
    from recommender.paths.request import Done, PathRequest


@dataclass(frozen=True, eq=False)
class Scope:
    """The rows a path may use.

    Attributes:
        candidates: Rows that may be placed; bool, `(n,)`.
        targets: Candidates that the path is for; the others only help to reach them.
        barred: For each code of an exclusion, its rows; the first that applies is the reason.
        complete: Whether rows are within the bounds and all of them are done.
        minutes: Time that can be spent, infinite without a limit.
        warnings: What of the request could not be used.
    """

    candidates: NDArray[np.bool_]
    targets: NDArray[np.bool_]
    barred: tuple[tuple[str, NDArray[np.bool_]], ...]
    complete: bool
    minutes: float
    warnings: tuple[str, ...]


def find_scope(catalogue: PathCatalogue, request: PathRequest, done: Done) -> Scope:
    """Apply the request's bounds, the catalogue's own, and what is done, to every row."""
    barred = [*_not_served(catalogue, request), *_not_asked(catalogue, request, done)]
    within = ~np.logical_or.reduce([mask for _, mask in barred])
    goal, warnings = _goal(catalogue, request)
    finished = catalogue.rows(done.finished)
    left = within & ~finished
    unknown, minutes = np.zeros_like(left), np.inf
    if request.minutes is not None:
        unknown, minutes = np.isnan(catalogue.minutes), request.minutes
        if left.any() and unknown[left].all():
            unknown, minutes = np.zeros_like(left), np.inf
            warnings = (*warnings, "No duration is known here, so the time limit is not applied.")
    candidates = left & ~unknown
    return Scope(
        candidates=candidates,
        targets=candidates & goal,
        barred=(
            *barred,
            ("done", finished),
            ("duration_unknown", unknown),
            ("not_for_goal", ~goal),
        ),
        complete=bool((within & goal).any()) and not (left & goal).any(),
        minutes=minutes,
        warnings=warnings,
    )


def _not_served(
    catalogue: PathCatalogue, request: PathRequest
) -> list[tuple[str, NDArray[np.bool_]]]:
    unreadable = np.isnan(catalogue.opens) | np.isnan(catalogue.closes)
    closed = (catalogue.opens > request.now) | (catalogue.closes < request.now)
    wants_courses = request.recommend == "courses"
    return [
        ("hidden", catalogue.hidden),
        ("availability_unreadable", unreadable),
        ("not_available", closed),
        ("other_type", catalogue.is_course != wants_courses),
        *_held(catalogue, request),
    ]


def _held(catalogue: PathCatalogue, request: PathRequest) -> list[tuple[str, NDArray[np.bool_]]]:
    """Rows that wait for a designer (R35)."""
    if not request.held:
        return []
    return [
        (code, catalogue.rows(frozenset(item for item, why in request.held.items() if why == code)))
        for code in HELD_CODES
    ]


def _not_asked(
    catalogue: PathCatalogue, request: PathRequest, done: Done
) -> list[tuple[str, NDArray[np.bool_]]]:
    barred = [("excluded", catalogue.rows(request.exclude))]
    courses = _courses(catalogue, request, done)
    if courses:
        barred.append(("other_course", ~catalogue.in_courses(courses)))
    if request.language is not None:
        barred.append(("other_language", ~catalogue.in_language(request.language)))
    return barred


def _courses(catalogue: PathCatalogue, request: PathRequest, done: Done) -> frozenset[str]:
    """Courses that bound the path; none means the whole catalogue."""
    if request.course is not None:
        return frozenset({request.course})
    if request.recommend == "courses":
        return frozenset()
    rows = [catalogue.index[item] for item in done.visited if item in catalogue.index]
    own = {catalogue.items[row].course for row in rows} | request.courses | done.enrolled
    # A course that the catalogue does not know must not empty the path.
    return frozenset(course for course in own if course and catalogue.has_course(course))


def _goal(
    catalogue: PathCatalogue, request: PathRequest
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Rows that reach the goal; all without a goal."""
    if not request.goal_items and not request.goal_skills:
        return np.ones(len(catalogue), dtype=np.bool_), ()
    goal = catalogue.rows(request.goal_items)
    for skill in request.goal_skills:
        goal[list(catalogue.teaches.get(skill, ()))] = True
    unknown = sorted(
        {item for item in request.goal_items if item not in catalogue.index}
        | {skill for skill in request.goal_skills if skill not in catalogue.teaches}
    )
    return goal, tuple(f"The catalogue knows nothing of the goal “{name}”." for name in unknown)
