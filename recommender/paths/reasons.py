"""Why a step is in a path: each sentence recomputed from the numbers that put it there.

The first reason names what moved the item most: a designer's pin, the step that needs it, or
else the part that added most to its score. Where no part added anything, the catalogue's own
order decided, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.paths.request import Reason
from recommender.paths.scorer import ITEM_PARTS
from recommender.paths.texts import REASONS, say

if TYPE_CHECKING:
    from recommender.paths.catalogue import PathCatalogue
    from recommender.paths.prerequisites import Link
    from recommender.paths.request import PathRequest
    from recommender.paths.scorer import Because
    from recommender.paths.standing import Standing

MAX_PART_REASONS = 3
MINOR_SHARE = 0.25
"""Parts that added less than this share of the largest one are not mentioned."""
DID = {"items": "worked on", "courses": "took"}


def find_reasons(
    link: Link, standing: Standing, catalogue: PathCatalogue, request: PathRequest
) -> tuple[Reason, ...]:
    """Say why an item is placed, the strongest reason first.

    Args:
        link: The item, and what needs it.
        standing: The scores by which it was chosen.
        catalogue: The catalogue.
        request: The request.
    """
    item = catalogue.items[link.row]
    base = {"item": item.item, "title": catalogue.title(link.row), "did": DID[request.recommend]}
    first: list[Reason] = []
    if item.item in request.pinned:
        first.append(_reason("pinned", base))
    if link.needed_by is not None:
        needer = {"for": catalogue.items[link.needed_by].item}
        needer["for_title"] = catalogue.title(link.needed_by)
        if link.skill:
            first.append(_reason("skill_for", {**base, **needer, "skill": link.skill}))
        else:
            first.append(_reason("prerequisite_of", {**base, **needer}))
    return (
        *first,
        *_part_reasons(link.row, standing, catalogue, base),
        *_goals(base, item.skills, request),
    )


def main_parts(parts: dict[str, float]) -> list[str]:
    """Name the parts that moved an item, the largest first; none if nothing was added.

    Equal parts keep the order given.
    """
    largest = max(parts.values(), default=0.0)
    moving = [name for name, added in parts.items() if added > 0 and added >= MINOR_SHARE * largest]
    return sorted(moving, key=lambda name: -parts[name])[:MAX_PART_REASONS]


def _part_reasons(
    row: int, standing: Standing, catalogue: PathCatalogue, base: dict[str, str]
) -> list[Reason]:
    names = main_parts(standing.parts_of(row))
    if not names:
        return [_reason("course_order", base)]
    because = standing.because_of(row) if ITEM_PARTS.intersection(names) else {}
    reasons = []
    for name in names:
        if name in ITEM_PARTS:
            params = {**base, "part": name}
            reasons.append(_history_reason(row, because.get(name), standing, catalogue, params))
        else:
            reasons.append(_reason(name, {**base, "part": name}))
    return reasons


def _history_reason(
    moved: int,
    because: Because | None,
    standing: Standing,
    catalogue: PathCatalogue,
    params: dict[str, str],
) -> Reason:
    part = params["part"]
    if because is None:
        return _reason(f"{part}_history", params)
    source = standing.history[because.history_index]
    row = catalogue.index.get(source)
    params |= {"because": source, "because_title": source if row is None else catalogue.title(row)}
    if part == "text":
        return _reason("text_similar", params)
    if part == "order":
        place = catalogue.course_order
        after = row is None or place[moved] > place[row]
        return _reason("order_after" if after else "order_before", params)
    return _reason(f"{part}_also" if because.factual else f"{part}_together", params)


def _goals(base: dict[str, str], skills: tuple[str, ...], request: PathRequest) -> list[Reason]:
    goals = [_reason("goal_item", base)] if base["item"] in request.goal_items else []
    wanted = [skill for skill in skills if skill in request.goal_skills]
    return goals + [_reason("goal_skill", {**base, "skill": skill}) for skill in wanted]


def _reason(code: str, params: dict[str, str]) -> Reason:
    return Reason(code, params, say(REASONS, code, params))
