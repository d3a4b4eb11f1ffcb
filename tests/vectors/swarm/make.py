"""Writes the vectors beside it; run by hand when the protocol changes on purpose.

python tests/vectors/swarm/make.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from swarm import codec
from swarm.ledger.blocks import vote_body, write_block
from swarm.ledger.genesis import (
    create_genesis,
    make_request,
    read_genesis,
    read_request,
    sign_genesis,
)
from swarm.ledger.membership import ADD, APPROVAL, Change, write_change
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    Included,
    Membership,
    MergeResult,
    RoundOpen,
    RoundVoid,
    receipt_body,
    write_transaction,
)
from swarm.merge.merge import head_digest, merge
from swarm.signing import Ed25519Signer, signed_bytes

SEEDS = [bytes([number]) * 32 for number in range(1, 5)]


def genesis_file() -> bytes:
    """Four founders."""
    requests = [
        make_request(seed, name=f"platform {n}", addresses=[f"/ip4/127.0.0.1/tcp/{4001 + n}"])
        for n, seed in enumerate(SEEDS)
    ]
    file = create_genesis(
        [read_request(request) for request in requests],
        name="vectors",
        nonce=bytes(range(16)),
        manifest_digest=codec.digest(b"manifest"),
        catalogue_digest=codec.digest(b"catalogue"),
        rho=(4096**2, 2 * 5194**2),
        contribution_bytes=226_576,
    )
    for seed in SEEDS:
        file = sign_genesis(file, seed)
    return file


def change() -> bytes:
    """A fifth member comes in; its key is of 32 bytes of 9."""
    request = make_request(bytes([9]) * 32, name="platform 9", addresses=["/dns4/nine/tcp/4001"])
    newcomer = read_request(request).id
    return write_change(
        Change(ADD, 1, newcomer, (7, codec.digest(b"block 7")), 207, request, reason="welcome")
    )


def messages() -> list[dict[str, str]]:
    """One signed thing of each purpose, by the first seed's key."""
    genesis, _ = read_genesis(genesis_file())
    signer = Ed25519Signer(SEEDS[0], genesis.swarm_id)
    blob, other = codec.digest(b"blob"), codec.digest(b"other")
    entry = Included(genesis.ids[1], blob, ((0, bytes(64)), (2, bytes(64))))
    transactions = [
        RoundOpen(1, 1, "release", b"", genesis.manifest_digest, "2026-11-24", genesis.ids, 30),
        Commit(1, 1, blob, 226_576, genesis.rho),
        Abstain(1, 1, "budget spent"),
        CloseSet(1, 1, (entry,), ((genesis.ids[0], "no contribution arrived"),)),
        MergeResult(1, 1, other),
        RoundVoid(1, 1, "no contribution was complete in time"),
        Membership(1, change(), tuple(sorted({signer.member: bytes(64)}.items()))),
    ]
    bodies = [(p, codec.encode(b)) for p, b in map(write_transaction, transactions)]
    bodies.append((APPROVAL, change()))
    bodies.append(("receipt", receipt_body(1, 1, genesis.ids[1], blob)))
    block = write_block(1, genesis.swarm_id, [])
    proposal = {"height": 1, "view": 2, "parent": 0, "block": block}
    bodies.append(("proposal", codec.encode(proposal)))
    for purpose, named in (("notarize", blob), ("finalize", blob), ("nullify", bytes(32))):
        bodies.append((purpose, vote_body(1, 2, named)))
    return [
        {
            "purpose": purpose,
            "member": signer.member,
            "seed": SEEDS[0].hex(),
            "swarm": genesis.swarm_id.hex(),
            "body": body.hex(),
            "signed": signed_bytes(purpose, genesis.swarm_id, body).hex(),
            "signature": signer.sign(purpose, body).hex(),
        }
        for purpose, body in bodies
    ]


def merges() -> list[dict[str, Any]]:
    """Contributions, what they merge to, and the digest of HEAD."""
    cases: list[tuple[dict[str, list[list[int]]], list[str]]] = [
        ({"a": [[1, -2, 3]]}, []),
        ({"a": [[9, 1, -5], [1, 1, 1]], "b": [[2, 8, -7]], "c": [[1, 1, -6]]}, []),
        ({"a": [[900, 1, -5]], "b": [[2, 8, -7]], "c": [[1, 1, -6]]}, ["a"]),
        ({"a": [[2**31 - 1], [2**31 - 1]], "b": [[-(2**31)]]}, ["a", "b"]),
    ]
    found = []
    for contributions, anchors in cases:
        arrays = {
            member: [np.array(cells, dtype=np.int32) for cells in rows]
            for member, rows in contributions.items()
        }
        total, rest = merge(arrays, anchors)
        digest = head_digest(bytes(32), total, rest)
        found.append(
            {
                "contributions": contributions,
                "anchors": anchors,
                "manifest_digest": bytes(32).hex(),
                "sum": total.tolist(),
                "rest": rest.tolist(),
                "digest": digest.hex(),
            }
        )
    return found


def vectors() -> dict[str, Any]:
    """All of them."""
    return {
        "genesis": {"file": genesis_file().hex(), "seeds": [seed.hex() for seed in SEEDS]},
        "messages": messages(),
        "merges": merges(),
    }


if __name__ == "__main__":
    path = Path(__file__).parent / "vectors.json"
    path.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
