"""Members leave and anchors change while faults happen: agreement and sums hold (R27, R29)."""

from __future__ import annotations

import os
import time

import pytest

from swarm.simulation.scenario import Scenario
from swarm.simulation.world import World

SOAK_SECONDS = 6 * float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))


def changes(seed: int, scenario: Scenario) -> int:
    """Run a seed; how many changes of the members it decided."""
    world = World(seed, scenario)
    world.run()
    assert world.is_finished(), (seed, scenario)
    return world.invariants.ledger.roster.changes


def test_members_change_under_faults_and_every_round_is_decided() -> None:
    assert sum(changes(seed, Scenario(members=5, changes=3)) for seed in range(6)) >= 6


def test_members_change_beside_a_liar_and_no_more_may_lie_than_are_tolerated() -> None:
    assert sum(changes(seed, Scenario(members=7, liars=1, changes=2)) for seed in range(3)) >= 2


@pytest.mark.soak
def test_members_change_under_faults_for_many_seeds() -> None:
    end, seed, decided = time.monotonic() + SOAK_SECONDS, 1_000, 0
    while time.monotonic() < end:
        scenario = Scenario(members=4 + seed % 4, liars=seed % 2, changes=4, rounds=3)
        decided += changes(seed, scenario)
        seed += 1
    print(f"{seed - 1_000} seeds, {decided} changes decided")
    assert decided > 0
