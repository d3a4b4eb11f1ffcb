"""Open edX (event-routing-backends, Aspects): ids are addresses; 0 of 0 points is a success.

Example: Ana answered the problem *Osmosis*, `block-v1:Uni+Bio1+2026+type@problem+block@p1`.
"""

from __future__ import annotations

from platform_adapters.formats.xapi.verbs import ATTEMPTED, EARNED, EVALUATED
from platform_adapters.formats.xapi.words import Producer, Statement
from platform_adapters.values import get

SESSION = "https://w3id.org/xapi/openedx/extensions/session-id"
_UPKEEP = (
    "https://w3id.org/xapi/dod-isd/verbs/navigated",
    "https://w3id.org/xapi/dod-isd/verbs/deleted",
    "https://w3id.org/xapi/acrossx/verbs/reported",
    "https://w3id.org/xapi/openedx/verb/unreported",
)


def _no_act(statement: Statement) -> str:
    is_upkeep = get(statement, "verb", "id") in _UPKEEP
    return "finding the way, or keeping a forum in order" if is_upkeep else ""


def plain_id(own: str) -> str:
    """The block or course that an address names."""
    for mark in ("/xblock/", "/course/"):
        head, found, tail = own.partition(mark)
        if found and head.startswith("http") and tail:
            return tail
    return own


OPENEDX = Producer(
    extension="https://w3id.org/xapi/openedx/extension/transformer-version",
    # A problem's check, points that reached the gradebook, and a course's grade.
    verbs={EVALUATED: "answered", ATTEMPTED: "scored", EARNED: "scored"},
    no_act=_no_act,
    plain_id=plain_id,
    takes_back=lambda result, _verb: {"success": None} if result.get("max") == 0 else {},
)
