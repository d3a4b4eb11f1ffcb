"""What a member does at a height, shown by letters that wait to be delivered."""

from __future__ import annotations

import pytest

from swarm import codec, events
from swarm.codec import digest
from swarm.consensus.rules import Rules
from swarm.ledger.blocks import NO_BLOCK, write_block
from swarm.ledger.rounds import compute_expected, empty_ledger
from swarm.ledger.transactions import RoundOpen, write_transaction
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.schedule import Schedule


@pytest.fixture
def four():
    return Schedule(4, Rules(), honest=(0, 1, 2, 3))


def opening_block(schedule, signer=2, as_of="2026-01-01"):
    genesis = schedule.genesis
    expected = compute_expected(genesis, empty_ledger(genesis))
    opening = RoundOpen(1, 1, "release", b"", genesis.manifest_digest, as_of, expected, 60)
    member = schedule.ids[signer]
    purpose, body = write_transaction(opening)
    signed = sign(SimSigner(member, genesis.swarm_id), member, purpose, body)
    return write_block(1, genesis.swarm_id, [signed])


def kinds(schedule, sender):
    return [x.kind for x in schedule.letters if x.sender == schedule.ids[sender]]


def everything(letter):
    return True


def test_nothing_is_proposed_or_voted_while_nobody_holds_a_transaction(four):
    for _ in range(20):
        four.tick(1_000)
        four.drain(everything)
    assert all(four.decided(index) == [] for index in range(4))
    assert all(node.view().view == 1 for node in four.nodes.values())


def test_a_request_becomes_a_block_everywhere(four):
    four.request(0, "2026-01-01")
    four.drain(everything)
    assert len({tuple(four.decided(index)) for index in range(4)}) == 1
    assert len(four.decided(0)) == 1


def test_a_vote_is_on_disk_before_it_is_sent(four):
    node = four.nodes[four.ids[0]]
    signer = SimSigner(four.ids[2], four.genesis.swarm_id)
    body = {"height": 1, "view": 1, "parent": 0, "block": opening_block(four)}
    message = codec.encode(["proposal", sign(signer, four.ids[2], "proposal", body).to_value()])
    effects = node.step(events.Received(four.ids[2], message))
    places = [type(effect) for effect in effects]
    assert places.index(events.Persist) < places.index(events.Broadcast)
    persisted = codec.decode(effects[places.index(events.Persist)].record, 1 << 20)
    sent = codec.decode(effects[places.index(events.Broadcast)].message, 1 << 20)
    assert persisted[:2] == sent  # and beside it the block, which we might be the last to hold
    assert persisted[2] == body["block"]


def test_a_silent_leader_costs_one_time_out(four):
    four.crash(2)  # leads view 1
    four.request(0, "2026-01-01")
    four.drain(everything)
    four.tick(1_900)
    four.drain(everything)
    assert four.decided(0) == []
    four.tick(200)
    four.drain(everything)
    assert len(four.decided(0)) == len(four.decided(3)) == 1


def test_with_more_than_f_down_nothing_is_decided_and_nothing_is_lost(four):
    four.crash(2)
    four.crash(3)
    four.request(0, "2026-01-01")
    for _ in range(100):
        four.tick(1_000)
        four.drain(everything)
    assert four.decided(0) == []
    assert four.nodes[four.ids[0]].view().view == 1  # no view ends without a quorum
    four.start(3)
    for _ in range(100):
        four.tick(1_000)
        four.drain(everything)
    assert four.decided(0) == four.decided(3) != []


def test_a_notarised_block_is_proposed_again_in_the_next_view(four):
    four.request(2, "2026-01-01")
    four.deliver(lambda x: x.kind == "proposal")
    four.drain(lambda x: x.kind == "notarize")
    four.letters = []  # everything else is lost, the finalize votes too
    four.tick(1_100)
    again = [x for x in four.letters if x.kind == "proposal" and x.view == 2]
    assert again
    value = codec.decode(codec.decode(again[0].message, 1 << 20)[1][2], 1 << 20)
    assert value["parent"] == 1
    assert digest(value["block"]) == digest(opening_block(four, 2))
    four.drain(everything)
    assert four.decided(0) == [digest(opening_block(four, 2))]


def test_a_repeated_block_must_be_the_notarised_one():
    four = Schedule(4, Rules(), honest=(0, 1, 2))
    four.request(2, "2026-01-01")
    four.deliver(lambda x: x.kind == "proposal")
    four.drain(lambda x: x.kind == "notarize")
    four.letters = []
    four.propose(3, 0, 2, 1, opening_block(four, 3, "2026-02-02"))
    assert "notarize" not in [x.kind for x in four.letters if x.view == 2]
    assert four.nodes[four.ids[0]].view().view == 2


def test_a_member_notarises_once_in_a_view():
    four = Schedule(4, Rules(), honest=(0,))
    four.propose(2, 0, 1, 0, opening_block(four, 2, "2026-01-01"))
    four.propose(2, 0, 1, 0, opening_block(four, 2, "2026-02-02"))
    assert kinds(four, 0).count("notarize") == 3  # one vote to three others
    assert four.ids[2] in four.nodes[four.ids[0]].view().evidence


def test_a_member_does_not_notarise_a_view_that_it_has_nullified():
    four = Schedule(4, Rules(), honest=(0,))
    four.request(0, "2026-01-01")
    four.tick(2_100)
    assert "nullify" in kinds(four, 0)
    four.propose(2, 0, 1, 0, opening_block(four))
    assert "notarize" not in kinds(four, 0)


def test_a_member_does_not_finalise_a_view_that_it_has_nullified():
    four = Schedule(4, Rules(), honest=(0,))
    block = opening_block(four)
    four.propose(2, 0, 1, 0, block)
    four.tick(2_100)
    for liar in (1, 2, 3):
        four.vote(liar, 0, "notarize", 1, digest(block))
    assert "nullify" in kinds(four, 0)
    assert "finalize" not in kinds(four, 0)
    assert four.nodes[four.ids[0]].view().view == 2


def test_a_restarted_member_votes_the_same_or_not_at_all():
    four = Schedule(4, Rules(), honest=(0,))
    four.propose(2, 0, 1, 0, opening_block(four, 2, "2026-01-01"))
    four.crash(0)
    four.letters = []
    four.start(0)
    four.propose(2, 0, 1, 0, opening_block(four, 2, "2026-02-02"))
    four.tick(1_000)
    sent = {x.message for x in four.letters if x.kind == "notarize"}
    votes = [codec.decode(codec.decode(m, 1 << 20)[1][2], 1 << 10) for m in sent]
    assert votes == [[1, 1, digest(opening_block(four, 2, "2026-01-01"))]]


def test_a_restarted_leader_does_not_propose_something_else():
    four = Schedule(4, Rules(), honest=(2,))
    four.request(2, "2026-01-01")
    first = {x.message for x in four.letters if x.kind == "proposal"}
    four.crash(2)
    four.letters = []
    four.start(2)
    four.request(2, "2026-02-02")
    four.tick(5_000)
    again = {x.message for x in four.letters if x.kind == "proposal"}
    assert again == first


def test_if_all_crash_after_voting_the_block_is_still_decided(four):
    four.request(2, "2026-01-01")
    four.deliver(lambda x: x.kind == "proposal")
    four.deliver(lambda x: x.kind == "notarize")
    for index in range(4):
        four.crash(index)
    four.letters = []
    for index in range(4):
        four.start(index)
    for _ in range(10):
        four.tick(1_000)
        four.drain(everything)
    assert four.decided(0) == [digest(opening_block(four))]
    assert four.decided(1) == four.decided(2) == four.decided(3) == four.decided(0)


def test_nullify_votes_of_one_liar_start_no_height():
    four = Schedule(4, Rules(), honest=(0, 1, 2))
    for receiver in range(3):
        four.vote(3, receiver, "nullify", 1, NO_BLOCK)
    for _ in range(10):
        four.tick(1_000)
        four.drain(everything)
    assert all("nullify" not in kinds(four, index) for index in range(3))
    assert all(node.view().view == 1 for node in four.nodes.values())


def test_an_opening_that_a_liar_shows_to_one_member_is_decided_nevertheless():
    four = Schedule(4, Rules(), honest=(0, 1, 2))
    # Height 1, view 2 is led by the liar, who then falls silent.
    four.propose(3, 0, 2, 0, opening_block(four, 3))
    for _ in range(30):
        four.tick(1_000)
        four.drain(everything)
    assert len(four.decided(0)) == len(four.decided(1)) == len(four.decided(2)) == 1


def test_a_notarisation_brings_its_block_to_who_missed_the_proposal(four):
    four.request(2, "2026-01-01")
    missed = four.ids[3]
    four.deliver(lambda x: x.kind == "proposal" and x.receiver != missed)
    four.deliver(lambda x: x.kind == "notarize" and x.receiver != missed)
    four.tick(Rules().relay_ms())
    assert missed in {x.receiver for x in four.letters if x.kind == "certificate"}
    four.deliver(lambda x: x.kind == "certificate" and x.receiver == missed)
    assert "finalize" in kinds(four, 3)
    (message,) = {x.message for x in four.letters if x.kind == "certificate" and x.view == 1}
    assert codec.decode(message, 1 << 20)[1]["block"] == opening_block(four)


def test_a_nullification_carries_no_block():
    four = Schedule(4, Rules(), honest=(0,))
    for liar in (1, 2, 3):
        four.vote(liar, 0, "nullify", 1, NO_BLOCK)
    message = next(x.message for x in four.letters if x.kind == "certificate")
    assert codec.decode(message, 1 << 20)[1]["block"] == b""


def nullifies_in_time(four):
    four.tick(1_900)
    early = "nullify" in kinds(four, 0)
    four.tick(200)
    return not early and "nullify" in kinds(four, 0)


def test_votes_of_more_than_f_members_start_the_clock():
    four = Schedule(4, Rules(), honest=(0,))
    four.vote(1, 0, "notarize", 1, b"\x01" * 32)
    four.tick(9_000)
    assert "nullify" not in kinds(four, 0)
    four.vote(2, 0, "notarize", 1, b"\x01" * 32)
    assert nullifies_in_time(four)


def test_a_proposal_of_a_later_view_starts_the_clock():
    four = Schedule(4, Rules(), honest=(0,))
    four.tick(9_000)
    four.propose(3, 0, 2, 0, opening_block(four, 3))
    assert nullifies_in_time(four)


def test_a_vote_of_an_earlier_run_starts_the_clock():
    four = Schedule(4, Rules(), honest=(0,))
    four.propose(2, 0, 1, 0, opening_block(four))
    four.crash(0)
    four.letters = []
    four.start(0)
    assert nullifies_in_time(four)


def test_a_view_times_out_at_exactly_its_time():
    four = Schedule(4, Rules(), honest=(0,))
    four.request(0, "2026-01-01")
    four.tick(1_999)
    assert "nullify" not in kinds(four, 0)
    four.tick(1)
    assert "nullify" in kinds(four, 0)
