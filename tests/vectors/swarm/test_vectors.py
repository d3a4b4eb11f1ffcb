"""The bytes of the protocol do not drift: another implementation could be built on the vectors."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from swarm import codec, signing
from swarm.ledger.genesis import create_genesis, read_genesis, sign_genesis, verify_genesis
from swarm.ledger.transactions import TRANSACTIONS, read_transaction, write_transaction
from swarm.merge.merge import head_digest, merge
from swarm.protocol import Signed

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
MESSAGES = VECTORS["messages"]


def test_there_is_a_vector_for_every_purpose():
    purposes = {vector["purpose"] for vector in MESSAGES}
    assert purposes | {"request", "genesis"} == set(signing.PURPOSES)


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda vector: vector["purpose"])
def test_a_message_is_signed_over_domain_purpose_swarm_and_body(vector):
    body, swarm = bytes.fromhex(vector["body"]), bytes.fromhex(vector["swarm"])
    signed = b"murmuration/1" + vector["purpose"].encode() + swarm + body
    assert signed.hex() == vector["signed"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    assert key.sign(signed).hex() == vector["signature"]
    assert signing.verify(
        vector["member"], swarm, vector["purpose"], body, bytes.fromhex(vector["signature"])
    )


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda vector: vector["purpose"])
def test_a_body_is_canonical_and_reads_back(vector):
    body = bytes.fromhex(vector["body"])
    assert codec.encode(codec.decode(body, 1 << 20)) == body
    if vector["purpose"] in TRANSACTIONS:
        signature = bytes.fromhex(vector["signature"])
        signed = Signed(vector["purpose"], vector["member"], body, signature)
        purpose, value = write_transaction(read_transaction(signed))
        assert (purpose, codec.encode(value)) == (vector["purpose"], body)


def test_the_genesis_file_is_made_of_the_same_bytes_again():
    file = bytes.fromhex(VECTORS["genesis"]["file"])
    genesis = verify_genesis(file)
    again = create_genesis(
        genesis.members,
        name=genesis.name,
        nonce=genesis.nonce,
        manifest_digest=genesis.manifest_digest,
        catalogue_digest=genesis.catalogue_digest,
        rho=genesis.rho,
        contribution_bytes=genesis.contribution_bytes,
    )
    for seed in VECTORS["genesis"]["seeds"]:
        again = sign_genesis(again, bytes.fromhex(seed))
    assert again == file
    assert read_genesis(file)[0].swarm_id.hex() == MESSAGES[0]["swarm"]


@pytest.mark.parametrize("vector", VECTORS["merges"])
def test_a_merge_gives_the_same_digest(vector):
    arrays = {
        member: [np.array(cells, dtype=np.int32) for cells in rows]
        for member, rows in vector["contributions"].items()
    }
    total, rest = merge(arrays, vector["anchors"])
    assert total.tolist() == vector["sum"]
    assert rest.tolist() == vector["rest"]
    manifest = bytes.fromhex(vector["manifest_digest"])
    assert head_digest(manifest, total, rest).hex() == vector["digest"]
    packed = struct.pack(f"<{2 * len(total)}q", *vector["sum"], *vector["rest"])
    assert hashlib.sha256(manifest + packed).hexdigest() == vector["digest"]
