"""A swarm of four founders and one round on its ledger, made of fixed keys: for the vectors."""

from __future__ import annotations

from functools import cache

import numpy as np

from swarm import codec
from swarm.ledger.blocks import FinalBlock, read_final, vote_body, write_block, write_final
from swarm.ledger.genesis import (
    Genesis,
    create_genesis,
    make_request,
    read_genesis,
    read_request,
    sign_genesis,
)
from swarm.ledger.kinds import STATISTICS, Terms, Updates
from swarm.ledger.membership import ADD, APPROVAL, Change, write_change
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    Included,
    MergeResult,
    RoundOpen,
    Transaction,
    receipt_body,
    write_transaction,
)
from swarm.merge.merge import head_digest, merge
from swarm.protocol import sign
from swarm.signing import Ed25519Signer

SEEDS = [bytes([number]) * 32 for number in range(1, 5)]
CELLS = {1: [9, 1, -5, 2**31 - 1], 2: [2, 8, -7, -(2**31)], 3: [1, 1, -6, 0]}
"""Contributions of three members; the fourth abstains."""


def requests() -> list[bytes]:
    """What founders send."""
    return [
        make_request(
            seed,
            name=f"platform {n}",
            addresses=[f"/ip4/127.0.0.1/tcp/{4001 + n}"],
            bracket="< 1,000",
            contributes=True,
        )
        for n, seed in enumerate(SEEDS)
    ]


@cache
def genesis_file() -> bytes:
    """Four founders, the first an anchor; statistics, and a network's updates."""
    members = [read_request(request) for request in requests()]
    file = create_genesis(
        members,
        name="vectors",
        nonce=bytes(range(16)),
        manifest_digest=codec.digest(b"manifest"),
        catalogue_digest=codec.digest(b"catalogue"),
        rho=(4096**2, 2 * 5194**2),
        contribution_bytes=4 * len(CELLS[1]),
        anchors=[members[0].id],
        updates=Updates(Terms((4096**2, 20 * 5194**2), 12), rounds=10, entry=600, norm=800),
    )
    for seed in SEEDS:
        file = sign_genesis(file, seed)
    return file


def genesis() -> Genesis:
    """The same, read."""
    return read_genesis(genesis_file())[0]


def signers() -> dict[str, Ed25519Signer]:
    """By member id."""
    made = [Ed25519Signer(seed, genesis().swarm_id) for seed in SEEDS]
    return {signer.member: signer for signer in made}


def contributions() -> dict[str, bytes]:
    """By member id: headerless little-endian int32."""
    ids = [Ed25519Signer(seed, genesis().swarm_id).member for seed in SEEDS]
    return {ids[n]: np.array(cells, dtype="<i4").tobytes() for n, cells in CELLS.items()}


def _commit(data: bytes) -> Commit:
    return Commit(1, 1, codec.blob_digest([data]), len(data), genesis().rho)


def _close() -> CloseSet:
    ids, made = genesis().ids, contributions()
    included = []
    for maker in sorted(made):
        blob = codec.blob_digest([made[maker]])
        body = receipt_body(1, 1, maker, blob)
        holders = [member for member in ids if member != maker][: genesis().receipts_needed]
        receipts = tuple(
            (ids.index(holder), signers()[holder].sign("receipt", body)) for holder in holders
        )
        included.append(Included(maker, blob, receipts))
    (absent,) = set(ids) - set(made)
    return CloseSet(1, 1, tuple(included), ((absent, "abstained: budget spent"),))


def merged_digest() -> bytes:
    """Digest of HEAD after the round."""
    arrays = {who: [np.frombuffer(data, dtype="<i4")] for who, data in contributions().items()}
    return head_digest(genesis().manifest_digest, *merge(arrays, genesis().anchors))


def transactions() -> list[list[tuple[str, Transaction]]]:
    """Of each block: sender and transaction."""
    ids, made = genesis().ids, contributions()
    opening = RoundOpen(
        1, 1, STATISTICS, b"", genesis().manifest_digest, "2026-11-24", genesis().contributors, 30
    )
    (absent,) = set(ids) - set(made)
    answers: list[tuple[str, Transaction]] = [(who, _commit(made[who])) for who in sorted(made)]
    return [
        [(ids[0], opening)],
        [*answers, (absent, Abstain(1, 1, "budget spent"))],
        [(ids[1], _close())],
        [(ids[2], MergeResult(1, 1, merged_digest()))],
    ]


@cache
def blocks() -> tuple[bytes, ...]:
    """Final blocks, each finalised in view 1 by the first three members."""
    tip, found = genesis().swarm_id, []
    for height, entries in enumerate(transactions(), start=1):
        signed = []
        for sender, transaction in entries:
            purpose, body = write_transaction(transaction)
            signed.append(sign(signers()[sender], sender, purpose, body))
        data = write_block(height, tip, signed)
        tip = codec.digest(data)
        body = vote_body(height, 1, tip)
        quorum = genesis().ids[: genesis().quorum]
        certificate = tuple((who, signers()[who].sign("finalize", body)) for who in quorum)
        found.append(write_final(FinalBlock(data, 1, certificate)))
    return tuple(found)


def change() -> bytes:
    """A fifth member comes in after the round; its key is of 32 bytes of 9."""
    request = make_request(bytes([9]) * 32, name="platform 9", addresses=["/dns4/nine/tcp/4001"])
    newcomer = read_request(request).id
    seen = (len(blocks()), codec.digest(read_final(blocks()[-1]).data))
    return write_change(Change(ADD, 1, newcomer, seen, 204, request, reason="welcome"))


def approvals(changed: bytes) -> tuple[tuple[str, bytes], ...]:
    """Of a quorum, sorted by member."""
    chosen = genesis().ids[: genesis().quorum]
    return tuple((who, signers()[who].sign(APPROVAL, changed)) for who in chosen)
