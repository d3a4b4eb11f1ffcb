"""What one member knows about rounds beyond the ledger: its timers, blobs, receipts and merges.

`Desk` is a frozen value; `on_*` change it after an event, `swarm.rounds` decides what to do next.
Nothing here is agreed upon, and nothing here may make two members disagree about validity.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from swarm.ledger.rounds import needed_blobs
from swarm.ledger.transactions import receipt_body
from swarm.protocol import Fields, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm import events
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Head, Ledger, Round, Verify
    from swarm.protocol import Signed

RoundKey = tuple[int, int]
"""Round and attempt."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A holder's signed word that it has the full, well-formed blob of `maker` (R24)."""

    key: RoundKey
    maker: str
    blob: bytes
    holder: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """What one member knows about rounds beyond the ledger.

    Attributes:
        request: What an operator asked for, until a round opens.
        opened_ms: When each attempt became open to us, by our own clock.
        closed_ms: When each attempt became closed to us.
        started: Attempts whose contribution has been started in this run.
        ready: Own contributions on disk: blob by attempt.
        abstained: Own reasons not to contribute, by attempt.
        signed: Own transactions, by purpose and attempt; each is on disk.
        stored: Blobs that we hold.
        lacking: Those that we need and do not hold, with maker and size, sorted.
        refused: Malformed blobs and why.
        asked_ms: When we last asked for a blob.
        receipts: For each maker of the current attempt, signatures by holder.
        required: Makers whose receipts were complete when our timer ran out (R24); None before.
        asked_merges: Attempts whose merge has been started in this run.
        merges: Own merges: digest by attempt.
        moved: Attempts to which HEAD, or the network's pointer, was moved in this run.
        warned: Attempts for which we have said that our merge differs.
    """

    request: events.RoundRequested | None = None
    opened_ms: Mapping[RoundKey, int] = field(default_factory=dict)
    closed_ms: Mapping[RoundKey, int] = field(default_factory=dict)
    started: frozenset[RoundKey] = frozenset()
    ready: Mapping[RoundKey, tuple[bytes, int]] = field(default_factory=dict)
    abstained: Mapping[RoundKey, str] = field(default_factory=dict)
    signed: Mapping[tuple[str, RoundKey], Signed] = field(default_factory=dict)
    stored: frozenset[bytes] = frozenset()
    lacking: Mapping[bytes, tuple[str, int]] = field(default_factory=dict)
    refused: Mapping[bytes, str] = field(default_factory=dict)
    asked_ms: Mapping[bytes, int] = field(default_factory=dict)
    receipts: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    required: frozenset[str] | None = None
    asked_merges: frozenset[RoundKey] = frozenset()
    merges: Mapping[RoundKey, bytes] = field(default_factory=dict)
    moved: frozenset[RoundKey] = frozenset()
    warned: frozenset[RoundKey] = frozenset()

    def has_moved(self, head: Head | None) -> bool:
        """Whether our own merge of a head is done and equal, so that our pointer names it."""
        return head is None or (head.round, head.attempt) in self.moved

    def complete(self, genesis: Genesis) -> tuple[str, ...]:
        """Makers of the current attempt with enough receipts, sorted."""
        needed = genesis.receipts_needed
        counts = {maker: len(held) for maker, held in self.receipts.items()}
        return tuple(maker for maker in sorted(counts) if counts[maker] >= needed)


def read_receipt(value: object, verify: Verify) -> Receipt:
    """Read a receipt from a peer.

    Raises:
        RemoteProtocolError: Damaged or falsely signed.
    """
    fields = Fields(value, "receipt", ("round", "attempt", "member", "blob", "by", "signature"))
    number = fields.integer("round", 1, 2**31)
    attempt = fields.integer("attempt", 1, 9)
    maker, blob = fields.member("member"), fields.digest("blob")
    holder, signature = fields.member("by"), fields.data("signature", 64)
    if not verify(holder, "receipt", receipt_body(number, attempt, maker, blob), signature):
        raise refuse(f"a receipt whose signature is not {holder}'s", "R24")
    return Receipt((number, attempt), maker, blob, holder, signature)


def write_receipt(receipt: Receipt) -> dict[str, object]:
    """The form that `read_receipt` reads."""
    return {
        "round": receipt.key[0],
        "attempt": receipt.key[1],
        "member": receipt.maker,
        "blob": receipt.blob,
        "by": receipt.holder,
        "signature": receipt.signature,
    }


def on_receipt(genesis: Genesis, ledger: Ledger, desk: Desk, receipt: Receipt) -> Desk:
    """Keep a receipt for a commit that is final and may still be included."""
    current = ledger.current
    if current is None or current.outcome != "open" or current.key != receipt.key:
        return desk
    commit = current.commits.get(receipt.maker)
    fits = commit is not None and commit.blob == receipt.blob
    if not fits or receipt.holder == receipt.maker or receipt.holder not in genesis.by_id:
        return desk
    held = {**desk.receipts.get(receipt.maker, {}), receipt.holder: receipt.signature}
    return replace(desk, receipts={**desk.receipts, receipt.maker: held})


def on_ready(desk: Desk, event: events.ContributionReady) -> Desk:
    """Our own contribution lies on disk."""
    key = (event.round, event.attempt)
    desk = replace(desk, ready={**desk.ready, key: (event.blob, event.size)})
    return on_stored(desk, event.blob)


def on_stored(desk: Desk, blob: bytes) -> Desk:
    """A blob lies on disk, whole."""
    lacking = dict(desk.lacking)
    lacking.pop(blob, None)
    return replace(desk, stored=desk.stored | {blob}, lacking=lacking)


def on_abstained(desk: Desk, event: events.ContributionAbstained) -> Desk:
    """Our platform does not contribute."""
    key = (event.round, event.attempt)
    return replace(desk, abstained={**desk.abstained, key: event.reason})


def on_refused(desk: Desk, event: events.BlobRefused) -> Desk:
    """A blob that we fetched is malformed."""
    return replace(desk, refused={**desk.refused, event.blob: event.reason})


def on_merge(desk: Desk, event: events.MergeComputed) -> Desk:
    """Our own merge is done."""
    return replace(desk, merges={**desk.merges, (event.round, event.attempt): event.digest})


def on_block(desk: Desk, before: Ledger, after: Ledger, now_ms: int) -> Desk:
    """Start our timers when a block opens or closes an attempt (R24: a monotonic clock, ours)."""
    for entry in after.rounds[max(len(before.rounds) - 1, 0) :]:
        if entry.key not in desk.opened_ms:
            desk = replace(
                desk,
                request=None,
                opened_ms={**desk.opened_ms, entry.key: now_ms},
                receipts={},
                required=None,
            )
        if entry.closed_height and entry.key not in desk.closed_ms:
            desk = replace(desk, closed_ms={**desk.closed_ms, entry.key: now_ms})
    if after.current is not None:
        nobody: Mapping[str, bytes] = {}
        held = {maker: desk.receipts.get(maker, nobody) for maker in after.current.commits}
        desk = replace(desk, receipts=held)
    needed = needed_blobs(after.roster, after, desk.stored)
    return replace(desk, lacking={blob: (maker, size) for blob, maker, size in needed})


def deadline(desk: Desk, current: Round) -> int:
    """When our timer of an open attempt runs out, in ms."""
    opened = desk.opened_ms[current.key]
    return opened + 1000 * current.opening.close_after_seconds
