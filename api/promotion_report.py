"""`HOME/promotion.json`: what rose with the last merged model, and through whom (R35).

Written by `fit`; status, metrics and `/ui/swarm` read it. It is never exported (R5).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from api.home import Home

SCHEMA = "murmuration.promotion/1"


@dataclass(frozen=True, slots=True)
class Carrier:
    """A member that added something since the model before.

    Attributes:
        name: Its name on the ledger.
        share: Of the rise that is gone without what it added, in [0, 1].
        anchor: Whether it is an anchor (R34).
        own: Whether it is this platform.
    """

    name: str
    share: float
    anchor: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Risen:
    """An item that rose; see `recommender.statistics.promotion.Rise`."""

    item: str
    reach: float
    reach_before: float
    rank: float
    rank_before: float
    concentration: float
    carriers: tuple[Carrier, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What the last fit of a new merged model found.

    Attributes:
        model: Digest of the merged model, hex.
        round: Its round.
        before: Digest of the one it was compared with; empty if with none.
        before_round: Its round.
        compared: Number of this platform's items that were ranked.
        first: Places that count as a ranking's top.
        risen: Highest rise first.
        note: Why nothing was compared, or why nobody can say who carried a rise; else empty.
        made_at: ISO 8601, UTC.
    """

    model: str
    round: int
    before: str
    before_round: int
    compared: int
    first: int
    risen: tuple[Risen, ...]
    note: str
    made_at: str


def read_report(home: Home) -> Report | None:
    """The last report; None before one, or where the file cannot be read."""
    try:
        facts = json.loads(home.promotion_path.read_bytes())
        risen = []
        for one in facts.pop("risen"):
            carriers = tuple(Carrier(**carrier) for carrier in one.pop("carriers"))
            risen.append(Risen(**one, carriers=carriers))
        facts.pop("schema")
        return Report(**facts, risen=tuple(risen))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_report(home: Home, report: Report) -> None:
    """Replace the report.

    Raises:
        OSError: The disk refused.
    """
    facts = {"schema": SCHEMA, **asdict(report)}
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    atomic_write(home.promotion_path, text.encode(), mode=0o600)
