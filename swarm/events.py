"""What goes into the protocol core and what comes out of it.

The core (`swarm.node`) is sans-IO: `step(event) -> effects`. Two shells drive it, the real
peer (`swarm.peer`) and the simulator (`swarm.simulation`); both

- perform the effects of one step in their order, and finish a `Persist` (fsync) before any
  effect that follows it (R26: persist, then send);
- feed `Tick` at least every 250 ms with their own monotonic clock, in milliseconds;
- never block the core: contributions, transfers and merges run elsewhere and come back as events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Started:
    """The shell is up; `log` holds every record ever persisted, oldest first.

    Attributes:
        now_ms: Monotonic time.
        log: Payloads of all `Persist` effects of earlier runs.
        blocks: Final blocks (bytes as `AppendBlock` gave them), by height from 1; they are read
            once, in order, and not kept.
    """

    now_ms: int
    log: Sequence[bytes] = ()
    blocks: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes from an authenticated member."""

    sender: str
    message: bytes


@dataclass(frozen=True, slots=True)
class RoundRequested:
    """An operator asks for a round; `as_of` is an ISO date."""

    kind: str
    as_of: str
    close_after_seconds: int


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    """An operator hands in a change of the members, approved by those who must.

    Attributes:
        change: Bytes that the approvals sign.
        approvals: Member and signature, sorted by member.
    """

    change: bytes
    approvals: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class ContributionReady:
    """The contribution of a round lies on disk, and may be committed to."""

    round: int
    attempt: int
    blob: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ContributionAbstained:
    """This platform does not contribute to the round."""

    round: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class BlobStored:
    """A blob was fetched, or was ours; its size, chunks and form have been verified."""

    blob: bytes


@dataclass(frozen=True, slots=True)
class BlobRefused:
    """A blob that was fetched is malformed."""

    blob: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class MergeComputed:
    """The shell has merged; `digest` is that of the HEAD arrays (R34)."""

    round: int
    attempt: int
    digest: bytes


Event = (
    Started
    | Tick
    | Received
    | RoundRequested
    | ChangeRequested
    | ContributionReady
    | ContributionAbstained
    | BlobStored
    | BlobRefused
    | MergeComputed
)


@dataclass(frozen=True, slots=True)
class Persist:
    """Append to the write-ahead log and fsync before the next effect."""

    record: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """Send to one member; may be lost."""

    to: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send to every other member; may be lost."""

    message: bytes


@dataclass(frozen=True, slots=True)
class SendBlocks:
    """Send a member final blocks from the ledger on disk.

    Attributes:
        to: Who lacks them.
        height: The first of them; `swarm.sync.final_messages` says how many.
    """

    to: str
    height: int


@dataclass(frozen=True, slots=True)
class AppendBlock:
    """A final block with its certificate: append to the ledger, fsync."""

    height: int
    block: bytes


@dataclass(frozen=True, slots=True)
class StartContribution:
    """Start `settings.contribute_command` for this round (idempotent by round and attempt).

    Attributes:
        base: Digest of the merge that the round builds on; it is on disk. Empty before the first.
        size: Bytes of every contribution to rounds of the kind (R9).
        close_after_seconds: The round's own timer.
    """

    round: int
    attempt: int
    kind: str
    as_of: str
    base: bytes
    size: int
    close_after_seconds: int


@dataclass(frozen=True, slots=True)
class FetchBlob:
    """Fetch, verify and store a blob (idempotent by digest).

    Attributes:
        blob: Digest.
        size: Exact size in bytes; a holder offering another is refused before download (R28).
        holders: Members to ask, best first.
    """

    blob: bytes
    size: int
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComputeMerge:
    """Merge these blobs, answer with `MergeComputed` (idempotent by round and attempt).

    Attributes:
        contributions: For each member, all its accepted blobs of this and earlier rounds,
            oldest first; sorted by member. Empty where `updates` is not.
        anchors: Members exempt from the cap (R34).
        updates: For a round of the kind `parameters`: (member, blob) of each merged round of the
            kind, oldest first, and of this one.
    """

    round: int
    attempt: int
    contributions: tuple[tuple[str, tuple[bytes, ...]], ...]
    anchors: tuple[str, ...]
    updates: tuple[tuple[tuple[str, bytes], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MoveHead:
    """The merge of a round is final: HEAD moves to it, or the network's own pointer."""

    round: int
    height: int
    digest: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line for log and status; never learner data.

    Attributes:
        level: `info`, `warning` or `error`.
        text: The line.
        refused: The member whose bytes were dropped, if that is what the line says.
    """

    level: str
    text: str
    refused: str = ""


Effect = (
    Persist
    | Send
    | Broadcast
    | SendBlocks
    | AppendBlock
    | StartContribution
    | FetchBlob
    | ComputeMerge
    | MoveHead
    | Note
)
