"""Ten thousand seeds, or as many as `make soak MINUTES=…` has time for, and what was injected.

    make soak MINUTES=60 ARGS=tests/simulation/test_many_seeds.py

Twenty-five minutes of one core are enough for all; the batches are shared among all cores. What is
done is kept in the folder `MURMURATION_SOAK_KEEP` names, if it does, and a later run goes on there.
A seed that fails is printed; once mended, its bug belongs in `kept.py` and its line in `seeds.txt`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from api.cli.simulate import injected_table
from swarm.consensus.rules import Rules
from swarm.ledger.genesis import fault_bound
from swarm.simulation.scenario import Scenario
from swarm.simulation.world import Outcome, simulate

SEEDS = 10_000
FIRST = 1_000
BATCH = 40
MINUTES = float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))
KEEP = os.environ.get("MURMURATION_SOAK_KEEP", "")
SHARE = 0.5
"""Of the minutes: the other soak tests need some, too."""


def shape(seed: int) -> tuple[int, int]:
    """Members and liars of a seed: half of the runs have a liar, one of twenty seven members."""
    if seed % 20 == 0:
        return 7, seed // 20 % 3
    return 4, seed % 2


def run(seed: int) -> Outcome:
    members, liars = shape(seed)
    timer = 2 * (2 ** fault_bound(members) + 1)  # what P30 asks for
    return simulate(seed, Scenario(members=members, liars=liars, close_after_seconds=timer))


def digest_of_code() -> str:
    """What is kept is worth something for the very code that made it only, the core's."""
    parts = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "swarm"]
    sources = sorted(Path(part) for part in parts if part is not None)
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def run_batch(first: int) -> list[Outcome]:
    kept = Path(KEEP) / f"{digest_of_code()}-{first}.json" if KEEP else None
    if kept is not None and kept.exists():
        return [read(value) for value in json.loads(kept.read_text(encoding="utf-8"))]
    outcomes = [run(seed) for seed in range(first, min(first + BATCH, FIRST + SEEDS))]
    if kept is not None:
        fresh = kept.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(each) for each in outcomes]), encoding="utf-8")
        fresh.rename(kept)
    return outcomes


def read(value: dict[str, Any]) -> Outcome:
    lists = {name: tuple(map(tuple, value[name])) for name in ("rounds", "injected")}
    return Outcome(**{**value, **lists, "left_out": tuple(value["left_out"])})


def test_what_is_kept_of_a_seed_reads_as_it_was() -> None:
    outcome = run(1_001)
    assert read(json.loads(json.dumps(asdict(outcome)))) == outcome


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
            print(f"seed {outcome.seed}, {members} members, {liars} liars: {outcome.failure}")
    assert not failed
    assert len(outcomes) >= 100


class SkipWithoutNullification(Rules):
    def may_skip(self, view: int, nullified: object) -> bool:
        return True


@pytest.mark.soak
def test_random_seeds_find_that_views_are_skipped_without_nullification():
    scenario = Scenario(liars=1, lies=("fork",), rules=SkipWithoutNullification())
    assert any("disagreement" in simulate(seed, scenario).violation for seed in range(1_000))
