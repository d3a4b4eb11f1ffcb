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
    from api.store.store import Store

SCHEMA = "murmuration.promotion/1"


@dataclass(frozen=True, slots=True)
class Carrier:
    """A member through whom an item rose.

    Attributes:
        name: Its name on the ledger.
        share: Of the item's reach that is gone without it, in [0, 1].
        anchor: Whether it is an anchor (R34).
    """

    name: str
    share: float
    anchor: bool = False


@dataclass(frozen=True, slots=True)
class Risen:
    """An item that rose; see `recommender.statistics.excess.Rise`.

    Attributes:
        item: Its id.
        reach: As it was told.
        reach_without: Without the carriers.
        rank: As it was told.
        rank_without: Without the carriers.
        concentration: As it was told.
        carriers: Who carried it, largest share first.
        round: Of the merged model with which it was told.
        told_at: ISO 8601, UTC.
    """

    item: str
    reach: float
    reach_without: float
    rank: float
    rank_without: float
    concentration: float
    carriers: tuple[Carrier, ...]
    round: int
    told_at: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A member whose totals contradict the number of learners that it declared (R14).

    Attributes:
        name: Its name on the ledger.
        declared: Upper bound of its bracket.
        fewest: Learners that its totals are of at least.
        most: Learners that its totals are of at most; below `fewest` if no number explains them.
    """

    name: str
    declared: int
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the last fit of a new merged model found.

    Attributes:
        model: Digest of the merged model, hex.
        round: Its round.
        compared: Number of this platform's items that were ranked.
        first: Places that count as a ranking's top.
        risen: What rose with this model, highest first, then what was told before and still stands.
        note: Why nothing was compared; else empty.
        made_at: ISO 8601, UTC.
        doubts: Other members whose totals contradict their brackets.
    """

    model: str
    round: int
    compared: int
    first: int
    risen: tuple[Risen, ...]
    note: str
    made_at: str
    doubts: tuple[Doubt, ...] = ()

    @property
    def new(self) -> tuple[Risen, ...]:
        """What rose with this model."""
        return tuple(one for one in self.risen if one.round == self.round)


def read_report(home: Home) -> Report | None:
    """The last report; None before one, or where the file cannot be read."""
    try:
        facts = json.loads(home.promotion_path.read_bytes())
        risen = []
        for one in facts.pop("risen"):
            carriers = tuple(Carrier(**carrier) for carrier in one.pop("carriers"))
            risen.append(Risen(**one, carriers=carriers))
        facts.pop("schema")
        doubts = tuple(Doubt(**one) for one in facts.pop("doubts", ()))
        return Report(**facts, risen=tuple(risen), doubts=doubts)
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


def agreed_rises(home: Home, store: Store) -> frozenset[str]:
    """Items that rose and that a designer has agreed to since.

    Raises:
        StoreError: The store cannot be read.
    """
    report = read_report(home)
    last = store.last_confirmations([one.item for one in report.risen] if report else ())
    return frozenset(item for item, row in last.items() if row.action == "agreed")
