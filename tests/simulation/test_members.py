"""Members join late, leave, are removed and rotate keys while faults and lies happen (R27, R29)."""

from __future__ import annotations

import os
import time

import pytest

from swarm import codec
from swarm.consensus.instance import Seat
from swarm.ledger.blocks import read_block, read_final
from swarm.ledger.membership import ADD, CARRY, KINDS, ROTATE, read_change
from swarm.ledger.roster import Roster
from swarm.ledger.transactions import Membership
from swarm.simulation.scenario import Scenario
from swarm.simulation.world import World, simulate

SOAK_SECONDS = 6 * float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))


def run(seed: int, scenario: Scenario) -> World:
    world = World(seed, scenario)
    world.run()
    assert world.is_finished(), (seed, scenario)
    assert not world.left_out(), (seed, scenario)
    return world


def decided(world: World) -> list[str]:
    """Kinds of the changes on the ledger, as any member in force holds it."""
    kinds = []
    for data in world.members()[0].disk.blocks:
        block = read_block(read_final(data).data, world.invariants.verify)
        changes = (each for _, each in block.transactions if isinstance(each, Membership))
        kinds += [read_change(each.change).kind for each in changes]
    return kinds


def test_every_kind_of_change_is_decided_under_faults_and_all_end_with_the_same_digest() -> None:
    kinds: set[str] = set()
    for seed in range(12):
        world = run(seed, Scenario(members=5, changes=4, carries=seed == 0))
        kinds.update(decided(world))
        assert len({(host.disk.head, host.disk.network) for host in world.members()}) == 1
        if kinds == set(KINDS):
            break
    assert kinds == set(KINDS)


def test_a_newcomer_and_a_new_key_end_with_the_whole_history_and_the_same_model() -> None:
    came = 0
    for seed in range(8):
        world = run(seed, Scenario(members=4, changes=3, rounds=1))
        founders = {host.me for host in world.honest if host.me.startswith("m")}
        for host in world.members():
            came += host.me not in founders
            hashes = [codec.digest(read_final(data).data) for data in host.disk.blocks]
            assert hashes == world.invariants.chain
        if came >= 4:
            break
    assert came >= 4


def test_members_change_beside_a_liar_and_no_more_may_lie_than_are_tolerated() -> None:
    worlds = [run(seed, Scenario(members=7, liars=1, changes=2)) for seed in range(2)]
    assert sum(world.invariants.ledger.roster.changes for world in worlds) >= 2


def test_what_is_carried_over_is_merged_before_the_first_round() -> None:
    world = run(3, Scenario(carries=True, rounds=1, faults=("loss", "crash")))
    assert decided(world) == [CARRY]
    assert len(world.invariants.ledger.accepted) >= 2
    first, *_ = world.invariants.ledger.rounds
    assert (first.kind, first.outcome) == ("again", "merged")


def old_members(patch: pytest.MonkeyPatch) -> None:
    """Consensus goes on with the members that a node started with."""
    patch.setattr(Seat, "at", lambda self, roster: self)


def old_quorum(patch: pytest.MonkeyPatch) -> None:
    """The quorum stays what the founders' was."""
    patch.setattr(Roster, "quorum", property(lambda self: 4))


@pytest.mark.parametrize("bug", [old_members, old_quorum])
def test_members_or_a_quorum_that_do_not_change_with_the_block_are_noticed(bug, monkeypatch):
    bug(monkeypatch)
    scenario = Scenario(members=5, changes=4, faults=())
    assert any(simulate(seed, scenario).failure for seed in range(6))


@pytest.mark.soak
def test_members_change_under_faults_for_many_seeds(capsys) -> None:
    end, seed, kinds = time.monotonic() + SOAK_SECONDS, 1_000, []
    while time.monotonic() < end:
        scenario = Scenario(
            members=4 + seed % 4, liars=seed % 2, changes=4, rounds=3, carries=seed % 5 == 0
        )
        kinds += decided(run(seed, scenario))
        seed += 1
    with capsys.disabled():
        counts = {kind: kinds.count(kind) for kind in KINDS}
        print(f"\n{seed - 1_000} seeds, changes decided: {counts}")
    assert {ADD, ROTATE} <= set(kinds)
