"""Bytes that break the protocol change nothing (R27, R28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm import codec, events
from swarm.consensus.rules import Rules
from swarm.ledger.blocks import write_block
from swarm.ledger.transactions import Abstain, MergeResult, write_transaction
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.schedule import Schedule
from tests.unit.swarm.node.builders import GENESIS, IDS, signed_message, signer, started

if TYPE_CHECKING:
    from swarm.node import Node


def refused(node: Node, message: bytes, sender: str = IDS[1]) -> str:
    before = node._state
    effects = node.step(events.Received(sender, message))
    assert node._state is before
    (note,) = effects
    assert isinstance(note, events.Note)
    assert note.level == "warning"
    assert note.text.startswith(sender)
    return note.text


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        bytes(200_000),
        codec.encode([]),
        codec.encode({}),
        codec.encode([1]),
        codec.encode(["unknown", 1]),
        codec.encode(["vote"]),
        codec.encode(["vote", 1, 2]),
        codec.encode(["vote", 1]),
        codec.encode(["vote", ["notarize", "m01", b"", b""]]),
        codec.encode(["vote", ["commit", "m01", b"", bytes(64)]]),
        codec.encode(["vote", ["notarize", "m01", bytes(2**17), bytes(64)]]),
        codec.encode(["proposal", ["proposal", "m01", b"x", bytes(64)]]),
        codec.encode(["certificate", {}]),
        codec.encode(["final", 0, b""]),
        codec.encode(["final", 1, "text"]),
        codec.encode(["final", 1, b"\xff"]),
        codec.encode(["status", 0, 1]),
        codec.encode(["status", 1, 0]),
        codec.encode(["status", "1", 1]),
        codec.encode(["receipt", {}]),
        codec.encode(["transaction", 1]),
    ],
)
def test_bytes_that_break_the_protocol_change_nothing(message):
    refused(started(), message)


def test_messages_of_strangers_and_of_ourselves_are_refused():
    receipt = codec.encode(["receipt", {}])
    assert "who is no member" in refused(started(), receipt, sender="stranger")
    assert "of our own" in refused(started(), receipt, sender=IDS[0])


def test_a_vote_of_a_stranger_is_refused():
    stranger = SimSigner("stranger", GENESIS.swarm_id)
    vote = sign(stranger, "stranger", "notarize", [1, 1, b"\x01" * 32])
    assert "no member" in refused(started(), codec.encode(["vote", vote.to_value()]))


def test_our_own_vote_told_by_others_is_not_counted():
    vote = sign(signer(0), IDS[0], "nullify", [1, 1, bytes(32)])
    node = started()
    assert node.step(events.Received(IDS[1], codec.encode(["vote", vote.to_value()]))) == ()


def test_a_false_receipt_is_refused():
    body = {
        "round": 1,
        "attempt": 1,
        "member": IDS[1],
        "blob": bytes(32),
        "by": IDS[2],
        "signature": bytes(64),
    }
    assert "(R24)" in refused(started(), codec.encode(["receipt", body]))


def test_a_transaction_that_only_a_leader_may_make_is_not_pooled():
    refused(started(), signed_message(1, MergeResult(1, 1, bytes(32))))


def test_a_transaction_that_may_not_come_next_is_dropped_in_silence():
    node = started()
    abstain = signed_message(1, Abstain(1, 1, "early"))
    assert node.step(events.Received(IDS[1], abstain)) == ()


def test_a_proposal_of_a_block_that_may_not_come_is_refused():
    schedule = Schedule(4, Rules(), honest=(0,))
    schedule.request(0, "2026-01-01")
    purpose, body = write_transaction(Abstain(1, 1, "early"))
    block = write_block(1, GENESIS.swarm_id, [sign(signer(2), IDS[2], purpose, body)])
    proposal = sign(
        signer(2), IDS[2], "proposal", {"height": 1, "view": 1, "parent": 0, "block": block}
    )
    message = codec.encode(["proposal", proposal.to_value()])
    assert "not under way" in refused(schedule.nodes[IDS[0]], message, sender=IDS[2])


@pytest.mark.parametrize(
    "request_",
    [
        events.RoundRequested("", "2026-01-01", 60),
        events.RoundRequested("release", "yesterday", 60),
        events.RoundRequested("release", "2026-01-01", 0),
        events.RoundRequested("release", "2026-02-30", 60),
    ],
)
def test_a_round_request_out_of_bounds_is_refused_with_a_sentence(request_):
    (note,) = started().step(request_)
    assert note.text.startswith("The request for a round is refused")


def test_a_request_while_a_round_is_open_is_refused_with_a_sentence():
    schedule = Schedule(4, Rules(), honest=(0, 1, 2, 3))
    schedule.request(0, "2026-01-01")
    schedule.drain(lambda letter: True)
    schedule.request(0, "2026-01-01")
    assert "under way" in schedule.effects[IDS[0]][-1].text
