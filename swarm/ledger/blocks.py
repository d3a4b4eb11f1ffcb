"""Blocks: some transactions after a previous block, and the quorum that made them final.

The hash of a block covers height, previous hash and transactions. Its certificate, a plain list
of Ed25519 signatures of one view, stands beside it: members may hold different quorums for the
same block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.ledger.apply import apply_transaction
from swarm.ledger.transactions import TRANSACTIONS, Membership, read_transaction
from swarm.protocol import (
    MAX_BLOCK_BYTES,
    MAX_MEMBERS,
    MAX_MESSAGE_BYTES,
    Fields,
    Signatures,
    read_signed,
    refuse,
    write_signatures,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger, Verify
    from swarm.ledger.transactions import Transaction
    from swarm.protocol import Signed

MAX_HEIGHT: Final = 2**40
MAX_VIEW: Final = 2**20
MAX_TRANSACTIONS: Final = 2 * MAX_MEMBERS
NO_BLOCK: Final = bytes(32)
"""Stands for a block in votes that name none."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose transactions carry true signatures; not more is known about it.

    Attributes:
        data: Its bytes.
        hash: SHA-256 of them.
        height: From 1.
        previous: Hash of the block before, or the swarm id.
        transactions: With their senders, in order.
        signed: The same as they were signed.
    """

    data: bytes
    hash: bytes
    height: int
    previous: bytes
    transactions: tuple[tuple[str, Transaction], ...]
    signed: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """A block and the quorum that finalised it in `view`."""

    data: bytes
    view: int
    certificate: Signatures


def write_block(height: int, previous: bytes, transactions: Sequence[Signed]) -> bytes:
    """The bytes of a block."""
    return codec.encode(
        {
            "height": height,
            "previous": previous,
            "transactions": [signed.to_value() for signed in transactions],
        }
    )


def read_block(data: bytes, verify: Verify) -> Block:
    """Read a block and verify its transactions' signatures.

    Raises:
        RemoteProtocolError: Damaged, over 64 KiB, empty, or a signature is false.
    """
    value = codec.decode(data, MAX_BLOCK_BYTES)
    fields = Fields(value, "block", ("height", "previous", "transactions"))
    entries = fields.items("transactions", MAX_TRANSACTIONS)
    if not entries:
        raise refuse("a block without a transaction")
    signed = tuple(read_signed(entry, TRANSACTIONS, verify) for entry in entries)
    return Block(
        data,
        codec.digest(data),
        fields.integer("height", 1, MAX_HEIGHT),
        fields.digest("previous"),
        tuple((entry.member, read_transaction(entry)) for entry in signed),
        signed,
    )


def apply_block(ledger: Ledger, block: Block, verify: Verify) -> Ledger:
    """The ledger after one more block (P18).

    Raises:
        RemoteProtocolError: It does not follow the last block, or a transaction may not come next.
    """
    if block.height != ledger.height + 1 or block.previous != ledger.tip:
        raise refuse(f"a block of height {block.height} that does not follow ours", "R23")
    changes = [change for _, change in block.transactions if isinstance(change, Membership)]
    if changes and len(block.transactions) > 1:
        raise refuse("a membership change that is not alone in its block", "R27")
    grown = replace(ledger, height=block.height, tip=block.hash)
    for sender, transaction in block.transactions:
        grown = apply_transaction(grown, transaction, sender, verify)
    return grown


def vote_body(height: int, view: int, block_hash: bytes) -> bytes:
    """What a vote signs; its purpose says for what it is."""
    return codec.encode([height, view, block_hash])


def verify_certificate(
    purpose: str, body: bytes, signatures: Signatures, needed: int, genesis: Genesis, verify: Verify
) -> None:
    """Accept a quorum of true signatures of members over one vote.

    Every signature in the list must be true, so that a flipped byte anywhere is found.

    Raises:
        RemoteProtocolError: Too few, a false one, or one by somebody who is no member.
    """
    if len(signatures) < needed:
        raise refuse(f"a certificate of {len(signatures)} signatures, {needed} are needed", "R22")
    for member, signature in signatures:
        if member not in genesis.by_id or not verify(member, purpose, body, signature):
            raise refuse(f"a certificate with a false signature of {member}", "R22")


def write_final(final: FinalBlock) -> bytes:
    """The bytes of a final block, as they lie in the ledger and travel to laggards."""
    return codec.encode([final.data, final.view, write_signatures(dict(final.certificate))])


def read_final(data: bytes) -> FinalBlock:
    """Read a final block; whether its certificate is true is another matter.

    Raises:
        RemoteProtocolError: Damaged.
    """
    value = codec.decode(data, MAX_MESSAGE_BYTES)
    if type(value) is not list or [type(part) for part in value] != [bytes, int, list]:
        raise refuse("a final block that is not block, view and certificate")
    fields = Fields(
        {"block": value[0], "view": value[1], "certificate": value[2]},
        "final block",
        ("block", "view", "certificate"),
    )
    return FinalBlock(
        fields.data("block", 1, longest=MAX_BLOCK_BYTES),
        fields.integer("view", 1, MAX_VIEW),
        fields.signatures("certificate", MAX_MEMBERS),
    )
