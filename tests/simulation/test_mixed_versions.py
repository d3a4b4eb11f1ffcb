"""Members of all minor versions in one swarm agree and finish (P20).

A member of an older version never hears the messages that came with a later one, and nobody hears
its own: it is sent all, and sends all, as before there were any.
"""

from __future__ import annotations

import pytest

from swarm import codec, sync
from swarm.simulation.scenario import Scenario
from swarm.simulation.world import World, simulate
from swarm.transport.versions import SPOKEN

OLDEST = SPOKEN[-1]
MIXTURES = [
    (OLDEST, SPOKEN[0], SPOKEN[0], SPOKEN[0]),
    (OLDEST, OLDEST, SPOKEN[1], SPOKEN[0]),
    (OLDEST,) * 4,
]


@pytest.mark.parametrize("versions", MIXTURES, ids=["one old", "one new", "all old"])
def test_a_swarm_of_mixed_minor_versions_agrees_and_finishes_under_faults(versions) -> None:
    for seed in range(10):
        outcome = simulate(seed, Scenario(versions=versions, liars=seed % 2))
        assert not outcome.failure, outcome


def test_a_newer_message_goes_to_none_that_does_not_know_it(monkeypatch) -> None:
    world = World(1, Scenario(versions=MIXTURES[0], faults=()))
    heard: set[tuple[str, str, str]] = set()
    later = world.later

    def listen(host, delay_ms, event):
        if hasattr(event, "message"):
            heard.add((event.sender, host.me, codec.decode(event.message, 1 << 20)[0]))
        later(host, delay_ms, event)

    monkeypatch.setattr(world, "later", listen)
    world.run()
    old, *new = world.invariants.genesis.ids
    told = {(sender, receiver) for sender, receiver, kind in heard if kind == "have"}
    assert {(one, other) for one in new for other in new if one != other} == told
    assert any(kind == "status" and receiver == old for _, receiver, kind in heard)


def test_if_members_said_only_what_they_have_the_older_would_be_lost(monkeypatch) -> None:
    monkeypatch.setattr(sync, "_push", lambda seat, config, state: [])
    versions = MIXTURES[1]
    assert any(simulate(seed, Scenario(versions=versions)).failure for seed in range(10))
