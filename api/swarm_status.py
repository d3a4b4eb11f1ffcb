"""What the peer says about itself (`HOME/status.json`), and what a release promises.

Both are files that other processes replace; each is read again when its stat changes. A file
that is missing or damaged is told to the reader of the page, never guessed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from recommender.errors import ManifestError
from recommender.release.accounting import Claim, claim, epsilon
from recommender.release.manifest import Manifest
from swarm.codec import decode
from swarm.errors import SwarmError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.home import Home

STALE_AFTER_SECONDS = 90
MAX_MANIFEST_BYTES = 64 * 1024
_Value = TypeVar("_Value")


class _Part(BaseModel):
    # Written by another process, perhaps of a newer version: what we do not know is left alone.
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class StatusMember(_Part):
    """One member of the swarm, as the peer sees it."""

    id: str
    name: str
    addresses: tuple[str, ...] = ()
    anchor: bool = False
    contributes: bool = True
    bracket: str = ""
    connected: bool = False
    last_seen: AwareDatetime | None = None


class StatusOut(_Part):
    """A member that is not in a round, and why (R24)."""

    member: str
    reason: str


class StatusRound(_Part):
    """One round, newest attempt."""

    round: int
    attempt: int = 1
    kind: str = ""
    as_of: str = ""
    outcome: str = "open"
    reason: str = ""
    inside: tuple[str, ...] = Field((), alias="in")
    out: tuple[StatusOut, ...] = ()
    digest: str | None = None
    rho: tuple[int, int] | None = None
    opened_at: AwareDatetime | None = None
    decided_at: AwareDatetime | None = None
    height: int | None = None

    def epsilon(self, delta: Fraction) -> float | None:
        """What this round spent of each learner in it; None while that is not known."""
        if self.rho is None or self.rho[1] <= 0:
            return None
        return epsilon(Fraction(*self.rho), delta)


class StatusPointer(_Part):
    """HEAD."""

    digest: str
    round: int
    height: int = 0
    moved_at: AwareDatetime | None = None


class SwarmStatus(_Part):
    """All that `/ui/swarm` and `/v1/platform` say about the swarm."""

    swarm: str = ""
    name: str = ""
    member: str = ""
    state: str = ""
    height: int = 0
    head: StatusPointer | None = None
    quorum: int = 0
    tolerates: int = 0
    members: tuple[StatusMember, ...] = ()
    rounds: tuple[StatusRound, ...] = ()
    warnings: tuple[str, ...] = ()
    updated_at: AwareDatetime | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether the peer has been silent for so long that its picture may be old."""
        return (
            self.updated_at is None or (now - self.updated_at).total_seconds() > STALE_AFTER_SECONDS
        )


@dataclass(frozen=True, slots=True)
class Reading(Generic[_Value]):
    """A file's content, or why there is none.

    Attributes:
        value: The content; None where the file is missing or damaged.
        problem: A sentence about a damaged file; empty where it is good or missing.
    """

    value: _Value | None
    problem: str = ""


@dataclass(slots=True)
class _Watched(Generic[_Value]):
    """A file read again when its stat changes."""

    path: Path
    parse: Callable[[bytes], _Value]
    _stamp: tuple[int, ...] | None = None
    _last: Reading[_Value] = field(default_factory=lambda: Reading(None))

    def read(self) -> Reading[_Value]:
        try:
            stat = self.path.stat()
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if stamp != self._stamp:
                self._last = self._parse(self.path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            return Reading(None)
        except OSError as error:
            return Reading(None, f"{self.path} cannot be read ({error.strerror or error})")
        return self._last

    def _parse(self, data: bytes) -> Reading[_Value]:
        try:
            return Reading(self.parse(data))
        except (ValidationError, ManifestError, SwarmError, ValueError) as error:
            first = str(error).splitlines()[0]
            return Reading(None, f"{self.path} is damaged ({first}); the peer writes it again")


class SwarmFiles:
    """The swarm's files of one home, as the pages and `/v1/platform` read them."""

    def __init__(self, home: Home) -> None:
        self._status = _Watched(home.status_path, _parse_status)
        self._claim = _Watched(home.manifest_path, _parse_claim)

    def status(self) -> Reading[SwarmStatus]:
        """What the peer last said."""
        return self._status.read()

    def claim(self) -> Reading[Claim]:
        """What a release under this swarm's manifest promises (R4)."""
        return self._claim.read()


def _parse_status(data: bytes) -> SwarmStatus:
    content: Any = json.loads(data)
    return SwarmStatus.model_validate(content)


def _parse_claim(data: bytes) -> Claim:
    return claim(Manifest.from_dict(decode(data, MAX_MANIFEST_BYTES)))


def utc_now() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)
