"""Starting and starting again: no vote is forgotten (R26)."""

from __future__ import annotations

import pytest

from swarm import codec, events
from swarm.consensus.rules import Rules
from swarm.errors import LedgerError, LocalProtocolError
from swarm.node import Node
from swarm.simulation.schedule import Schedule
from tests.unit.swarm.node.builders import GENESIS, IDS, make_node, notes, of, ran, signer


def test_a_stranger_has_no_seat():
    node = Node(GENESIS, "stranger", signer(0))
    with pytest.raises(LedgerError, match="not a member"):
        node.step(events.Started(0))


def test_the_first_record_says_whose_log_it_is():
    (persist, *_) = make_node().step(events.Started(0))
    assert isinstance(persist, events.Persist)
    assert codec.decode(persist.record, 1000) == ["boot", GENESIS.swarm_id, IDS[0]]


def test_events_come_after_started_and_started_once():
    node = make_node()
    for event in (
        events.Tick(0),
        events.Received(IDS[1], b""),
        events.BlobStored(bytes(32)),
        events.RoundRequested("release", "2026-01-01", 60),
    ):
        with pytest.raises(LocalProtocolError, match=f"{type(event).__name__} before Started"):
            node.step(event)
    node.step(events.Started(0))
    with pytest.raises(LocalProtocolError, match="twice"):
        node.step(events.Started(0))


def test_a_peer_with_a_ledger_but_without_its_vote_log_does_not_start():
    disk = ran().hosts[IDS[0]].disk
    with pytest.raises(LedgerError, match="R26"):
        make_node().step(events.Started(0, (), tuple(disk.blocks)))


def test_another_members_log_is_refused():
    disk = ran().hosts[IDS[1]].disk
    with pytest.raises(LedgerError, match="another member's"):
        make_node().step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))


def test_a_damaged_ledger_is_refused_by_height():
    disk = ran().hosts[IDS[0]].disk
    blocks = [*disk.blocks]
    blocks[2] = blocks[2][:-1] + bytes([blocks[2][-1] ^ 1])
    with pytest.raises(LedgerError, match="at height 3"):
        make_node().step(events.Started(0, tuple(disk.log), tuple(blocks)))


@pytest.mark.parametrize(
    "record",
    [
        b"\xff",
        codec.encode(["unknown", 1]),
        codec.encode(["vote", 1]),
        codec.encode(["vote", [1], b""]),
        codec.encode("text"),
        codec.encode(["transaction", 1]),
        codec.encode(["proposal", 1]),
        codec.encode(["proposal", 1, 2]),
    ],
)
def test_a_damaged_log_is_refused_by_record(record):
    boot = make_node().step(events.Started(0))[0].record
    with pytest.raises(LedgerError, match="Record 2"):
        make_node().step(events.Started(0, (boot, record)))


def test_a_second_boot_record_is_harmless():
    boot = make_node().step(events.Started(0))[0].record
    node = make_node()
    node.step(events.Started(0, (boot, boot)))
    assert node.view().height == 0


def test_a_restarted_node_knows_what_it_knew():
    world = ran()
    disk = world.hosts[IDS[0]].disk
    node = make_node()
    effects = node.step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))
    view = node.view()
    assert view.height == len(disk.blocks)
    assert view.head == world.invariants.ledger.head
    assert not view.has_head  # its own merge is computed again first
    assert view.state == "fetching"
    fetched = of(effects, events.FetchBlob)
    assert {effect.blob for effect in fetched} == set(view.missing)
    for blob in fetched:
        effects = node.step(events.BlobStored(blob.blob))
    (compute,) = of(effects, events.ComputeMerge)
    assert (compute.round, compute.anchors) == (2, (IDS[0],))
    assert node.view().state == "merging"
    digest = world.invariants.ledger.head.digest
    (move,) = of(node.step(events.MergeComputed(2, 1, digest)), events.MoveHead)
    assert (move.round, move.digest) == (2, digest)
    assert node.view().has_head
    assert node.view().state == "idle"


def test_head_does_not_move_to_a_merge_that_differs_from_ours():
    disk = ran().hosts[IDS[0]].disk
    node = make_node()
    effects = node.step(events.Started(0, tuple(disk.log), tuple(disk.blocks)))
    for blob in of(effects, events.FetchBlob):
        node.step(events.BlobStored(blob.blob))
    effects = node.step(events.MergeComputed(2, 1, bytes(32)))
    assert not of(effects, events.MoveHead)
    assert "differs" in notes(effects)[0]
    assert any("Our own merge differs" in warning for warning in node.view().warnings)
    assert notes(node.step(events.Tick(9))) == []  # said once


def test_a_ledger_cut_short_does_not_make_us_vote_twice():
    schedule = Schedule(4, Rules(), honest=(0, 1, 2, 3))
    schedule.request(0, "2026-01-01")
    schedule.drain(lambda letter: True)
    decided = schedule.decided(0)
    schedule.crash(0)
    schedule.disks[IDS[0]].blocks.clear()  # as our own advice on a damaged block says
    schedule.start(0)
    schedule.tick(300)
    votes = [x for x in schedule.letters if x.sender == IDS[0] and x.kind == "notarize"]
    known = {codec.decode(codec.decode(x.message, 1 << 20)[1][2], 1 << 10)[2] for x in votes}
    assert known <= set(decided)
    for _ in range(5):
        schedule.drain(lambda letter: True)
        schedule.tick(1_000)
    assert schedule.decided(0)[: len(decided)] == decided


def test_votes_of_later_heights_wait_in_the_log_until_we_are_there():
    world = ran(rounds=1)
    disk = world.hosts[IDS[0]].disk
    node = make_node()
    node.step(events.Started(0, tuple(disk.log), ()))
    for height, block in enumerate(disk.blocks, start=1):
        effects = node.step(events.Received(IDS[1], codec.encode(["final", height, block])))
        assert of(effects, events.AppendBlock)
    mine = [codec.decode(r, 1 << 20)[1] for r in disk.log if codec.decode(r, 1 << 20)[0] == "vote"]
    assert mine
    assert node.view().height == len(disk.blocks)
    assert node.view().evidence == {}


def test_a_restored_disk_takes_no_part_until_a_height_to_which_it_cannot_have_come():
    world = ran(rounds=1)
    disk = world.hosts[IDS[0]].disk
    behind = len(disk.blocks) - 3
    node = make_node(restored=True)
    records = of(node.step(events.Started(0, (), tuple(disk.blocks[:behind]))), events.Persist)
    for member in IDS[1:3]:  # both work on the next height: ours may have come one further
        status = codec.encode(["status", behind + 1, 1])
        node.step(events.Received(member, status))
    assert any("restored" in warning for warning in node.view().warnings)
    node.step(events.RoundRequested("release", "2026-01-01", 60))
    effects = node.step(events.Tick(20_000))
    said = [*of(effects, events.Broadcast), *of(effects, events.Send)]
    assert {codec.decode(e.message, 1 << 20)[0] for e in said} == {"have", "status"}
    assert not of(effects, events.Persist)
    again = make_node()  # nobody says it again, and it is not forgotten
    again.step(events.Started(0, tuple(e.record for e in records), tuple(disk.blocks[:behind])))
    assert any("restored" in warning for warning in again.view().warnings)
    for height in (behind + 1, behind + 2):
        assert any("restored" in warning for warning in node.view().warnings), height
        final = codec.encode(["final", height, disk.blocks[height - 1]])
        records += of(node.step(events.Received(IDS[1], final)), events.Persist)
    assert not any("restored" in warning for warning in node.view().warnings)
