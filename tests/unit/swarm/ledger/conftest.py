"""Four founders who sign whatever a test asks them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm.ledger import genesis as g
from swarm.ledger.apply import apply_transaction
from swarm.ledger.blocks import (
    FinalBlock,
    apply_block,
    read_block,
    vote_body,
    write_block,
    write_final,
)
from swarm.ledger.rounds import OUT_SILENT, compute_expected, empty_ledger
from swarm.ledger.transactions import (
    CloseSet,
    Commit,
    Included,
    MergeResult,
    RoundOpen,
    receipt_body,
    write_transaction,
)
from swarm.protocol import sign
from swarm.signing import Ed25519Signer

if TYPE_CHECKING:
    from swarm.ledger.rounds import Ledger
    from swarm.ledger.transactions import Transaction


class Founders:
    """Keys of four members, a genesis, and a ledger that grows by what they sign."""

    def __init__(self) -> None:
        seeds = [bytes([number]) * 32 for number in range(1, 5)]
        members = [
            g.read_request(g.make_request(seed, name=f"p{n}", addresses=["/ip4/127.0.0.1/tcp/1"]))
            for n, seed in enumerate(seeds)
        ]
        file = g.create_genesis(
            members,
            name="test",
            nonce=bytes(16),
            manifest_digest=b"\x01" * 32,
            catalogue_digest=b"\x02" * 32,
            rho=(1, 2),
            contribution_bytes=8,
        )
        for seed in seeds:
            file = g.sign_genesis(file, seed)
        self.file = file
        self.genesis = g.verify_genesis(file)
        by_id = {Ed25519Signer(seed, self.genesis.swarm_id).member: seed for seed in seeds}
        self.signers = [Ed25519Signer(by_id[i], self.genesis.swarm_id) for i in self.genesis.ids]
        self.ids = self.genesis.ids
        self.ledger = empty_ledger(self.genesis)
        self.blocks: list[bytes] = []

    def verify(self, member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        return self.signers[0].verify(member, purpose, body, signature)

    def apply(self, transaction: Transaction, sender: int = 0) -> Ledger:
        """Put one transaction on the ledger, in a block of its own but without the block."""
        self.ledger = apply_transaction(self.ledger, transaction, self.ids[sender], self.verify)
        return self.ledger

    def append(self, *transactions: tuple[int, Transaction], voters: int = 3) -> bytes:
        """Make a final block of (sender, transaction)."""
        signed = []
        for sender, transaction in transactions:
            purpose, body = write_transaction(transaction)
            signed.append(sign(self.signers[sender], self.ids[sender], purpose, body))
        data = write_block(self.ledger.height + 1, self.ledger.tip, signed)
        block = read_block(data, self.verify)
        self.ledger = apply_block(self.ledger, block, self.verify)
        body = vote_body(block.height, 1, block.hash)
        certificate = tuple((s.member, s.sign("finalize", body)) for s in self.signers[:voters])
        self.blocks.append(write_final(FinalBlock(data, 1, certificate)))
        return self.blocks[-1]

    def opening(self, number: int = 1, attempt: int = 1) -> RoundOpen:
        return RoundOpen(
            number,
            attempt,
            "release",
            self.ledger.head.digest if self.ledger.head else b"",
            self.genesis.manifest_digest,
            "2026-11-24",
            compute_expected(self.ledger.roster, self.ledger),
            60,
        )

    def commit(self, sender: int, number: int = 1, attempt: int = 1) -> Commit:
        return Commit(number, attempt, bytes([sender, number] + [7] * 30), 8, self.genesis.rho)

    def included(self, maker: int, number: int = 1, attempt: int = 1) -> Included:
        """A commit with the receipts of the first two others."""
        blob = self.commit(maker, number).blob
        body = receipt_body(number, attempt, self.ids[maker], blob)
        holders = [index for index in range(4) if index != maker][:2]
        receipts = tuple((h, self.signers[h].sign("receipt", body)) for h in holders)
        return Included(self.ids[maker], blob, receipts)

    def close(self, makers: tuple[int, ...] = (0, 1, 2), number: int = 1) -> CloseSet:
        """All makers in, all others out for their silence."""
        out = tuple((self.ids[i], OUT_SILENT) for i in range(4) if i not in makers)
        return CloseSet(number, 1, tuple(self.included(m, number) for m in makers), out)

    def whole_round(self, makers: tuple[int, ...] = (0, 1, 2), number: int = 1) -> None:
        """Open, commit, close and merge a round in four blocks."""
        self.append((0, self.opening(number)))
        self.append(*((maker, self.commit(maker, number)) for maker in makers))
        self.append((1, self.close(makers, number)))
        self.append((2, MergeResult(number, 1, bytes([number]) * 32)))


@pytest.fixture
def founders() -> Founders:
    return Founders()
