"""Writes the newest vectors beside it; run by hand when the protocol changes on purpose.

    python -m tests.vectors.swarm.make

Files of earlier versions are frozen: `test_vectors.py` checks the present code against all of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from swarm import codec
from swarm.consensus.messages import (
    NOTARIZE,
    NULLIFY,
    VOTES,
    Certificate,
    proposal_body,
    write_certificate,
)
from swarm.desk import Receipt, write_receipt
from swarm.ledger.blocks import NO_BLOCK, read_final, vote_body
from swarm.ledger.export import export_ledger
from swarm.ledger.membership import APPROVAL
from swarm.ledger.transactions import Membership, RoundVoid, receipt_body, write_transaction
from swarm.merge.merge import head_digest, merge
from swarm.merge.updates import merge_updates, network_digest
from swarm.protocol import Signed
from swarm.signing import signed_bytes
from swarm.transport.framing import frame
from swarm.transport.versions import SPOKEN, stream_protocol
from tests.vectors.swarm import chain

VERSION = SPOKEN[0]
PATH = Path(__file__).parent / f"vectors-{VERSION[0]}.{VERSION[1]}.json"


def held_by_another() -> tuple[str, bytes]:
    """A maker that is not the first member, and its blob."""
    made = chain.contributions()
    maker = min(set(made) - {chain.genesis().ids[0]})
    return maker, codec.blob_digest([made[maker]])


def messages() -> list[dict[str, str]]:
    """Something signed for each purpose, by the first member."""
    genesis = chain.genesis()
    who = genesis.ids[0]
    signer = chain.signers()[who]
    final = read_final(chain.blocks()[0])
    block_hash = codec.digest(final.data)
    bodies = [
        (purpose, codec.encode(body))
        for entries in chain.transactions()
        for purpose, body in [write_transaction(entries[0][1]), write_transaction(entries[-1][1])]
    ]
    change = chain.change()
    member_change = write_transaction(Membership(1, change, chain.approvals(change)))
    bodies.append((member_change[0], codec.encode(member_change[1])))
    bodies.append((APPROVAL, change))
    void = write_transaction(RoundVoid(1, 1, "no contribution was complete in time"))
    bodies.append((void[0], codec.encode(void[1])))
    maker, blob = held_by_another()
    bodies.append(("receipt", receipt_body(1, 1, maker, blob)))
    bodies.append(("proposal", codec.encode(proposal_body(1, 3, 0, final.data))))
    bodies += [("notarize", vote_body(1, 2, block_hash)), ("finalize", vote_body(1, 2, block_hash))]
    bodies.append(("nullify", vote_body(1, 2, NO_BLOCK)))
    return [
        {
            "purpose": purpose,
            "member": who,
            "seed": signer.seed.hex(),
            "swarm": genesis.swarm_id.hex(),
            "body": body.hex(),
            "signed": signed_bytes(purpose, genesis.swarm_id, body).hex(),
            "signature": signer.sign(purpose, body).hex(),
        }
        for purpose, body in dict.fromkeys(bodies)
    ]


def wire() -> dict[str, str]:
    """What goes over a stream, one of each type."""
    genesis, final = chain.genesis(), read_final(chain.blocks()[0])
    block_hash = codec.digest(final.data)
    signers = chain.signers()
    values: dict[str, Any] = {"status": ["status", 5, 2], "final": ["final", 1, chain.blocks()[0]]}
    votes = [[VOTES.index(NOTARIZE), 2, 0b1011], [VOTES.index(NULLIFY), 1, 0b0111]]
    waiting = [codec.digest(b"a transaction")[:8]]
    values["have"] = ["have", 1, 1, 2, True, votes, waiting, [], [], 0b1110]
    receipts = [0b0110, 0, 0b0011, 0b0001]
    values["have while a round is open"] = [*values["have"][:7], [1, 1], receipts, 0b1110]
    for entry in messages():
        purpose, body = entry["purpose"], bytes.fromhex(entry["body"])
        signed = Signed(purpose, entry["member"], body, bytes.fromhex(entry["signature"]))
        if purpose in {"proposal", "commit"}:
            values["transaction" if purpose == "commit" else purpose] = [
                "transaction" if purpose == "commit" else purpose,
                signed.to_value(),
            ]
        elif purpose == "nullify":
            values["vote"] = ["vote", signed.to_value()]
        elif purpose == "receipt":
            maker, blob = held_by_another()
            receipt = Receipt((1, 1), maker, blob, signed.member, signed.signature)
            values["receipt"] = ["receipt", write_receipt(receipt)]
    for purpose, named, content in ((NOTARIZE, block_hash, final.data), (NULLIFY, NO_BLOCK, b"")):
        body = vote_body(1, 1, named)
        quorum = genesis.ids[: genesis.quorum]
        signatures = tuple((who, signers[who].sign(purpose, body)) for who in quorum)
        certificate = Certificate(purpose, 1, 1, named, signatures)
        value = ["certificate", write_certificate(certificate, content)]
        values[f"certificate of {purpose}"] = value
    return {name: codec.encode(value).hex() for name, value in values.items()}


def merges() -> list[dict[str, Any]]:
    """Contributions, what they merge to, and the digest of HEAD."""
    cases: list[tuple[dict[str, list[list[int]]], list[str]]] = [
        ({"a": [[1, -2, 3]]}, []),
        ({"a": [[9, 1, -5], [1, 1, 1]], "b": [[2, 8, -7]], "c": [[1, 1, -6]]}, []),
        ({"a": [[900, 1, -5]], "b": [[2, 8, -7]], "c": [[1, 1, -6]]}, ["a"]),
        ({"a": [[2**31 - 1], [2**31 - 1]], "b": [[-(2**31)]]}, ["a", "b"]),
    ]
    found = []
    for given, anchors in cases:
        arrays = {
            member: [np.array(cells, dtype=np.int32) for cells in rows]
            for member, rows in given.items()
        }
        total, rest = merge(arrays, anchors)
        found.append(
            {
                "contributions": given,
                "anchors": anchors,
                "manifest_digest": bytes(32).hex(),
                "sum": total.tolist(),
                "rest": rest.tolist(),
                "digest": head_digest(bytes(32), total, rest).hex(),
            }
        )
    return found


def networks() -> list[dict[str, Any]]:
    """Updates of two rounds, what they merge to, and the digest."""
    rounds = [
        {"a": [700, -1, 3], "b": [-20, 500, 3], "c": [10, -900, 4]},
        {"b": [1, 2, 3], "c": [600, 600, 600]},
    ]
    found = []
    for anchors in ([], ["a"]):
        arrays = [
            {who: np.array(update, dtype=np.int32) for who, update in one.items()} for one in rounds
        ]
        merged = merge_updates(arrays, anchors, 600, 800)
        found.append(
            {
                "rounds": rounds,
                "anchors": anchors,
                "entry": 600,
                "norm": 800,
                "manifest_digest": bytes(32).hex(),
                **{name: merged[name].tolist() for name in ("parameters", "sum", "rest")},
                "digest": network_digest(bytes(32), merged).hex(),
            }
        )
    return found


def blobs() -> list[dict[str, Any]]:
    """Digests of blobs: a contribution, and one of more than a chunk (byte i is i modulo 251)."""
    small = next(iter(chain.contributions().values()))
    long = bytes(at % 251 for at in range(codec.CHUNK_BYTES + 5))
    chunks = [long[: codec.CHUNK_BYTES], long[codec.CHUNK_BYTES :]]
    return [
        {"bytes": small.hex(), "digest": codec.blob_digest([small]).hex()},
        {"modulo_251": len(long), "digest": codec.blob_digest(chunks).hex()},
    ]


def vectors() -> dict[str, Any]:
    """All of them."""
    swarm_id = chain.genesis().swarm_id
    return {
        "version": list(VERSION),
        "stream_protocol": stream_protocol("messages", VERSION),
        "requests": [request.hex() for request in chain.requests()],
        "genesis": {
            "file": chain.genesis_file().hex(),
            "seeds": [seed.hex() for seed in chain.SEEDS],
        },
        "greeting": frame(b"\0" + swarm_id + codec.encode({"software": "0.1.0"})).hex(),
        "messages": messages(),
        "wire": wire(),
        "contributions": {
            who: {"cells": list(np.frombuffer(data, "<i4").tolist()), "bytes": data.hex()}
            for who, data in chain.contributions().items()
        },
        "blobs": blobs(),
        "blocks": [block.hex() for block in chain.blocks()],
        "export": export_ledger(chain.genesis_file(), chain.blocks()).hex(),
        "merges": merges(),
        "networks": networks(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
