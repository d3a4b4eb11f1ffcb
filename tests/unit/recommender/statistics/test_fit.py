"""From HEAD and own rows to a serving model."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.errors import ModelError
from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import hit_rate
from recommender.models import StatisticsModel
from recommender.release.manifest import default_manifest
from recommender.release.sum import sum_vectors
from recommender.statistics.fit import align_items, fit_serving, recommendable
from recommender.statistics.merged import MergedSums, estimate, in_learner_units, noised_own
from recommender.statistics.sequences import ITEM_VERBS
from recommender.statistics.text import fit_text
from recommender.trial import privacy_for, run_open, sum_platforms
from tests.unit.recommender.rows import clusters, interactions

HEAD = np.arange(40, dtype=np.int32)


def entries(log, titles=None):
    return [
        CatalogueItem(name, title="" if titles is None else titles[number])
        for number, name in enumerate(log.item_ids)
    ]


def round_of(*logs, epsilon=4.0, anchors=None):
    sums = sum_platforms(logs, ITEM_VERBS)
    mask = np.zeros(len(logs), bool) if anchors is None else np.array(anchors)
    return run_open(sums, privacy_for(epsilon), mask, seed=0)


def found(model, split):
    return float(hit_rate(evaluate(StatisticsModel(model), split, 40), 3).mean())


def test_the_same_inputs_give_the_same_bytes():
    logs = [clusters(200, seed=1), clusters(300, seed=2)]
    merged = round_of(*logs)
    models = [
        fit_serving(
            catalogue=entries(logs[0]), interactions=logs[0], head=HEAD, merged=merged.seen_by(0)
        )
        for _ in range(2)
    ]
    assert models[0].to_bytes() == models[1].to_bytes()


def test_a_small_platform_gains_from_the_others():
    small, large, other = clusters(60, seed=3), clusters(4000, seed=4), clusters(3000, seed=5)
    split = leave_last_out(small, ITEM_VERBS)
    merged = round_of(split.train, large, other)
    fitted = {
        "catalogue": entries(small),
        "interactions": split.train,
        "text": fit_text(entries(small)),
    }
    alone = fit_serving(**fitted)
    joined = fit_serving(**fitted, head=HEAD, merged=merged.seen_by(0))
    assert found(joined, split) > found(alone, split) + 0.3


def test_own_exact_pairs_do_not_reach_what_is_shared_only():
    log = clusters(400, seed=6)
    nobody = interactions([[0, 1]] * 5, 40)
    merged = round_of(log, nobody, epsilon=0.05)  # the release itself says nothing
    model = fit_serving(
        catalogue=entries(log), interactions=log, head=HEAD, merged=merged.seen_by(0)
    )
    shared = model.shared_only()
    assert model.score([0]).parts["local"].any()
    assert not shared.score([0]).parts["local"].any()
    assert not shared.score([0]).parts["own_popularity"].any()
    without = fit_serving(catalogue=entries(log), head=HEAD, merged=merged.seen_by(0))
    assert np.array_equal(shared.merged.weights, without.merged.weights)
    assert np.array_equal(shared.merged_popularity, without.merged_popularity)
    assert shared.digest() == without.shared_only().digest()


def test_a_pair_that_r17_hides_is_served_only_from_what_was_released():
    histories = [[0, 1]] * 9 + [[2, 3]] * 30 + [[4, 5]] * 30
    log = interactions(histories, 40)
    nobody = interactions([[6, 7]] * 5, 40)
    sums = sum_platforms([log, nobody], ITEM_VERBS)
    merged = run_open(sums, privacy_for(4.0), np.zeros(2, bool), seed=0)
    seen = merged.seen_by(0)
    seen.own[:] = 0  # as if nothing of this platform's had been released
    model = fit_serving(
        catalogue=entries(log),
        interactions=log,
        head=HEAD,
        merged=MergedSums(seen.manifest, seen.total * 0, seen.rest * 0, seen.own, 1.0, 1.0),
    )
    assert model.merged.weights[0, 1] == 0
    assert model.local.weights[0, 1] == 0
    assert model.merged.weights[2, 3] > 0
    assert model.local.factual[2, 3]
    assert not model.local.factual[0, 1]


def test_a_factual_merged_pair_is_above_five_noise_sd():
    log = clusters(3000, seed=7)
    merged = round_of(log, clusters(3000, seed=8))
    model = fit_serving(catalogue=entries(log), head=HEAD, merged=merged.seen_by(0))
    manifest = merged.sums.manifest
    cells = in_learner_units(merged.total, manifest, 2 * merged.variance)
    expected = cells.together > 5 * cells.together_sd
    # The cap takes nothing from cells that both members hold alike.
    assert (model.merged.factual.astype(bool) == expected).mean() > 0.99
    assert expected.any()
    assert not expected.all()


def test_an_attacker_cannot_push_an_item_past_the_cap():
    logs = [clusters(2000, seed=number) for number in range(3)]
    sums = sum_platforms([*logs, interactions([[0, 39]] * 3000, 40)], ITEM_VERBS)
    merged = run_open(sums, privacy_for(4.0), np.zeros(4, bool), seed=0)
    trusting = run_open(sums, privacy_for(4.0), np.array([False, False, False, True]), seed=0)

    def rank_of_39(seen):
        model = fit_serving(catalogue=entries(logs[0]), head=HEAD, merged=seen)
        return int((model.score([0]).total > model.score([0]).total[39]).sum())

    assert rank_of_39(trusting.seen_by(0)) == 0
    assert rank_of_39(merged.seen_by(0)) > 3


def test_merged_sums_without_noise_are_taken_as_they_are():
    log = clusters(100, seed=9)
    manifest = default_manifest(40, bytes(32), enrolled_counts=False)
    total = sum_vectors(log, HEAD, manifest, bytes(32))
    own = noised_own(MergedSums(manifest, total, total, total))
    exact = estimate(own)
    assert np.allclose(exact.together, own.together)
    assert np.allclose(exact.direction, own.direction)
    assert np.allclose(exact.together, exact.together.T)
    assert np.allclose(exact.direction, -exact.direction.T)


def test_sums_of_another_manifest_are_refused():
    manifest = default_manifest(40, bytes(32), enrolled_counts=False)
    with pytest.raises(ModelError, match="cells"):
        MergedSums(manifest, np.zeros(3, np.int64), np.zeros(3, np.int64))
    zeros = np.zeros(manifest.cells, np.int64)
    with pytest.raises(ModelError, match="negative"):
        MergedSums(manifest, zeros, zeros, None, -1.0)
    log = clusters(60)
    for head in (HEAD[:39], HEAD + 1, HEAD - 2):
        with pytest.raises(ModelError, match="head"):
            fit_serving(
                catalogue=entries(log), head=head, merged=MergedSums(manifest, zeros, zeros)
            )


def test_items_that_are_not_shared_are_reached_locally_only():
    log = clusters(300, seed=10)
    head = HEAD.copy()
    head[20:] = -1
    merged = round_of(log, clusters(300, seed=11))
    model = fit_serving(
        catalogue=entries(log), interactions=log, head=head, merged=merged.seen_by(0)
    )
    scored = model.score([21])
    assert not scored.parts["merged"].any()
    assert scored.parts["local"].any()


def test_two_runs_of_one_content_share_its_statistics():
    log = clusters(300, seed=12)
    merged = round_of(log, clusters(3000, seed=13))
    catalogue = [*entries(log), CatalogueItem("item-0-again")]
    head = np.append(HEAD, np.int32(0))
    model = fit_serving(catalogue=catalogue, interactions=log, head=head, merged=merged.seen_by(0))
    weights = model.merged.weights
    assert np.array_equal(weights[0, :40], weights[40, :40])
    assert weights[0, 40] == 0
    assert weights[40, 0] == 0


def test_rows_on_items_outside_the_catalogue_are_left_out():
    log = clusters(200)
    aligned = align_items(log, ["item-7", "unknown", "item-3"])
    assert set(aligned.item.tolist()) == {0, 2}
    model = fit_serving(catalogue=entries(log)[:10], interactions=log)
    assert len(model.item_ids) == 10


def test_a_catalogue_that_names_an_item_twice_is_refused():
    with pytest.raises(ModelError, match="twice"):
        fit_serving(catalogue=[CatalogueItem("a"), CatalogueItem("a")])


def test_courses_and_items_are_told_apart():
    catalogue = [CatalogueItem("c", type="course"), CatalogueItem("i", type="page")]
    assert [entry.item for entry in recommendable(catalogue, "items")] == ["i"]
    assert [entry.item for entry in recommendable(catalogue, "courses")] == ["c"]


@pytest.mark.parametrize(
    "histories",
    [[], [[]], [[0]], [[0], [1], [2]], [[0, 1]], [[5]] * 60],
    ids=["nobody", "no rows", "one item", "items of one", "one learner", "all the same item"],
)
def test_next_to_no_data_gives_a_model_that_scores(histories):
    log = interactions(histories, 40)
    model = fit_serving(catalogue=entries(log), interactions=log)
    assert np.isfinite(model.score([0, 5]).total).all()
    floorless = fit_serving(catalogue=entries(log), interactions=log, pair_floor=0, learner_floor=0)
    assert np.isfinite(floorless.score([0, 5]).total).all()


def test_sixty_learners_of_one_item_give_a_popularity_model():
    log = interactions([[5]] * 60, 40)
    model = fit_serving(catalogue=entries(log), interactions=log)
    assert int(model.score([]).total.argmax()) == 5


def test_an_empty_catalogue_gives_an_empty_model():
    model = fit_serving(catalogue=[], interactions=clusters(60))
    assert model.score([]).total.shape == (0,)
    one = fit_serving(catalogue=[CatalogueItem("only")])
    assert one.score([0]).total.tolist() == [0.0]


@pytest.mark.parametrize("title", ["", "the same words", " ", "<p></p>", "\U0001f600"])
def test_equal_or_missing_texts_say_nothing_and_break_nothing(title):
    log = clusters(100)
    model = fit_serving(catalogue=entries(log, [title] * 40), interactions=log)
    text = model.score([0]).parts["text"]
    assert np.isfinite(text).all()
    assert np.unique(text[1:]).size == 1


def test_alike_texts_are_nearer_and_a_publisher_adds_a_little():
    titles = ["Cell biology 1", "Cell biology 2", "Medieval history 1", "Medieval history 2"]
    catalogue = [CatalogueItem(title, title=title) for title in titles]
    part = fit_text(catalogue)
    assert part.neighbours[0, 0] == 1
    assert part.neighbours[3, 0] == 2
    published = [
        CatalogueItem(name, publisher=publisher)
        for name, publisher in (("a", "X"), ("b", "Y"), ("c", "X"), ("d", ""), ("e", ""))
    ]
    part = fit_text(published)
    assert part.neighbours[0, 0] == 2
    assert part.weights[0, 0] == pytest.approx(0.1)
    assert not part.weights[3].any()
    assert fit_text(catalogue, neighbours=2).weights.shape == (4, 2)
