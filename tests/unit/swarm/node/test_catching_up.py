"""Catching up, and what a node shows of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm import codec, events
from swarm.consensus.rules import Rules
from swarm.errors import RemoteProtocolError
from swarm.ledger.transactions import Commit, receipt_body
from swarm.protocol import Fields, read_signed, sign
from swarm.simulation.scenario import make_genesis
from swarm.simulation.schedule import Schedule
from swarm.sync import final_messages
from tests.unit.swarm.node.builders import (
    GENESIS,
    IDS,
    make_node,
    notes,
    of,
    ran,
    signed_message,
    signer,
    started,
)


def test_a_member_that_is_behind_gets_blocks_from_any_member_and_verifies_them():
    world = ran()
    node = started()
    source = make_node(2)
    disk = world.hosts[IDS[2]].disk
    source.step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))
    status = codec.encode(["status", 1, 1])
    (answer,) = of(source.step(events.Received(IDS[0], status)), events.SendBlocks)
    assert (answer.to, answer.height) == (IDS[0], 1)
    answers = final_messages(disk.blocks, answer.height)
    assert len(answers) == len(disk.blocks)
    for message in answers:
        node.step(events.Received(IDS[2], message))
    assert node.view().height == len(disk.blocks)
    again = node.step(events.Received(IDS[2], answers[0]))
    assert not of(again, events.AppendBlock)


def test_a_block_under_a_false_certificate_is_refused():
    disk = ran().hosts[IDS[0]].disk
    value = codec.decode(disk.blocks[0], 1 << 20)
    value[2][0][1] = bytes(64)
    final = codec.encode(["final", 1, codec.encode(value)])
    node = started()
    (note,) = notes(node.step(events.Received(IDS[1], final)))
    assert "false signature" in note
    assert node.view().height == 0


def test_answers_to_one_member_are_bounded_in_frequency_and_number():
    disk = ran(rounds=12).hosts[IDS[2]].disk
    assert len(disk.blocks) > 40
    node = make_node(2)
    node.step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))
    status = codec.encode(["status", 1, 1])
    asked = lambda who: of(node.step(events.Received(who, status)), events.SendBlocks)  # noqa: E731
    assert [len(asked(who)) for who in (IDS[0], IDS[0], IDS[1])] == [1, 0, 1]
    node.step(events.Tick(250))
    assert len(asked(IDS[0])) == 1
    assert len(final_messages(disk.blocks, 1)) == 32


def test_who_speaks_of_a_later_height_is_asked_once_in_a_while():
    vote = sign(signer(1), IDS[1], "notarize", [9, 1, b"\x01" * 32])
    message = codec.encode(["vote", vote.to_value()])
    node = started()
    (send,) = of(node.step(events.Received(IDS[1], message)), events.Send)
    assert codec.decode(send.message, 1000) == ["status", 1, 1]
    assert of(node.step(events.Received(IDS[1], message)), events.Send) == []


def test_a_member_behind_is_told_so_by_more_than_f_others():
    node = started()
    node.step(events.Received(IDS[1], codec.encode(["status", 9, 1])))
    assert node.view().state == "idle"  # one may lie
    node.step(events.Received(IDS[2], codec.encode(["status", 9, 1])))
    assert node.view().state == "behind"


def test_messages_of_a_past_height_are_answered_with_the_block():
    disk = ran(rounds=1).hosts[IDS[2]].disk
    node = make_node(2)
    node.step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))
    for purpose in ("notarize", "nullify"):
        block = bytes(32) if purpose == "nullify" else b"\x01" * 32
        vote = sign(signer(1), IDS[1], purpose, [len(disk.blocks), 1, block])
        node.step(events.Tick(1000 if purpose == "nullify" else 0))
        effects = node.step(events.Received(IDS[1], codec.encode(["vote", vote.to_value()])))
        (sent,) = of(effects, events.SendBlocks)
        (message,) = final_messages(disk.blocks, sent.height)
        assert codec.decode(message, 1 << 20)[:2] == ["final", len(disk.blocks)]


def test_a_quiet_swarm_speaks_seldom():
    node = started()
    sent = [
        e for ms in range(0, 60_000, 250) for e in of(node.step(events.Tick(ms)), events.Broadcast)
    ]
    assert len(sent) <= 13


def test_fields_refuse_what_is_not_expected():
    fields = Fields({"a": 1, "b": "x\x00", "c": b"x"}, "thing", ("a", "b", "c"))
    for call in (
        lambda: fields.integer("a", 2, 3),
        lambda: fields.integer("b", 2, 3),
        lambda: fields.flag("a"),
        lambda: fields.text("a", 9),
        lambda: fields.text("b", 1),
        lambda: fields.text("b", 9),
        lambda: fields.data("c", 2),
        lambda: fields.rational("a"),
        lambda: fields.items("a", 9),
        lambda: Fields([], "thing", ()),
        lambda: Fields({"a": 1}, "thing", ("b",)),
    ):
        with pytest.raises(RemoteProtocolError):
            call()
    assert fields.data("c", 0, longest=2) == b"x"


def test_something_signed_is_short_and_true():
    good = sign(signer(1), IDS[1], "abstain", 1).to_value()
    verify = signer(0).verify
    assert read_signed(good, ("abstain",), verify).member == IDS[1]
    for wrong in (
        [good[0], "m" * 65, *good[2:]],
        [good[0], good[1], bytes(200_000), good[3]],
        [good[0], good[1], good[2], bytes(64)],
        good[:3],
    ):
        with pytest.raises(RemoteProtocolError):
            read_signed(wrong, ("abstain",), verify)


def test_the_view_names_what_is_pending_and_served():
    schedule = Schedule(4, Rules(), honest=(0, 1, 2, 3))
    schedule.request(0, "2026-01-01")
    assert schedule.nodes[IDS[0]].view().pending == ("round-open",)
    schedule.drain(lambda letter: True)
    blob = b"\x05" * 32
    assert schedule.nodes[IDS[0]].view().state == "contributing"
    schedule.step(0, events.ContributionReady(1, 1, blob, 20))
    assert schedule.nodes[IDS[0]].view().served == set()  # not before the commit is final
    schedule.drain(lambda letter: True)
    view = schedule.nodes[IDS[0]].view()
    assert view.served == {blob}
    assert schedule.nodes[IDS[0]].ledger.releases(IDS[0]) == 1
    assert view.state == "closing"
    assert schedule.nodes[IDS[1]].view().state == "contributing"


def test_below_four_members_the_view_says_that_nobody_may_lie():
    node = make_node(genesis=make_genesis(3))
    node.step(events.Started(0))
    assert "assumes that no member lies" in node.view().warnings[0]


def test_a_caught_liar_is_named_in_the_view():
    node = started()
    for block in (b"\x01" * 32, b"\x02" * 32):
        vote = sign(signer(1), IDS[1], "notarize", [1, 1, block])
        effects = node.step(events.Received(IDS[2], codec.encode(["vote", vote.to_value()])))
    assert "contradicts itself" in notes(effects)[0]
    assert "member 1" in node.view().warnings[0]


def test_a_witness_is_never_asked_to_contribute():
    members = tuple(replace(m, contributes=m.id != IDS[3]) for m in GENESIS.members)
    schedule = Schedule(4, Rules(), honest=())
    schedule.genesis = replace(GENESIS, members=members)
    for index in range(4):
        schedule.start(index)
    schedule.request(3, "2026-01-01")
    schedule.drain(lambda letter: True)
    started_ = {m for m in IDS if of(schedule.effects[m], events.StartContribution)}
    assert started_ == set(IDS[:3])


def test_receipts_for_unknown_commits_or_by_their_own_maker_are_not_kept():
    schedule = Schedule(4, Rules(), honest=(0, 1, 2))
    schedule.request(0, "2026-01-01")
    schedule.drain(lambda letter: True)
    node = schedule.nodes[IDS[0]]

    def receipt(maker: int, by: int, blob: bytes) -> None:
        signature = signer(by).sign("receipt", receipt_body(1, 1, IDS[maker], blob))
        value = {
            "round": 1,
            "attempt": 1,
            "member": IDS[maker],
            "blob": blob,
            "by": IDS[by],
            "signature": signature,
        }
        node.step(events.Received(IDS[by or 3], codec.encode(["receipt", value])))

    receipt(1, 2, bytes(32))  # no commit is final yet
    assert node._state.desk.receipts == {}
    commit = Commit(1, 1, b"\x09" * 32, 20, GENESIS.rho)
    schedule.step(0, events.Received(IDS[1], signed_message(1, commit)))
    for _ in range(3):  # the first leader of this height is not there
        schedule.tick(2_100)
        schedule.drain(lambda letter: True)
    receipt(1, 1, commit.blob)
    receipt(1, 2, bytes(32))
    receipt(1, 0, commit.blob)  # ours, which others hold: our disk may have been restored
    assert node._state.desk.receipts == {IDS[1]: {}}
    receipt(1, 2, commit.blob)
    assert list(node._state.desk.receipts[IDS[1]]) == [IDS[2]]


def test_an_answer_has_at_most_half_a_mebibyte_but_at_least_one_block():
    blocks = [bytes(300_000)] * 5 + [bytes(100_000)] * 20
    assert [len(final_messages(blocks, height)) for height in (1, 5, 6, 25, 26)] == [1, 3, 5, 1, 0]


def test_an_abstention_and_a_refusal_reach_the_desk():
    schedule = Schedule(4, Rules(), honest=(0, 1, 2, 3))
    schedule.request(0, "2026-01-01")
    schedule.drain(lambda letter: True)
    for index in range(4):
        schedule.step(index, events.ContributionAbstained(1, 1, "budget spent"))
    schedule.step(0, events.BlobRefused(b"\x07" * 32, "malformed"))
    schedule.drain(lambda letter: True)
    (entry,) = schedule.nodes[IDS[1]].view().rounds
    assert entry.outcome == "void"
    assert dict(entry.abstained) == dict.fromkeys(IDS, "budget spent")
    assert schedule.nodes[IDS[0]]._state.desk.refused == {b"\x07" * 32: "malformed"}
