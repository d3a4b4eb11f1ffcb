"""Platforms alone, merged and pooled; rounds on paper."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.comparison import (
    MODES,
    Options,
    compare_for_table,
    compare_platforms,
    count_records,
)
from recommender.comparison_table import EVERYBODY, learner_weighted
from recommender.errors import EvaluationError
from recommender.statistics.sequences import ITEM_VERBS
from recommender.trial import (
    anchors_by_bracket,
    bracket,
    choose_head,
    honest_contributors,
    largest_release,
    privacy_for,
    run_open,
    run_pooled,
    run_secure,
    sum_platforms,
)
from tests.unit.recommender.rows import clusters, interactions

OPTIONS = Options(verbs=ITEM_VERBS, epsilons=(4.0, math.inf), at=(3,), baselines=("popularity",))


@pytest.fixture(scope="module")
def platforms():
    return {
        "small": clusters(60, seed=1),
        "middle": clusters(300, seed=2),
        "other": clusters(400, seed=3),
        "large": clusters(4000, seed=4),
    }


@pytest.fixture(scope="module")
def records(platforms):
    return compare_platforms(platforms, None, replace(OPTIONS, max_targets=300))


def pick(records, platform, mode, **facts):
    found = [
        record
        for record in records
        if record["platform"] == platform
        and record["mode"] == mode
        and record["model"] == facts.get("model", "statistics")
        and all(record.get(name) == value for name, value in facts.items())
    ]
    assert len(found) == 1, found
    return found[0]


def test_there_is_a_record_for_every_platform_mode_and_epsilon(records, platforms):
    seen = [record for record in records if record["platform"] != EVERYBODY]
    assert len(seen) == count_records(len(platforms), OPTIONS)
    keys = {
        tuple(
            record[name] for name in ("platform", "mode", "own_exact", "floor", "epsilon", "model")
        )
        for record in seen
    }
    assert len(keys) == len(seen)
    assert {record["mode"] for record in seen} == set(MODES)


def test_a_small_platform_gains_by_merging_and_a_large_one_loses_little(records):
    alone = pick(records, "small", "local", own_exact=True, floor=True)
    merged = pick(records, "small", "open", own_exact=True, epsilon=4.0)
    assert merged["hit_rate@3"] > alone["hit_rate@3"] + 0.2
    alone = pick(records, "large", "local", own_exact=True, floor=True)
    merged = pick(records, "large", "open", own_exact=True, epsilon=4.0)
    assert merged["hit_rate@3"] >= alone["hit_rate@3"] - 2 * alone["hit_rate@3_se"]


def test_shared_noise_is_less_noise(records):
    shared = pick(records, "small", "secure", own_exact=False, epsilon=4.0)
    assert shared["honest_contributors"] == 3
    assert shared["masks"] == "none"
    assert shared["sigma"] == 5194


def test_records_say_what_they_promise(records):
    record = pick(records, "small", "open", own_exact=True, epsilon=4.0)
    assert record["sigma"] == 5194
    assert record["rho"] == pytest.approx(4096**2 / (2 * 5194**2))
    assert record["sampler"] == "fast"
    assert record["anchors"] == ["large"]
    assert record["ties"] == "set"
    without = pick(records, "small", "open", own_exact=True, epsilon=math.inf)
    assert (without["sigma"], without["rho"], without["sampler"]) == (0, math.inf, "none")


def test_means_are_weighted_by_learners(records, platforms):
    mean = pick(records, EVERYBODY, "local", own_exact=True, floor=True)
    each = [pick(records, name, "local", own_exact=True, floor=True) for name in platforms]
    weights = np.array([len(rows.learner_ids) for rows in platforms.values()], dtype=float)
    weights /= weights.sum()
    expected = sum(w * record["hit_rate@3"] for w, record in zip(weights, each, strict=True))
    assert mean["hit_rate@3"] == pytest.approx(expected)
    spread = sum((w * r["hit_rate@3_se"]) ** 2 for w, r in zip(weights, each, strict=True))
    assert mean["hit_rate@3_se"] == pytest.approx(math.sqrt(spread))
    assert mean["learners"] == 4760
    assert "coverage" not in mean


def test_the_same_seed_gives_the_same_records(platforms):
    options = Options(verbs=ITEM_VERBS, epsilons=(1.0,), modes=("open",), at=(3,), seed=5)
    few = {name: platforms[name] for name in ("small", "middle")}
    assert compare_platforms(few, None, options) == compare_platforms(few, None, options)


def test_the_table_has_its_rows_in_a_readers_order(platforms):
    seen = []
    _, rows = compare_for_table(
        {name: platforms[name] for name in ("small", "middle")}, None, OPTIONS, seen.append
    )
    assert [row.label for row in rows] == [
        "popularity",
        "course order",
        "alone, exact",
        "alone, as it would be served",
        "merged (open), epsilon 4",
        "merged (open), without privacy",
        "pooled, epsilon 4",
        "pooled, without privacy",
    ]
    assert set(rows[0].cells) == {"small", "middle", EVERYBODY}
    assert rows[0].cells["small"].targets == 60
    assert seen


def test_secure_mode_with_three_members_gives_a_reason(platforms):
    few = {name: platforms[name] for name in ("small", "middle", "other")}
    options = Options(verbs=ITEM_VERBS, epsilons=(4.0,), modes=("secure",), at=(3,))
    records = compare_platforms(few, None, options)
    assert len(records) == 3
    assert all("at least 4" in record["error"] for record in records)


def test_what_cannot_be_compared_says_why(platforms):
    with pytest.raises(EvaluationError, match="unknown mode"):
        compare_platforms(platforms, None, replace(OPTIONS, modes=("magic",)))
    with pytest.raises(EvaluationError, match="no platform"):
        compare_platforms({}, None, OPTIONS)
    with pytest.raises(EvaluationError, match="may be called"):
        compare_platforms({EVERYBODY: platforms["small"]}, None, OPTIONS)
    with pytest.raises(EvaluationError, match="epsilon"):
        compare_platforms(platforms, None, replace(OPTIONS, epsilons=(0.0,)))
    with pytest.raises(EvaluationError, match="R15"):
        compare_platforms(platforms, None, replace(OPTIONS, delta=Fraction(1, 1_000)))
    with pytest.raises(EvaluationError, match="platform 'odd'"):
        compare_platforms({"odd": interactions([[0]], 40)}, None, OPTIONS)
    with pytest.raises(EvaluationError, match="in their order"):
        compare_platforms(platforms, [CatalogueItem("x")], OPTIONS)
    with pytest.raises(EvaluationError, match="same items"):
        sum_platforms([clusters(5), clusters(5, items=48)], ITEM_VERBS)


def test_the_largest_release_is_everybody_s_where_all_are_pooled(platforms):
    sizes = [len(rows.learner_ids) for rows in platforms.values()]
    assert largest_release(platforms, ("local", "open")) == max(sizes)
    assert largest_release(platforms, ("pooled",)) == sum(sizes)


def test_records_with_an_error_do_not_enter_the_means():
    assert learner_weighted([{"platform": "a", "mode": "open", "error": "no"}]) == []


def test_a_member_knows_its_own_noise(platforms):
    sums = sum_platforms(list(platforms.values()), ITEM_VERBS)
    merged = run_open(sums, privacy_for(4.0), np.array([False, False, False, True]), seed=0)
    seen = merged.seen_by(1)
    others = seen.total - seen.own - (sums.exact.sum(axis=0) - sums.exact[1])
    assert others.std() == pytest.approx(math.sqrt(3) * 5194, rel=0.05)
    assert seen.others_variance == 3 * 5194**2
    assert np.array_equal(run_pooled(sums, privacy_for(math.inf), 0).total, sums.exact.sum(axis=0))


def test_shares_of_noise_reach_the_promise_with_the_honest_alone(platforms):
    sums = sum_platforms(list(platforms.values()), ITEM_VERBS)
    merged = run_secure(sums, privacy_for(4.0), seed=0)
    assert 3 * merged.variance >= 5194**2
    assert merged.variance == pytest.approx(5194**2 / 3, rel=1e-6)
    assert np.array_equal(merged.rest, merged.total)
    with pytest.raises(EvaluationError, match="at least 4"):
        honest_contributors(3)
    assert [honest_contributors(n) for n in (4, 6, 7, 10)] == [3, 5, 5, 7]


def test_anchors_are_proposed_by_public_brackets():
    assert [bracket(n) for n in (0, 99, 100, 999, 1000)] == [100, 100, 1000, 1000, 10000]
    assert anchors_by_bracket({"a": 60, "b": 240, "c": 1200, "d": 39_729}) == ("d",)
    assert anchors_by_bracket({"a": 500, "b": 600}) == ()


def test_epsilon_four_is_the_manifests_own_noise_and_others_are_calibrated():
    assert privacy_for(4.0).sigma_squared == 5194**2
    assert privacy_for(math.inf).sigma_squared == 0
    assert privacy_for(1.0).sigma_squared > 3.4**2 * 5194**2
    assert privacy_for(4.0, Fraction(1, 1000)).sigma_squared < 5194**2
    with pytest.raises(EvaluationError, match="delta"):
        privacy_for(4.0, Fraction(1))


def test_a_large_catalogue_spends_a_twentieth_on_its_head(monkeypatch):
    log = clusters(500, seed=6)
    monkeypatch.setattr("recommender.trial.MAX_ITEMS", 10)
    privacy = privacy_for(4.0)
    head, left = choose_head([log], ITEM_VERBS, privacy, seed=0)
    assert (head >= 0).sum() == 10
    assert sorted(head[head >= 0].tolist()) == list(range(10))
    spent = 1 / (20 * privacy.sigma_squared) + 1 / left.sigma_squared
    assert spent <= 1 / privacy.sigma_squared
    exact, free = choose_head([log], ITEM_VERBS, privacy_for(math.inf), seed=0)
    assert free.sigma_squared == 0
    chosen = set(np.flatnonzero(exact >= 0).tolist())
    counts = np.bincount(log.item, minlength=40)
    assert counts[list(chosen)].min() >= np.sort(counts)[-10] - 40


def test_a_manifest_of_the_whole_catalogue_is_used_up_to_two_thousand_items(platforms):
    head, left = choose_head([platforms["small"]], ITEM_VERBS, privacy_for(4.0), seed=0)
    assert np.array_equal(head, np.arange(40))
    assert left.sigma_squared == 5194**2
