"""Rounds of the kind `parameters` in random schedules, and merges broken on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from swarm.ledger.kinds import PARAMETERS
from swarm.merge import updates
from swarm.simulation import host
from swarm.simulation.scenario import Scenario
from swarm.simulation.world import World

QUIET = Scenario(faults=(), rounds=6)


def run(seed: int, scenario: Scenario) -> World:
    world = World(seed, scenario)
    world.run()
    assert world.is_finished(), seed
    return world


def test_both_kinds_happen_and_every_member_ends_with_the_same_parameters() -> None:
    kinds: list[str] = []
    for seed in range(4):
        world = run(seed, Scenario(rounds=4))
        ledger = world.invariants.ledger
        kinds += [entry.kind for entry in ledger.rounds]
        heads = {(h.disk.head, h.disk.network) for h in world.hosts.values()}
        assert len(heads) == 1
        merged = [e for e in ledger.rounds if e.kind == PARAMETERS and e.outcome == "merged"]
        assert len(ledger.updates) == len(merged)
    assert 4 <= kinds.count(PARAMETERS) <= len(kinds) - 4


def no_cap(rounds, anchors, entry, norm):
    return updates.merge_updates(rounds, {who for one in rounds for who in one}, entry, norm)


def no_bounds(rounds, anchors, entry, norm):
    return updates.merge_updates(rounds, anchors, 2**24, 2**30)


def last_round_alone(rounds, anchors, entry, norm):
    return updates.merge_updates(rounds[-1:], anchors, entry, norm)


def mean(rounds, anchors, entry, norm):
    merged = updates.merge_updates(rounds, anchors, entry, norm)
    return {name: np.floor_divide(part, 4) for name, part in merged.items()}


@pytest.mark.parametrize("broken", [no_cap, no_bounds, last_round_alone, mean])
def test_a_merge_that_breaks_its_rule_is_noticed(monkeypatch, broken) -> None:
    monkeypatch.setattr(host, "merge_updates", broken)
    with pytest.raises(host.ViolationError, match="not the sum"):
        run(1, QUIET)
