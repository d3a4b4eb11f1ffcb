"""A crash between any two effects: the others finish, and who restarts ends at the same HEAD."""

from __future__ import annotations

import pytest

from swarm.simulation.scenario import Scenario
from swarm.simulation.world import World

QUIET = Scenario(faults=(), rounds=1)
STRIDE = 4
"""Of the effects after which a crash is tried; `make soak` tries each."""


def count_effects(index: int) -> int:
    """How many effects a member performs in a round without faults."""
    world = World(1, QUIET)
    host = list(world.hosts.values())[index]
    host.crash_after = 1_000_000
    world.run()
    return 1_000_000 - host.crash_after


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_member_may_crash_after_any_effect(index):
    effects = count_effects(index)
    assert effects > 50
    crash_after_each(index, range(index % STRIDE, effects, STRIDE))


@pytest.mark.soak
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_member_may_crash_after_each_effect_and_within_each_write(index):
    crash_after_each(index, range(count_effects(index)), tears=True)


def crash_after_each(index: int, points: range, *, tears: bool = False) -> None:
    for crash_after in points:
        world = World(1, QUIET)
        host = list(world.hosts.values())[index]
        host.crash_after = crash_after
        host.tears = tears
        world.run()
        assert world.is_finished(), crash_after
        assert host.run == 2, crash_after
        assert len({h.disk.head for h in world.hosts.values()}) == 1, crash_after
        (entry,) = world.invariants.ledger.rounds[-1:]
        assert entry.outcome == "merged", crash_after


def test_all_may_crash_at_once_at_any_time():
    for crash_after in range(1, 78, 3):
        world = World(1, QUIET)
        for host in world.hosts.values():
            host.crash_after = crash_after
        world.run()
        assert world.is_finished(), crash_after
        assert world.invariants.ledger.rounds[-1].outcome == "merged", crash_after
