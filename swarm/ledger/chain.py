"""A chain of final blocks, verified from genesis on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm import signing
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger.blocks import (
    apply_block,
    read_block,
    read_final,
    verify_certificate,
    vote_body,
)
from swarm.ledger.genesis import quorum
from swarm.ledger.rounds import empty_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger, Verify


def make_verify(genesis: Genesis) -> Verify:
    """Verifies Ed25519 signatures made in this swarm; false for what is no member id."""

    def is_true(member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        if member not in genesis.by_id:
            return False
        return signing.verify(member, genesis.swarm_id, purpose, body, signature)

    return is_true


def verify_next(
    ledger: Ledger, data: bytes, verify: Verify, needed: Callable[[int], int] = quorum
) -> Ledger:
    """The ledger after one more final block.

    Args:
        ledger: So far; its roster is who may sign (R27).
        data: Final block, from `write_final`.
        verify: Verifies signatures.
        needed: Signatures that make a certificate among so many members.

    Raises:
        RemoteProtocolError: The block, its place or its certificate is false.
    """
    final = read_final(data)
    block = read_block(final.data, verify)
    body = vote_body(block.height, final.view, block.hash)
    roster = ledger.roster
    least = needed(len(roster.ids))
    verify_certificate("finalize", body, final.certificate, least, roster, verify)
    return apply_block(ledger, block, verify)


def verify_chain(genesis: Genesis, blocks: Iterable[bytes], verify: Verify | None = None) -> Ledger:
    """Verify a whole ledger: hashes, certificates, signatures and the rules of every transaction.

    Args:
        genesis: From `verify_genesis`.
        blocks: Final blocks by height from 1, as `AppendBlock` gave them.
        verify: Verifies signatures; Ed25519 if not given.

    Raises:
        LedgerError: The first block that does not verify, by height.
    """
    ledger = empty_ledger(genesis)
    for data in blocks:
        try:
            ledger = verify_next(ledger, data, verify or make_verify(ledger.roster))
        except RemoteProtocolError as cause:
            raise LedgerError(
                f"The ledger does not verify at height {ledger.height + 1}: {cause}. "
                "Restore the ledger from a backup, or fetch it again from the other members."
            ) from cause
    return ledger
