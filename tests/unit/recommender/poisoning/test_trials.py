"""The poisoning suite in small: what one of five members achieves under each sum (R34, R35)."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.poisoning.defences import DEFENCES, plain_sum, shares
from recommender.poisoning.promotion import FakeLearners, Vector
from recommender.poisoning.trials import (
    VECTORS,
    by_learners,
    cut_learners,
    measure,
    send,
    set_scene,
    tune,
)
from tests.unit.recommender.rows import clusters

ITEMS = 60
ENTRIES = [CatalogueItem(f"item-{number}") for number in range(ITEMS)]
STRONG = Vector(strength=20.0, bait=ITEMS)


def scene(attackers=(0,), sizes=(48, 250, 350, 400, 500), **more):
    """Five members of one kind; the first has 3 % of the learners."""
    everybody = clusters(1_550, 0, items=ITEMS, groups=6, length=6)
    platforms = cut_learners(everybody, sizes, np.random.default_rng(0))
    return set_scene(platforms, ENTRIES, ("viewed",), attackers=attackers, targets=100, **more)


@pytest.fixture(scope="module")
def five():
    return scene()


def promoted(scene, attack, defence, target):
    return by_learners(measure(scene, send(scene, attack, target), defence, target))


def test_a_tuned_attack_promotes_under_the_plain_sum_and_hardly_under_shares(five):
    tuned_on, target = map(int, five.targets(2, 0))
    best = {
        name: tune(five, rule, VECTORS[:6], tuned_on, 1)
        for name, rule in (("plain", plain_sum), ("shares", shares))
    }
    plain = promoted(five, best["plain"], plain_sum, target)
    held = promoted(five, best["shares"], shares, target)
    nobody = by_learners(measure(five, five.merged.contributions, shares, target))
    assert plain["newcomers"] > 0.5
    assert held["newcomers"] < nobody["newcomers"] + 0.2 * plain["newcomers"]
    assert held["promoted"] < nobody["promoted"] + 0.05


def test_shares_cost_honest_members_little_when_nobody_attacks(five):
    target = int(five.targets(1, 0)[0])
    plain, held = (
        by_learners(measure(five, five.merged.contributions, rule, target))
        for rule in (plain_sum, shares)
    )
    assert held["hit_rate"] > 0.97 * plain["hit_rate"]


def test_two_who_collude_are_held_to_their_shares():
    both = scene(attackers=(0, 1), sizes=(48, 48, 450, 450, 500))
    target = int(both.targets(1, 0)[0])
    nobody = by_learners(measure(both, both.merged.contributions, shares, target))
    free = promoted(both, STRONG, plain_sum, target)
    held = promoted(both, STRONG, shares, target)
    assert held["newcomers"] - nobody["newcomers"] < 0.5 * (free["newcomers"] - nobody["newcomers"])


def test_every_defence_gives_whole_sums_of_the_others(five):
    sums = send(five, STRONG, 3)
    for rule in DEFENCES.values():
        effects = measure(five, sums, rule, 3, [1])
        assert effects[0].learners == 250
        assert 0.0 <= effects[0].promoted <= 1.0


def test_over_several_rounds_the_attack_is_repeated_in_each():
    often = scene(releases=3)
    once, target = scene(), int(often.targets(1, 0)[0])
    place = once.merged.sums.manifest.block_slices["popularity"].start + target
    raise_it = Vector(strength=0.0, bait=1, popularity=5.0)
    weight = 1_220
    gained = [
        send(each, raise_it, target)[0, place] - each.merged.sums.exact[0, place]
        for each in (once, often)
    ]
    assert gained[1] - gained[0] == pytest.approx(2 * 5 * weight, rel=0.1)


def test_invented_learners_take_the_place_of_real_ones(five):
    sent = send(five, FakeLearners(3, 6, noise=False), 5)
    assert not np.array_equal(sent[0], five.merged.contributions[0])
    assert np.array_equal(sent[1:], five.merged.contributions[1:])


def test_targets_are_unpopular_items_that_somebody_visits(five):
    popularity = five.merged.sums.exact[
        :, five.merged.sums.manifest.block_slices["popularity"]
    ].sum(axis=0)
    for target in five.targets(5, 1):
        assert 0 < popularity[target] <= np.quantile(popularity[popularity > 0], 0.25)


@pytest.mark.soak
def test_no_member_of_the_sample_promotes_past_one_in_twenty():
    import importlib.util  # noqa: PLC0415 - the benchmark is no module of ours
    from pathlib import Path  # noqa: PLC0415

    path = Path(__file__).parents[4] / "benchmarks" / "poisoning.py"
    spec = importlib.util.spec_from_file_location("poisoning_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    records = list(benchmark.run_scene("OULAD BBB, four platforms", 1))
    held = [r for r in records if r["defence"] == "shares" and r["attack"] != "nobody"]
    assert len(held) == 6
    assert max(record["promoted"] for record in held) < 0.05
