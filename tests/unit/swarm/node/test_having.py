"""Saying what one has, and getting what one lacks, and no more."""

from __future__ import annotations

from collections import Counter

import pytest

from swarm import codec, events
from swarm.consensus.messages import NOTARIZE, VOTES
from swarm.consensus.rules import Rules
from swarm.errors import RemoteProtocolError
from swarm.having import ASKED_AT_ONCE, Have, describe, read_have, write_have
from swarm.simulation.schedule import Schedule
from swarm.transport.traffic import name_type

FULL = Have(
    *(3, 1, 2, True),
    {(NOTARIZE, 2): 0b101, (NOTARIZE, 1): 0b111},
    frozenset({bytes(8), b"\1" * 8}),
    (4, 2),
    (0b10, 0b1, 0),
    0b110,
)


def decoded(have):
    return codec.decode(write_have(have), 1 << 16)


def say(schedule, sender, receiver, have):
    """What a member sends to another that says what it has."""
    me = schedule.ids[receiver]
    schedule.letters.clear()
    schedule.tick(250)  # answers are rare
    schedule.letters.clear()
    schedule.step(receiver, events.Received(schedule.ids[sender], write_have(have)))
    sent = [x for x in schedule.letters if x.sender == me and x.receiver == schedule.ids[sender]]
    return Counter(x.kind for x in sent)


def test_what_a_member_has_reads_back():
    assert read_have(decoded(FULL)) == FULL
    empty = Have(1, 1, 1)
    assert read_have(decoded(empty)) == empty


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        *[(1, 0), (1, 2**41), (1, True), (2, 3), (2, 0), (3, 2**30), (4, 1)],
        *[(5, [[0, 1]]), (5, [[len(VOTES), 1, 1]]), (5, [[0, 1, 1 << 50]]), (5, [[0, 1, 1]] * 7)],
        *[(6, [bytes(7)]), (6, [bytes(8)] * 201), (6, "x"), (7, [1]), (7, [1, 2, 3]), (7, [-1, 1])],
        *[(8, [1] * 51), (8, [1 << 50]), (8, [-1]), (9, -1), (9, None), (9, 1 << 50)],
    ],
)
def test_a_part_out_of_bounds_is_refused(place, wrong):
    value = decoded(FULL)
    value[place] = wrong
    with pytest.raises(RemoteProtocolError, match="out of bounds"):
        read_have(value)


@pytest.fixture
def four():
    """A transaction waits everywhere, its block is proposed, and all have voted but hear nobody."""
    schedule = Schedule(4, Rules(), honest=(0, 1, 2, 3))
    schedule.request(2, "2026-01-01")
    schedule.deliver(lambda x: x.kind in {"transaction", "proposal"})
    return schedule


def test_who_lacks_something_is_sent_it_and_who_has_it_is_not(four):
    assert say(four, 0, 1, Have(1, 1, 1)) == {"notarize": 1}
    assert say(four, 0, 2, Have(1, 1, 1)) == {"notarize": 1, "proposal": 1, "transaction": 1}
    node = four.nodes[four.ids[2]]
    state = node._state
    assert say(four, 0, 2, describe(node._seat(state), state)) == {}


def test_others_things_are_sent_by_those_who_are_asked(four):
    asked = Have(1, 1, 1, asked=0b0010)
    assert say(four, 0, 1, asked) == {"notarize": 1, "proposal": 1, "transaction": 1}
    assert say(four, 0, 3, asked) == {"notarize": 1}


def test_all_are_asked_in_turn():
    schedule = Schedule(10, Rules(), honest=(0,))
    member, me = schedule.nodes[schedule.ids[0]], schedule.ids[0]
    asked = []
    for ms in range(0, 120_000, 1_000):
        for effect in member.step(events.Tick(ms)):
            if isinstance(effect, events.Broadcast) and name_type(effect.message) == "have":
                asked.append(read_have(codec.decode(effect.message, 1 << 16)).asked)
    assert {mask.bit_count() for mask in asked} == {ASKED_AT_ONCE}
    together = asked[0] | asked[1] | asked[2]
    assert together == (1 << 10) - 1 - (1 << schedule.ids.index(me))


def test_a_vote_that_comes_a_moment_early_counts_once_the_height_before_is_decided(four):
    late, others = four.ids[0], [1, 2, 3]
    for other in others:  # they are known to say what they have: nobody is asked at once
        four.step(0, events.Received(four.ids[other], write_have(Have(1, 1, 1, True))))
    four.drain(lambda x: x.receiver != late)
    assert [len(four.decided(index)) for index in range(4)] == [0, 1, 1, 1]
    for other in others:
        four.step(other, events.ContributionAbstained(1, 1, "nobody is due"))
    early = four.drain(lambda x: x.receiver != late)
    assert early is None
    later = [x for x in four.letters if x.receiver == late and x.kind in VOTES]
    heights = [codec.decode(codec.decode(x.message, 1 << 16)[1][2], 256)[0] for x in later]
    assert max(heights) > 1
    four.letters = sorted(four.letters, key=lambda x: x.kind != "finalize")  # the latest first
    four.letters.reverse()
    four.drain(lambda x: x.kind in {*VOTES, "proposal", "transaction"})
    assert four.decided(0)[:2] == four.decided(1)[:2]
    assert len(four.decided(0)) > 1


def test_who_is_behind_for_a_moment_asks_nobody_and_for_longer_asks_one(four):
    node = four.nodes[four.ids[0]]
    for other in (1, 2, 3):
        node.step(events.Received(four.ids[other], write_have(Have(1, 1, 1))))
    for other in (1, 2, 3):
        effects = node.step(events.Received(four.ids[other], write_have(Have(2, 1, 1))))
        assert [e for e in effects if isinstance(e, events.Send)] == []
    effects = node.step(events.Tick(200))
    asked = [e for e in effects if isinstance(e, events.Send)]
    assert [name_type(e.message) for e in asked if name_type(e.message) == "status"] == ["status"]


def test_a_receipt_beyond_those_that_are_needed_waits_until_somebody_lacks_it():
    schedule = Schedule(10, Rules(), honest=range(10))
    schedule.request(0, "2026-01-01")
    schedule.drain(lambda x: True)
    blob = b"\x05" * 32
    schedule.step(0, events.ContributionReady(1, 1, blob, 20))
    schedule.drain(lambda x: True)
    for holder in range(1, 10):
        schedule.step(holder, events.BlobStored(blob))
        schedule.drain(lambda x: x.kind != "receipt" or x.sender != schedule.ids[9])
    needed = schedule.genesis.receipts_needed
    desks = [schedule.nodes[member]._state.desk for member in schedule.ids]
    counts = [len(desk.receipts[schedule.ids[0]]) for desk in desks]
    assert counts[0] == needed
    assert sum(counts) == 10 * needed + (9 - needed)  # the others keep their own to themselves
    lacking = Have(2, 1, 1, round=(1, 1), receipts=(0,) * 10)
    height = schedule.nodes[schedule.ids[0]].view().height
    lacking = Have(height + 1, 1, 1, round=(1, 1), receipts=(0,) * 10)
    assert say(schedule, 1, 9, lacking)["receipt"] == 1
    enough = Have(height + 1, 1, 1, round=(1, 1), receipts=((1 << needed) - 1,) * 10)
    assert say(schedule, 1, 9, enough)["receipt"] == 0
