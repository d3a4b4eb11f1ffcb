"""Figures about one peer since its start, for status and metrics; none is about learners (R21)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from swarm import codec
from swarm.ledger.blocks import read_final
from swarm.protocol import MAX_MESSAGE_BYTES
from swarm.transport.traffic import Traffic

if TYPE_CHECKING:
    from swarm.views import NodeView


@dataclass(slots=True)
class Spans:
    """Wall time during which at least one of several overlapping activities ran, in seconds."""

    seconds: float = 0
    _running: int = 0
    _since: float = 0

    def __enter__(self) -> None:
        if not self._running:
            self._since = time.monotonic()
        self._running += 1

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        if not self._running:
            self.seconds += time.monotonic() - self._since


@dataclass(slots=True)
class Gauges:
    """Counters and times; `to_value` is what `status.json` holds.

    Attributes:
        traffic: What has crossed the network.
        contributing: Time in the contributing child, R21's waiting included.
        fetching: Time in which a contribution was under way to us.
        merging: Time of computing merges.
    """

    traffic: Traffic = field(default_factory=Traffic)
    contributing: Spans = field(default_factory=Spans)
    fetching: Spans = field(default_factory=Spans)
    merging: Spans = field(default_factory=Spans)
    _votes: Counter[str] = field(default_factory=Counter)
    _refused: Counter[str] = field(default_factory=Counter)
    _blocks: int = 0
    _later_views: int = 0
    _decide_seconds: float = 0
    _decide_last: float = 0
    _decide_most: float = 0
    _since_ms: int | None = None
    _lag: int = 0

    def persisted(self, record: bytes) -> None:
        """One of our own records is in the log: count the votes."""
        value: Any = codec.decode(record, MAX_MESSAGE_BYTES)
        if value[0] == "vote":
            self._votes[value[1][0]] += 1

    def refused(self, member: str) -> None:
        """A member's bytes were dropped."""
        self._refused[member] += 1

    def decided(self, block: bytes, now_ms: int) -> None:
        """A final block, as `AppendBlock` gives it."""
        seconds = 0 if self._since_ms is None else (now_ms - self._since_ms) / 1000
        self._blocks += 1
        self._later_views += read_final(block).view - 1
        self._since_ms = None
        self._decide_last = seconds
        self._decide_seconds += seconds
        self._decide_most = max(self._decide_most, seconds)

    def show(self, view: NodeView) -> None:
        """Take the core's present view."""
        if self._since_ms is None:
            self._since_ms = view.deciding_since_ms
        self._lag = max([0, *(height - 1 - view.height for height in view.heights.values())])

    def to_value(self) -> dict[str, Any]:
        """For JSON: integers and seconds."""
        return {
            **asdict(self.traffic),
            "votes": dict(sorted(self._votes.items())),
            "refused": dict(sorted(self._refused.items())),
            "blocks": self._blocks,
            "views_timed_out": self._later_views,
            "decide_seconds": round(self._decide_seconds, 3),
            "decide_seconds_last": round(self._decide_last, 3),
            "decide_seconds_most": round(self._decide_most, 3),
            "contribute_seconds": round(self.contributing.seconds, 3),
            "fetch_seconds": round(self.fetching.seconds, 3),
            "merge_seconds": round(self.merging.seconds, 3),
            "cpu_seconds": round(time.process_time(), 2),
            "lag_blocks": self._lag,
        }
