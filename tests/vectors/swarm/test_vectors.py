"""The bytes of the protocol do not drift: another implementation could be built on the vectors.

Older files are frozen, and the present code must read and make all that is in them; the newest file
is made by `python -m tests.vectors.swarm.make`.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from swarm import codec, events, signing
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import (
    create_genesis,
    read_genesis,
    read_request,
    sign_genesis,
    verify_genesis,
)
from swarm.ledger.transactions import TRANSACTIONS, read_transaction, write_transaction
from swarm.merge.merge import head_digest, merge
from swarm.merge.updates import merge_updates, network_digest
from swarm.node import Node
from swarm.protocol import Signed
from swarm.signing import Ed25519Signer
from swarm.transport.versions import SPOKEN, read_software, stream_protocol
from tests.vectors.swarm.make import PATH, vectors

FILES = {
    version: json.loads((Path(__file__).parent / f"vectors-{version}.json").read_text("utf-8"))
    for version in ("1.0", "1.1", "1.2")
}
NEWEST = FILES["1.2"]
MESSAGES = [
    pytest.param(vector, id=f"{version} {vector['purpose']}")
    for version, file in FILES.items()
    for vector in file["messages"]
]


def test_the_newest_vectors_are_what_the_present_code_makes():
    assert json.loads(json.dumps(vectors())) == NEWEST
    assert PATH.name == "vectors-1.2.json"


def test_there_are_vectors_of_every_version_that_is_spoken():
    assert {f"{major}.{minor}" for major, minor in SPOKEN} == set(FILES)
    assert NEWEST["stream_protocol"] == stream_protocol("messages", SPOKEN[0])


def test_there_is_a_vector_for_every_purpose():
    purposes = {vector["purpose"] for vector in NEWEST["messages"]}
    assert purposes | {"request", "genesis"} == set(signing.PURPOSES)


@pytest.mark.parametrize("vector", MESSAGES)
def test_a_message_is_signed_over_domain_purpose_swarm_and_body(vector):
    body, swarm = bytes.fromhex(vector["body"]), bytes.fromhex(vector["swarm"])
    signed = b"murmuration/1" + vector["purpose"].encode() + swarm + body
    assert signed.hex() == vector["signed"]
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    assert key.sign(signed).hex() == vector["signature"]
    assert signing.verify(
        vector["member"], swarm, vector["purpose"], body, bytes.fromhex(vector["signature"])
    )


@pytest.mark.parametrize("vector", MESSAGES)
def test_a_body_is_canonical_and_reads_back(vector):
    body = bytes.fromhex(vector["body"])
    assert codec.encode(codec.decode(body, 1 << 20)) == body
    if vector["purpose"] in TRANSACTIONS:
        signature = bytes.fromhex(vector["signature"])
        signed = Signed(vector["purpose"], vector["member"], body, signature)
        purpose, value = write_transaction(read_transaction(signed))
        assert (purpose, codec.encode(value)) == (vector["purpose"], body)


@pytest.mark.parametrize("version", FILES)
def test_the_genesis_file_is_made_of_the_same_bytes_again(version):
    file = bytes.fromhex(FILES[version]["genesis"]["file"])
    genesis = verify_genesis(file)
    again = create_genesis(
        genesis.members,
        name=genesis.name,
        nonce=genesis.nonce,
        manifest_digest=genesis.manifest_digest,
        catalogue_digest=genesis.catalogue_digest,
        rho=genesis.rho,
        contribution_bytes=genesis.contribution_bytes,
        anchors=genesis.anchors,
        updates=genesis.updates,
    )
    for seed in FILES[version]["genesis"]["seeds"]:
        again = sign_genesis(again, bytes.fromhex(seed))
    assert again == file
    assert read_genesis(file)[0].swarm_id.hex() == FILES[version]["messages"][0]["swarm"]


def test_requests_are_signed_by_their_own_keys():
    members = [read_request(bytes.fromhex(request)) for request in NEWEST["requests"]]
    genesis = verify_genesis(bytes.fromhex(NEWEST["genesis"]["file"]))
    assert sorted(member.id for member in members) == list(genesis.ids)


def test_a_member_takes_every_message_of_the_wire_without_a_word():
    genesis = verify_genesis(bytes.fromhex(NEWEST["genesis"]["file"]))
    signer = Ed25519Signer(bytes.fromhex(NEWEST["genesis"]["seeds"][0]), genesis.swarm_id)
    assert set(NEWEST["wire"]) == {
        *("status", "final", "proposal", "transaction", "vote", "receipt"),
        *("certificate of notarize", "certificate of nullify"),
        *("have", "have while a round is open"),
    }
    for name, message in NEWEST["wire"].items():
        node = Node(genesis, signer.member, signer)
        node.step(events.Started(0))
        sender = next(member for member in genesis.ids if member != signer.member)
        effects = node.step(events.Received(sender, bytes.fromhex(message)))
        notes = [effect.text for effect in effects if isinstance(effect, events.Note)]
        assert not [text for text in notes if "dropped" in text], (name, notes)


def test_the_greeting_is_a_frame_of_kind_swarm_and_software():
    greeting = bytes.fromhex(NEWEST["greeting"])
    (length,) = struct.unpack(">I", greeting[:4])
    swarm = bytes.fromhex(NEWEST["messages"][0]["swarm"])
    assert length == len(greeting) - 4
    assert greeting[4:37] == b"\0" + swarm
    assert read_software(greeting[37:]) == "0.1.0"


def test_the_export_is_the_blocks_on_the_genesis_and_ends_in_the_merge_of_the_contributions():
    report = verify_export(
        bytes.fromhex(NEWEST["export"]), bytes.fromhex(NEWEST["messages"][0]["swarm"])
    )
    assert report.ledger.height == len(NEWEST["blocks"]) == 4
    (entry,) = report.ledger.rounds
    assert entry.outcome == "merged"
    arrays = {}
    for member, blob in entry.included:
        data = bytes.fromhex(NEWEST["contributions"][member]["bytes"])
        cells = struct.unpack(f"<{len(data) // 4}i", data)
        assert list(cells) == NEWEST["contributions"][member]["cells"]
        assert hashlib.sha256(hashlib.sha256(data).digest()).digest() == blob
        arrays[member] = [np.array(cells, dtype=np.int32)]
    total, rest = merge(arrays, report.genesis.anchors)
    assert head_digest(report.genesis.manifest_digest, total, rest) == entry.digest


def test_a_blobs_digest_is_over_the_digests_of_its_chunks():
    small, long = NEWEST["blobs"]
    data = bytes.fromhex(small["bytes"])
    assert hashlib.sha256(hashlib.sha256(data).digest()).hexdigest() == small["digest"]
    data = bytes(at % 251 for at in range(long["modulo_251"]))
    chunks = [hashlib.sha256(data[at : at + 262_144]).digest() for at in (0, 262_144)]
    assert hashlib.sha256(b"".join(chunks)).hexdigest() == long["digest"]


@pytest.mark.parametrize("vector", [v for file in FILES.values() for v in file["merges"]])
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


@pytest.mark.parametrize("vector", NEWEST["networks"])
def test_a_merge_of_updates_gives_the_same_digest(vector):
    rounds = [
        {who: np.array(update, dtype=np.int32) for who, update in one.items()}
        for one in vector["rounds"]
    ]
    merged = merge_updates(rounds, vector["anchors"], vector["entry"], vector["norm"])
    manifest = bytes.fromhex(vector["manifest_digest"])
    assert network_digest(manifest, merged).hex() == vector["digest"]
    numbers = [n for name in ("parameters", "sum", "rest") for n in vector[name]]
    packed = b"parameters/1" + struct.pack(f"<{len(numbers)}q", *numbers)
    assert hashlib.sha256(manifest + packed).hexdigest() == vector["digest"]
