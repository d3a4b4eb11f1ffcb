"""Events that a platform or a tool sends: converted, pseudonymised and stored, each with a result.

The same adapters as for files, and the same rules: what arrives twice is stored once, a raw
learner id goes no further than this, a record that cannot be used changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from platform_adapters.contract import AdaptOptions, Ignored, Interaction, People, Rejected
from platform_adapters.convert import Converter
from platform_adapters.errors import TimezoneError
from platform_adapters.report import ImportReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.store.store import Store
    from platform_adapters.contract import Adapter, Json
    from platform_adapters.pseudonyms import Pseudonymiser

Outcome = Literal["accepted", "duplicate", "ignored", "rejected"]

_DAY = 86_400
NO_ZONE = "the time has no zone; send it with an offset or Z"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event.

    Attributes:
        outcome: Its fate.
        reason: Why it was ignored or rejected; never a value of the event.
    """

    outcome: Outcome
    reason: str = ""


class Receiver:
    """Takes events of one home; may be called from several threads."""

    def __init__(
        self,
        store: Store,
        platform: str,
        pseudonymiser: Pseudonymiser,
        *,
        people: Callable[[], People] = People,
        home_page: str | None = None,
    ) -> None:
        """Open a receiver.

        Args:
            store: Where events go.
            platform: The name space of their ids.
            pseudonymiser: This home's.
            people: Says whose ids are whose, as of now.
            home_page: xAPI accounts of this home page are known by their name alone.
        """
        self._store = store
        self._options = AdaptOptions(platform, home_page=home_page)
        self._pseudonymiser = pseudonymiser
        self._people = people

    def take(
        self, adapter: Adapter, events: Sequence[Json], *, all_or_none: bool = False
    ) -> list[Receipt]:
        """Store events.

        Args:
            adapter: Understands them.
            events: At most 1,000, as sent.
            all_or_none: Whether one that is rejected keeps the others out, too.

        Returns:
            What became of each, in their order.

        Raises:
            StoreError: The store failed; nothing was stored.
        """
        report = ImportReport()
        latest = int(time.time()) + _DAY
        options = replace(self._options, people=self._people(), latest=latest)
        session = adapter.prepare([], options)
        converter = Converter(session, options, self._pseudonymiser, report)
        found = [self._one(converter, event, place) for place, event in enumerate(events)]
        rows = [one for one in found if isinstance(one, Interaction)]
        there = self._store.known_events([row.event_id for row in rows])
        if not (all_or_none and any(isinstance(one, Rejected) for one in found)):
            self._store.add_interactions(row for row in rows if row.event_id not in there)
            self._store.withdraw(report.withdrawn)
        return [_receipt(one, there) for one in found]

    @staticmethod
    def _one(converter: Converter, event: Json, place: int) -> object:
        try:
            return converter.accept(event, place, "data")
        except TimezoneError:
            return Rejected(NO_ZONE, place, "data")


def _receipt(found: object, there: frozenset[str]) -> Receipt:
    match found:
        case Interaction(event_id=name):
            return Receipt("duplicate" if name in there else "accepted")
        case Ignored(reason=reason):
            return Receipt("ignored", reason)
        case Rejected(reason=reason):
            return Receipt("rejected", reason)
        case None:
            return Receipt("duplicate")
        case _:  # it took an earlier event back
            return Receipt("accepted")
