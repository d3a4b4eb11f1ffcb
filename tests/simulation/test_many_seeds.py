"""Ten thousand seeds, or as many as `make soak MINUTES=…` has time for, and what was injected.

    make soak MINUTES=60 ARGS=tests/simulation/test_many_seeds.py

A seed that fails is printed as a command that runs it alone; its line then belongs in `seeds.txt`.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from api.cli.simulate import injected_table
from swarm.consensus.rules import Rules
from swarm.simulation.scenario import Scenario
from swarm.simulation.world import Outcome, simulate

SEEDS = 10_000
FIRST = 1_000
BATCH = 40
MINUTES = float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))
SHARE = 0.5
"""Of the minutes: the other soak tests need some, too."""


def shape(seed: int) -> tuple[int, int]:
    """Members and liars of a seed: half of the runs have a liar, one of twenty seven members."""
    if seed % 20 == 0:
        return 7, seed // 20 % 3
    return 4, seed % 2


def run(seed: int) -> Outcome:
    members, liars = shape(seed)
    return simulate(seed, Scenario(members=members, liars=liars))


def run_batch(first: int) -> list[Outcome]:
    return [run(seed) for seed in range(first, min(first + BATCH, FIRST + SEEDS))]


@pytest.mark.soak
def test_ten_thousand_seeds_agree_and_finish(capsys):
    outcomes: list[Outcome] = []
    deadline = time.monotonic() + 60 * MINUTES * SHARE
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        waiting = iter(range(FIRST, FIRST + SEEDS, BATCH))
        running = {
            pool.submit(run_batch, first) for first, _ in zip(waiting, range(4), strict=False)
        }
        while running:
            done = next(iter(running))
            outcomes += done.result()
            running.discard(done)
            following = next(waiting, None) if time.monotonic() < deadline else None
            if following is not None:
                running.add(pool.submit(run_batch, following))
    failed = [outcome for outcome in outcomes if outcome.failure]
    with capsys.disabled():
        print(f"\n{len(outcomes):,} of {SEEDS:,} seeds, {len(failed)} failed")
        print("\n".join(injected_table(outcomes)))
        for outcome in failed:
            members, liars = shape(outcome.seed)
            print(
                f"murmuration simulate --members {members} --liars {liars} "
                f"--seeds {outcome.seed}..{outcome.seed}   # {outcome.failure}"
            )
    assert not failed
    assert len(outcomes) >= 100


class SkipWithoutNullification(Rules):
    def may_skip(self, view: int, nullified: object) -> bool:
        return True


@pytest.mark.soak
def test_random_seeds_find_that_views_are_skipped_without_nullification():
    scenario = Scenario(liars=1, lies=("fork",), rules=SkipWithoutNullification())
    assert any("disagreement" in simulate(seed, scenario).violation for seed in range(1_000))
