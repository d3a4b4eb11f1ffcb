"""The import report: what became of every row, in counts that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from platform_adapters.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_adapters.contract import Interaction, Rejected

MAX_LINES = 1_000
"""Line numbers kept for one reason; all are counted."""

MAX_REASONS = 200
"""Different reasons kept; later ones are counted together."""

OVERFLOW = "other reasons"


@dataclass
class ImportReport:
    """Counts of one import; every row is exactly one of the four kinds.

    Attributes:
        rows: Records read.
        events: Interactions emitted.
        duplicates: Records whose event had been emitted before in this run.
        ignored: Records that are no learner's learning, by reason.
        rejected: Records that are not what the format demands, by reason.
        rejected_lines: File and line of the rejected, at most 1,000 a reason.
        verbs: Emitted interactions by verb.
        unknown: Native event names that became the verb `other`.
        clamped: Events whose score was recorded above its maximum, and counts as 1.
        withdrawn: Ids of interactions that the source has taken back.
    """

    rows: int = 0
    events: int = 0
    duplicates: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_lines: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    verbs: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    clamped: int = 0
    withdrawn: set[str] = field(default_factory=set)

    @property
    def ignored_rows(self) -> int:
        """All ignored records."""
        return self.ignored.total()

    @property
    def rejected_rows(self) -> int:
        """All rejected records."""
        return self.rejected.total()

    @property
    def reject_share(self) -> float:
        """Rejected of all rows, in [0, 1]."""
        return self.rejected_rows / self.rows if self.rows else 0.0

    def add_ignored(self, reason: str) -> None:
        """Count an ignored record."""
        self.ignored[_bounded(self.ignored, reason)] += 1

    def add_rejected(self, rejected: Rejected) -> None:
        """Count a rejected record and remember where it stands."""
        reason = _bounded(self.rejected, rejected.reason)
        self.rejected[reason] += 1
        lines = self.rejected_lines.setdefault(reason, [])
        if len(lines) < MAX_LINES:
            lines.append((rejected.file, rejected.line))

    def add_events(self, rows: Sequence[Interaction]) -> None:
        """Count emitted interactions."""
        self.events += len(rows)
        self.verbs.update([row.verb for row in rows])
        for row in rows:
            if row.verb == "other":
                self.unknown[_bounded(self.unknown, row.source)] += 1
            if row.max is not None and row.raw is not None and row.raw > row.max:
                self.clamped += 1

    def check(self) -> None:
        """Refuse counts that do not add up.

        Raises:
            ReportError: rows differ from events + duplicates + ignored + rejected.
        """
        parts = self.events + self.duplicates + self.ignored_rows + self.rejected_rows
        if parts != self.rows:
            raise ReportError(
                f"{self.rows} rows were read, but {parts} accounted for: this is a bug in the "
                "adapter; please report it with the adapter's name"
            )

    def describe_rejects(self) -> str:
        """The most frequent reasons with the place where each stands first."""
        parts = []
        for reason, count in self.rejected.most_common(3):
            file, line = self.rejected_lines[reason][0]
            parts.append(f"{reason} ({count} times, first in {file}, line {line})")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "events": self.events,
            "duplicates": self.duplicates,
            "ignored_rows": self.ignored_rows,
            "rejected_rows": self.rejected_rows,
            "ignored": dict(self.ignored.most_common()),
            "rejected": {
                reason: {
                    "count": count,
                    "lines": [{"file": f, "line": n} for f, n in self.rejected_lines[reason]],
                }
                for reason, count in self.rejected.most_common()
            },
            "verbs": dict(self.verbs.most_common()),
            "unknown_events": dict(self.unknown.most_common()),
            "clamped": self.clamped,
            "withdrawn": len(self.withdrawn),
        }


def _bounded(counter: Counter[str], reason: str) -> str:
    """The reason, or the overflow's name once there are too many different ones."""
    if reason in counter or len(counter) < MAX_REASONS:
        return reason
    return OVERFLOW
