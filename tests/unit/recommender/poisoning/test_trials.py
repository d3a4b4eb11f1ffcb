"""The poisoning suite in small: what one of five members achieves under each sum (R34, R35)."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.poisoning.defences import DEFENCES, limit_drift, plain_sum, shares, vote
from recommender.poisoning.promotion import FakeLearners, Vector
from recommender.poisoning.scene import Attack, cut_learners, send, set_scene
from recommender.poisoning.trials import VECTORS, Homes, by_learners, plans, some_members
from tests.unit.recommender.rows import clusters

ITEMS = 60
ENTRIES = [CatalogueItem(f"item-{number}") for number in range(ITEMS)]
STRONG = Attack(Vector(strength=20.0, bait=ITEMS))


def scene(attackers=(0,), sizes=(48, 250, 350, 400, 500), **more):
    """Five members of one kind; the first has 3 % of the learners."""
    everybody = clusters(1_550, 0, items=ITEMS, groups=6, length=6)
    platforms = cut_learners(everybody, sizes, np.random.default_rng(0))
    return set_scene(platforms, ENTRIES, ("viewed",), attackers=attackers, targets=100, **more)


@pytest.fixture(scope="module")
def five():
    """Members of whom the smallest and the largest honest one are measured, with their mixes."""
    homes = Homes(scene())
    homes.learn("mix", shares, some_members(homes.scene, 2))
    return homes


def effects_of(homes, rounds, defence, targets, mix="mix"):
    members = some_members(homes.scene, 2)
    return by_learners(homes.measure(rounds, defence, targets, members, mix))


def test_a_tuned_attack_promotes_under_the_plain_sum_and_hardly_under_shares(five):
    target, *tuned_on = five.scene.targets(3, 0)
    plain, held = (
        effects_of(
            five, send(five.scene, five.tune(rule, VECTORS[:6], tuned_on, 1, "mix"), target),
            rule, [target],
        )
        for rule in (plain_sum, shares)
    )  # fmt: skip
    nobody = effects_of(five, five.scene.sent, shares, [target])
    assert plain["newcomers"] > 0.5
    assert held["newcomers"] < nobody["newcomers"] + 0.2 * plain["newcomers"]
    assert held["promoted"] < nobody["promoted"] + 0.05


def test_shares_cost_honest_members_little_when_nobody_attacks(five):
    plain, held = (
        effects_of(five, five.scene.sent, rule, [0], mix=None) for rule in (plain_sum, shares)
    )
    assert held["hit_rate"] > 0.97 * plain["hit_rate"]


def test_with_the_mix_kept_the_same_sums_give_the_same_model(five):
    whole, again = (
        effects_of(five, five.scene.sent, shares, five.scene.targets(4, 0), mix)
        for mix in (None, "mix")
    )
    assert whole == again


def test_two_who_collude_are_held_to_their_shares():
    both = Homes(scene(attackers=(0, 1), sizes=(48, 48, 450, 450, 500)))
    both.learn("mix", shares, some_members(both.scene, 2))
    (target,) = both.scene.targets(1, 0)
    attacked = send(both.scene, STRONG, target)
    nobody, free, held = (
        effects_of(both, rounds, rule, [target])["newcomers"]
        for rounds, rule in (
            (both.scene.sent, shares), (attacked, plain_sum), (attacked, shares),
        )
    )  # fmt: skip
    assert held - nobody < 0.5 * (free - nobody)


def test_every_defence_gives_whole_sums_of_the_others(five):
    sums = five.scene.member_sums(send(five.scene, STRONG, 3))
    for name, rule in DEFENCES.items():
        others = rule(sums, 1)
        assert others.dtype == np.int64, name
        assert others.shape == (sums.manifest.cells,), name


def test_a_vote_on_columns_holds_many_pairs_that_a_vote_on_cells_lets_through(five):
    raised = Attack(Vector(strength=2.0, bait=ITEMS))
    sums = five.scene.member_sums(send(five.scene, raised, 3))
    slices = sums.manifest.block_slices["together"]
    row, column = np.triu_indices(ITEMS, 1)
    of_target = (row == 3) | (column == 3)
    by_cells, by_both = (
        vote(sums, 1, columns=columns)[slices][of_target].sum() for columns in (False, True)
    )
    assert by_both < 0.9 * by_cells


@pytest.fixture(scope="module")
def drifting():
    return scene(rounds=3)


def test_rounds_add_up_to_what_the_members_have(drifting):
    assert np.array_equal(drifting.exact.sum(axis=0), drifting.merged.sums.exact)
    assert np.array_equal(drifting.sent.sum(axis=0), drifting.merged.contributions)


def test_a_plan_says_as_much_in_all_rounds_together(drifting):
    (target,) = drifting.targets(1, 0)
    place = drifting.merged.sums.manifest.block_slices["popularity"].start + target
    raise_it = Vector(strength=0.0, bait=1, popularity=3.0)
    gained = [
        (send(drifting, Attack(raise_it, plan), target) - drifting.exact)[:, 0, place]
        for plan in ((), *plans(3))
    ]
    assert len({round(float(each.sum()), -1) for each in gained}) == 1
    assert list(gained[1][:2]) == [0, 0]
    assert (np.diff(gained[2]) > 0).all()


def test_drift_limits_stop_what_comes_at_the_end_and_leave_honest_rounds_alone(drifting):
    (target,) = drifting.targets(1, 0)
    last, _ = plans(3)
    attacked = send(drifting, Attack(Vector(strength=20.0, bait=ITEMS), last), target)
    limited = limit_drift(drifting.member_sums(attacked))
    added = attacked.sum(axis=0)[0] - drifting.exact.sum(axis=0)[0]
    left = limited[0] - drifting.exact.sum(axis=0)[0]
    loudest = added.argmax()
    assert left[loudest] < 0.3 * added[loudest]
    honest = limit_drift(drifting.member_sums(drifting.sent))
    changed = np.abs(honest - drifting.sent.sum(axis=0)).sum(axis=1)
    assert (changed[1:] < 0.1 * np.abs(drifting.sent.sum(axis=0)).sum(axis=1)[1:]).all()


def test_invented_learners_take_the_place_of_real_ones(five):
    sent = send(five.scene, Attack(FakeLearners(3, 6, noise=False)), 5)
    assert not np.array_equal(sent[:, 0], five.scene.sent[:, 0])
    assert np.array_equal(sent[:, 1:], five.scene.sent[:, 1:])


def test_targets_are_unpopular_items_that_somebody_visits(five):
    merged = five.scene.merged.sums
    popularity = merged.exact[:, merged.manifest.block_slices["popularity"]].sum(axis=0)
    for target in five.scene.targets(5, 1):
        assert 0 < popularity[target] <= np.quantile(popularity[popularity > 0], 0.25)


@pytest.mark.soak
def test_no_member_of_the_samples_promotes_past_one_in_twenty():
    import importlib.util  # noqa: PLC0415 - the benchmark is no module of ours
    import sys  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    path = Path(__file__).parents[4] / "benchmarks" / "poisoning.py"
    spec = importlib.util.spec_from_file_location("poisoning_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    for log in ("OULAD BBB", "Canvas Network"):
        record = benchmark.measure_cell((f"{log}, one of four lies", "shares", 0))
        assert len(record["attacks"]) == 6
        assert max(attack["promoted"] for attack in record["attacks"]) < 0.05
