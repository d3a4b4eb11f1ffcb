"""Blocks, certificates, the chain and its export (R22, R28, R30)."""

from __future__ import annotations

import pytest

from swarm import codec
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger.blocks import (
    apply_block,
    read_block,
    read_final,
    vote_body,
    write_block,
    write_final,
)
from swarm.ledger.chain import make_verify, verify_chain, verify_next
from swarm.ledger.export import export_ledger, verify_export
from swarm.ledger.rounds import empty_ledger
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Included,
    read_transaction,
    write_transaction,
)
from swarm.protocol import Signed, sign


def with_certificate(founders, final, certificate):
    value = codec.decode(final, 1 << 20)
    return codec.encode([value[0], value[1], [list(entry) for entry in certificate]])


def test_a_chain_that_was_signed_verifies_from_genesis_alone(founders):
    founders.whole_round()
    assert verify_chain(founders.genesis, founders.blocks) == founders.ledger


def test_the_height_that_does_not_verify_is_named(founders):
    founders.whole_round()
    with pytest.raises(LedgerError, match="at height 2"):
        verify_chain(founders.genesis, [founders.blocks[0], *founders.blocks[2:]])


def test_a_certificate_needs_a_quorum_of_members_true_signatures(founders):
    final = founders.append((0, founders.opening()), voters=4)
    entries = list(read_final(final).certificate)
    block = read_block(read_final(final).data, founders.verify)
    stranger = type(founders.signers[0])(b"\x77" * 32, founders.genesis.swarm_id)
    body = vote_body(1, 1, block.hash)
    forged = sorted([*entries[:3], (stranger.member, stranger.sign("finalize", body))])
    wrong_view = [
        (m, founders.signers[0].sign("finalize", vote_body(1, 2, block.hash)))
        if m == entries[0][0]
        else (m, s)
        for m, s in entries
    ]
    empty = empty_ledger(founders.genesis)
    verify = make_verify(founders.genesis)
    for wrong, match in (
        (entries[:2], "3 are needed"),
        (forged, "false signature"),
        (wrong_view, "false signature"),
        (list(reversed(entries)), "not sorted"),
        ([entries[0], *entries], "not sorted"),
    ):
        data = with_certificate(founders, final, wrong)
        with pytest.raises(RemoteProtocolError, match=match):
            verify_next(empty, data, verify)
    assert verify_next(empty, final, verify).height == 1


@pytest.mark.parametrize("value", [[], [b"", 1, []], [b"x", 0, []], ["x", 1, []], [b"x", 1, {}]])
def test_a_final_block_of_wrong_form_is_refused(value):
    with pytest.raises(RemoteProtocolError):
        read_final(codec.encode(value))


@pytest.mark.parametrize(
    "entry", ["x", ["m"], ["m", "text"], ["m", b"short"], ["m" * 65, bytes(64)], [1, bytes(64)]]
)
def test_a_certificate_of_wrong_form_is_refused(entry):
    with pytest.raises(RemoteProtocolError):
        read_final(codec.encode([b"x", 1, [entry]]))


def test_a_block_follows_the_last_one(founders):
    founders.append((0, founders.opening()))
    block = read_block(read_final(founders.blocks[0]).data, founders.verify)
    with pytest.raises(RemoteProtocolError, match="does not follow"):
        apply_block(founders.ledger, block, founders.verify)


def test_a_block_has_a_transaction_and_at_most_64_kib(founders):
    with pytest.raises(RemoteProtocolError, match="without a transaction"):
        read_block(write_block(1, founders.ledger.tip, []), founders.verify)
    with pytest.raises(RemoteProtocolError, match="at most 65536"):
        read_block(bytes(64 * 1024 + 1), founders.verify)


def test_a_transaction_in_a_block_is_signed_by_its_sender(founders):
    purpose, body = write_transaction(founders.opening())
    signed = sign(founders.signers[0], founders.ids[0], purpose, body)
    stolen = Signed(signed.purpose, founders.ids[1], signed.body, signed.signature)
    vote = sign(founders.signers[0], founders.ids[0], "notarize", [1, 1, bytes(32)])
    for wrong in (stolen, vote):
        with pytest.raises(RemoteProtocolError):
            read_block(write_block(1, founders.ledger.tip, [wrong]), founders.verify)


def test_the_largest_close_set_of_fifty_members_fits_into_a_block():
    ids = [f"12D3KooW{number:044}" for number in range(50)]
    receipts = tuple((index, bytes(64)) for index in range(17))
    closing = CloseSet(1, 1, tuple(Included(m, bytes(32), receipts) for m in ids), ())
    purpose, body = write_transaction(closing)
    signed = Signed(purpose, ids[0], codec.encode(body), bytes(64))
    block = write_block(1, bytes(32), [signed])
    assert read_block(block, lambda *_: True).transactions == ((ids[0], closing),)


@pytest.mark.parametrize(
    ("purpose", "body"),
    [
        ("abstain", {"round": 1, "attempt": 1, "reason": ""}),
        ("abstain", {"round": 1, "attempt": 3, "reason": "x"}),
        ("abstain", {"round": 0, "attempt": 1, "reason": "x"}),
        ("abstain", {"round": 1, "attempt": 1}),
        ("abstain", []),
        ("commit", {"round": 1, "attempt": 1, "blob": b"", "bytes": 1, "rho": [1, 2]}),
        ("commit", {"round": 1, "attempt": 1, "blob": bytes(32), "bytes": 1, "rho": [1, -2]}),
        ("merge-result", {"round": 1, "attempt": 1, "digest": bytes(31)}),
        ("close-set", {"round": 1, "attempt": 1, "in": 1, "out": []}),
        (
            "close-set",
            {
                "round": 1,
                "attempt": 1,
                "in": [{"member": "m", "blob": bytes(32), "receipts": [[0]]}],
                "out": [],
            },
        ),
        (
            "close-set",
            {
                "round": 1,
                "attempt": 1,
                "in": [{"member": "m", "blob": bytes(32), "receipts": [[50, bytes(64)]]}],
                "out": [],
            },
        ),
        (
            "round-open",
            {
                "round": 1,
                "attempt": 1,
                "kind": "release",
                "base": b"",
                "manifest": bytes(32),
                "as_of": "2026-13-01",
                "expected": [],
                "close_after_seconds": 1,
            },
        ),
        (
            "round-open",
            {
                "round": 1,
                "attempt": 1,
                "kind": "release",
                "base": b"",
                "manifest": bytes(32),
                "as_of": "2026-12-01",
                "expected": [1],
                "close_after_seconds": 1,
            },
        ),
    ],
)
def test_a_transaction_out_of_bounds_is_refused(purpose, body):
    with pytest.raises(RemoteProtocolError):
        read_transaction(Signed(purpose, "m", codec.encode(body), bytes(64)))


def test_an_export_without_genesis_hash_is_internally_consistent_not_authentic(founders):
    founders.whole_round()
    report = verify_export(export_ledger(founders.file, founders.blocks))
    assert report.ledger == founders.ledger
    assert not report.authentic
    assert report.sentence.startswith("internally consistent: 4 blocks")
    assert "authentic" not in report.sentence
    assert founders.genesis.swarm_id.hex() in report.sentence


def test_an_export_with_the_genesis_hash_is_authentic(founders):
    founders.whole_round()
    file = export_ledger(founders.file, founders.blocks)
    report = verify_export(file, founders.genesis.swarm_id)
    assert report.authentic
    assert report.sentence.startswith("authentic: 4 blocks")
    with pytest.raises(LedgerError, match="not of the one asked for"):
        verify_export(file, bytes(32))


def test_any_flipped_bit_of_an_export_fails(founders):
    founders.append((0, founders.opening()))
    founders.append((0, Abstain(1, 1, "no")), (1, founders.commit(1)))
    file = export_ledger(founders.file, founders.blocks)
    verify_export(file)
    for at in range(0, len(file), 3):  # every byte would be slow; a third meets every field
        damaged = file[:at] + bytes([file[at] ^ (1 << at % 8)]) + file[at + 1 :]
        with pytest.raises(LedgerError):
            verify_export(damaged)


@pytest.mark.parametrize(
    "value",
    [
        b"not cbor at all",
        codec.encode({"format": "other", "genesis": b"x", "blocks": []}),
        codec.encode({"format": "murmuration ledger 1", "genesis": b"x", "blocks": [1]}),
        codec.encode([1]),
    ],
)
def test_a_file_that_is_no_export_is_refused(value):
    with pytest.raises(LedgerError):
        verify_export(value)


def test_an_export_without_blocks_is_a_genesis(founders):
    report = verify_export(export_ledger(founders.file, []))
    assert report.ledger == empty_ledger(founders.genesis)


def test_somebody_who_is_no_member_verifies_nothing(founders):
    assert not make_verify(founders.genesis)("stranger", "commit", b"", bytes(64))


def test_what_is_written_is_read(founders):
    final = founders.append((0, founders.opening()))
    assert write_final(read_final(final)) == final
