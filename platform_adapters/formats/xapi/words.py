"""Who made a statement: each producer has marks, words and habits of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_adapters.values import get

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Statement: TypeAlias = dict[str, Any]
ADL = "http://adlnet.gov/expapi/verbs/"


def activities(context: object, kind: str) -> list[dict[str, Any]]:
    """Context activities of a kind; the specification allows one object for an array."""
    found = get(context, "contextActivities", kind)
    if found is None:
        return []
    if isinstance(found, dict):
        return [found]
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class Producer:
    """One that makes statements; without an argument: any that is not known.

    Attributes:
        extension: How the name of an extension of the context begins that it marks them with.
        unless: What this extension does not hold, if it is another's with the same mark.
        category: A category of the context that it marks them with.
        made: Whether a statement without such a mark is its.
        verbs: What it means by a verb, where that is not what the IRI says.
        no_act: Why a statement is nobody's learning; empty if it may be.
        plain_id: The id by which the platform knows an item, if an address hides it.
        unscaled: A scaled score as one in [0, 1].
        scaled_beside_raw: Whether that counts beside points without a maximum.
        progress_is_score: Whether points stand for the share done, too.
        takes_back: Changes of a result, given it and the verb: what it says without knowing.
    """

    extension: str = ""
    unless: str = ""
    category: str = ""
    made: Callable[[Statement], bool] | None = None
    verbs: Mapping[str, str] = field(default_factory=dict)
    no_act: Callable[[Statement], str] = field(default=lambda _statement: "")
    plain_id: Callable[[str], str] = field(default=lambda own: own)
    unscaled: Callable[[float], float] = field(default=lambda scaled: max(0.0, scaled))
    scaled_beside_raw: bool = True
    progress_is_score: bool = False
    takes_back: Callable[[dict[str, Any], str], dict[str, Any]] = field(
        default=lambda _result, _verb: {}
    )
