"""The protocol core under 200 seeds of faults and lies."""

from __future__ import annotations

import pytest

from swarm.simulation.scenario import FAULTS, LIES, Scenario
from swarm.simulation.world import Outcome, World, simulate


def check(outcome: Outcome) -> None:
    """Agreement, an end, and nobody honest missing from what opened after the faults (P30)."""
    assert not outcome.failure, outcome
    number, _, result, _ = outcome.rounds[-1]
    assert number == 1 or result == "merged", outcome


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_honest_members_agree_and_finish_under_faults(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = simulate(seed, Scenario())
        check(outcome)


@pytest.mark.parametrize("first", range(100, 170, 10))
def test_one_liar_of_four_changes_nothing(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = simulate(seed, Scenario(liars=1))
        check(outcome)


@pytest.mark.parametrize("first", range(170, 180, 2))
def test_two_liars_of_seven_change_nothing(first: int) -> None:
    for seed in range(first, first + 2):
        check(simulate(seed, Scenario(members=7, liars=2)))


@pytest.mark.parametrize("first", range(180, 200, 10))
def test_a_member_that_is_never_up_does_not_stop_the_other_three(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = simulate(seed, Scenario(down=(seed % 4,)))
        check(outcome)
        assert outcome.rounds[-1][2:] == ("merged", 3), outcome


def test_a_round_without_one_member_ends_soon_after_its_own_deadline() -> None:
    world = World(1, Scenario(faults=(), rounds=1, down=(3,), close_after_seconds=20))
    world.run()
    closed = next(at for at, _, text in world.notes if "closed:" in text)
    opened = next(at for at, _, text in world.notes if "opened:" in text)
    assert closed - opened >= 19_000  # clocks run at rates of 0.95 to 1.05
    assert world.now_ms - opened < 30_000


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    scenario = Scenario(liars=1)
    assert simulate(7, scenario) == simulate(7, scenario)
    assert simulate(7, scenario).trace != simulate(8, scenario).trace


SAID = {
    "two-faced": ("two faces", "false merge", "garbage", "forged receipt", "vote for everything"),
    "fork": ("fork",),
    "silent": ("silence",),
    "censor": ("censored",),
    "early": ("early close",),
    "replay": ("replay",),
    "withhold": ("withheld blob",),
    "malformed": ("malformed blob",),
    "twin": ("second process",),
    "old-disk": ("old disk",),
}


def test_every_fault_and_lie_really_happens() -> None:
    assert set(SAID) == set(LIES)
    happened: set[str] = set()
    for lie in LIES:
        wanted = {f"lie: {what}" for what in SAID[lie]}
        for seed in range(200, 220):
            outcome = simulate(seed, Scenario(liars=1, lies=(lie,), rounds=1))
            check(outcome)
            happened |= set(dict(outcome.injected))
            if wanted <= happened:
                break
        assert wanted <= happened, lie
    for seed in range(220, 250):
        if happened >= set(FAULTS):
            break
        outcome = simulate(seed, Scenario(rounds=1))
        check(outcome)
        happened |= set(dict(outcome.injected))
    assert happened >= set(FAULTS)
