"""The mix of parts: its likelihood, how it is drawn to the default, how it holds against junk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.evaluation import figures, leave_last_out
from recommender.models import StatisticsModel
from recommender.statistics.blend import DEFAULT_BLEND
from recommender.statistics.fit import fit_mixed, fit_serving
from recommender.statistics.holdout import hold_out
from recommender.statistics.local import own_statistics
from recommender.statistics.mix import (
    Candidates,
    _Trial,
    fit_weights,
    places_of,
    softmax_likelihood,
)
from recommender.statistics.ridge import MEMORIES, REGULARISATION, ridge_weights
from recommender.statistics.sequences import from_lists
from recommender.statistics.serving_parts import TextPart
from recommender.trial import privacy_for, run_open, sum_platforms
from tests.unit.recommender.rows import clusters, interactions

VERBS = ("viewed",)
ITEMS = 40


def entries():
    return [CatalogueItem(f"item-{number}") for number in range(ITEMS)]


def candidates(seed=0, targets=5):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 6, targets)
    start = np.concatenate([[0], np.cumsum(lengths)])
    share = np.zeros(start[-1])
    share[start[:-1]] = 0.5
    share[start[:-1] + 1] = 0.5
    return Candidates(start, rng.random((int(start[-1]), 5)), share)


def test_the_likelihood_is_that_of_a_softmax_over_each_target_s_candidates() -> None:
    given, weights = candidates(), np.array([3.0, 2.0, 1.0, 0.5, 0.1])
    said, _ = softmax_likelihood(given, weights)
    for target, value in enumerate(said):
        here = slice(given.start[target], given.start[target + 1])
        total = given.scores[here] @ weights
        chance = np.exp(total) / np.exp(total).sum()
        assert value == pytest.approx(float((np.log(chance) * given.share[here]).sum()))


def test_the_gradient_is_that_of_the_likelihood() -> None:
    given, weights = candidates(), np.array([3.0, 2.0, 1.0, 0.5, 0.1])
    _, gradient = softmax_likelihood(given, weights)
    for part in range(5):
        step = np.zeros(5)
        step[part] = 1e-5
        up, down = (softmax_likelihood(given, weights + way * step)[0].sum() for way in (1, -1))
        assert gradient[part] == pytest.approx((up - down) / 2e-5, rel=1e-4)


def trial(likelihood, first):
    """Hundred targets of two candidates; the held-out one is first or second."""
    scores = np.where(first, 1.0, -1.0).repeat(2)[:, None]
    scores[1::2] = 0.0
    start = np.arange(0, 201, 2)
    given = Candidates(start, scores, np.tile([1.0, 0.0], 100))
    return _Trial((0.0, 0.0), None, given, np.ones(1), likelihood)


@pytest.mark.parametrize(
    ("likelier", "lost", "won", "taken"),
    [
        (1.5, 10, 10, True),
        (1.5, 11, 10, False),
        (2.5, 11, 10, True),
        (2.5, 20, 5, False),
        (0.5, 0, 20, False),
    ],
)
def test_what_is_clearly_likelier_may_rank_a_little_lower(likelier, lost, won, taken) -> None:
    at = np.arange(100)
    gained = np.where(at % 2 == 0, 1.0, -1.0) + likelier / 10  # of mean error .1
    one, other = trial(gained, at >= lost), trial(np.zeros(100), at < 100 - won)
    assert one.clearly_beats(other) is taken


def test_few_hold_outs_move_the_weights_less_than_many() -> None:
    few, many = candidates(targets=4), candidates(targets=400)
    start = np.ones(5)
    moved = [np.abs(np.log(fit_weights(one, start))).max() for one in (few, many)]
    assert moved[0] < moved[1]


def test_a_part_of_no_weight_stays_without() -> None:
    assert fit_weights(candidates(), np.array([0.0, 1.0, 1.0, 1.0, 1.0]))[0] == 0.0


def test_a_hold_out_takes_the_whole_last_moment_where_something_stays_known() -> None:
    log = interactions([[0, 1, 2, 3], [4, 5], [6]], 7, times=[[0, 1, 2, 2], [3, 3], [0]])
    held = hold_out(log, VERBS)
    assert held.known.items.tolist()[:2] == [0, 1]
    assert sorted(held.targets.history(0).tolist()) == [2, 3]
    assert held.targets.lengths().tolist() == [2, 1]
    assert held.remaining.lengths().tolist() == [2, 1, 1]
    alone = hold_out(log, VERBS, ties="one")
    assert alone.targets.lengths().tolist() == [1, 1]


def test_a_hold_out_is_of_so_many_learners_at_most_and_always_of_the_same() -> None:
    log = clusters(60)
    held = hold_out(log, VERBS, most=10)
    assert len(held.known) == len(held.targets) == 10
    assert held.remaining.items.size == held.remaining.start[-1] == 60 * 4 - 10
    again = hold_out(log, VERBS, most=10)
    assert np.array_equal(held.targets.items, again.targets.items)


def test_the_ridge_is_the_closed_form_over_positions() -> None:
    histories = [[0, 1, 2], [1, 2, 0], [0, 2], [2, 1]] * 3
    own = own_statistics(from_lists(histories), 3, pair_floor=0, learner_floor=0)
    assert own is not None
    gram, cross = REGULARISATION * np.eye(3), np.zeros((3, 3))
    for history in histories:
        for place in range(len(history) - 1):
            before, after = np.zeros(3), np.zeros(3)
            for age, item in enumerate(reversed(history[: place + 1])):
                before[item] = MEMORIES[0] ** age
            for delay, item in enumerate(history[place + 1 :]):
                after[item] = 0.7**delay
            gram += np.outer(before, before)
            cross += np.outer(before, after)
    np.fill_diagonal(cross, 0.0)
    expected = np.sqrt(np.maximum(np.linalg.solve(gram, cross), 0.0))
    np.fill_diagonal(expected, 0.0)
    assert np.allclose(ridge_weights(from_lists(histories), own), expected, atol=1e-5)


def test_a_pair_below_the_floor_has_no_ridge_weight() -> None:
    histories = [[0, 1]] * 12 + [[2, 3]] * 9
    own = own_statistics(from_lists(histories), 4, learner_floor=0)
    assert own is not None
    weights = ridge_weights(from_lists(histories), own)
    assert weights[0, 1] > 0
    assert (weights[2:] == 0).all()


@pytest.mark.parametrize("history", [[], [1], [1, 0]])
def test_the_ridge_of_hardly_anything_is_finite(history) -> None:
    own = own_statistics(from_lists([[0, 1, 2]] * 3), 3, pair_floor=0, learner_floor=0)
    assert own is not None
    assert np.isfinite(ridge_weights(from_lists([history]), own)).all()


def test_a_platform_of_many_learners_holds_out_a_quarter_of_them() -> None:
    assert len(hold_out(clusters(2400), VERBS).known) == 600
    assert len(hold_out(clusters(300), VERBS).known) == 300


def test_below_thirty_hold_outs_the_default_stays() -> None:
    _, mix = fit_mixed(
        catalogue=entries(), interactions=clusters(29), verbs=VERBS, learner_floor=0, pair_floor=0
    )
    assert not mix.fitted
    assert mix.weights == mix.default


def test_below_the_floor_of_learners_nothing_is_fitted() -> None:
    _, mix = fit_mixed(catalogue=entries(), interactions=clusters(49), verbs=VERBS)
    assert not mix.fitted


def test_without_a_fit_the_model_is_the_default_one() -> None:
    log = clusters(40)
    given = {"catalogue": entries(), "interactions": log, "verbs": VERBS}
    assert fit_mixed(**given)[0].digest() == fit_serving(**given).digest()


def test_the_same_rows_give_the_same_model_and_mix() -> None:
    given = {"catalogue": entries(), "interactions": clusters(150), "verbs": VERBS}
    (first, one), (second, two) = fit_mixed(**given), fit_mixed(**given)
    assert one.fitted
    assert first.digest() == second.digest()
    assert one == two


def junk_merge(seed=0):
    """Two platforms' sums, the second's with its items permuted: what a careless member sends."""
    mine, theirs = clusters(80, seed=seed), clusters(6000, seed=seed + 1)
    order = np.random.default_rng(seed).permutation(ITEMS).astype(np.int32)
    junk = replace(theirs, item=order[theirs.item])
    split = leave_last_out(mine, VERBS)
    sums = sum_platforms([split.train, junk], VERBS)
    seen = run_open(sums, privacy_for(4.0), np.array([True, True]), seed).seen_by(0)
    return split, seen


def found(model, split):
    return figures(StatisticsModel(model), split, ITEMS, (5,))["ndcg@5"]


def test_a_junk_merge_loses_its_weight_and_the_fitted_mix_holds_what_the_platform_has_alone() -> (
    None
):
    split, seen = junk_merge()
    given = {
        "catalogue": entries(),
        "interactions": split.train,
        "verbs": VERBS,
        "pair_floor": 0,
    }
    head = np.arange(ITEMS, dtype=np.int32)
    alone = found(fit_serving(**given), split)
    default = found(fit_serving(**given, head=head, merged=seen), split)
    model, mix = fit_mixed(**given, head=head, merged=seen)
    fitted = found(model, split)
    assert default < alone - 0.2
    assert fitted > alone - 0.05
    assert mix.weights["merged"] < 0.6 * DEFAULT_BLEND["merged"]


def test_junk_texts_lose_their_weight() -> None:
    split = leave_last_out(clusters(400), VERBS)
    rng = np.random.default_rng(3)
    wrong = np.stack([rng.permutation(ITEMS)[:10] for _ in range(ITEMS)]).astype(np.int32)
    text = TextPart(wrong, np.full(wrong.shape, 0.9, dtype=np.float32))
    _, mix = fit_mixed(
        catalogue=entries(), interactions=split.train, verbs=VERBS, pair_floor=0, text=text
    )
    assert mix.weights["text"] < 0.65 * DEFAULT_BLEND["text"]


def test_where_only_the_last_item_matters_the_memory_becomes_short() -> None:
    rng = np.random.default_rng(5)
    follows = rng.permuted(np.tile(np.arange(ITEMS), (ITEMS, 1)), axis=1)[:, :3]
    histories = []
    for _ in range(500):
        walk = [int(rng.integers(ITEMS))]
        for _ in range(12):
            fresh = [int(item) for item in follows[walk[-1]] if item not in walk]
            if not fresh:
                break
            walk.append(fresh[int(rng.integers(len(fresh)))])
        histories.append(walk)
    _, mix = fit_mixed(
        catalogue=entries(), interactions=interactions(histories, ITEMS), verbs=VERBS, pair_floor=0
    )
    assert mix.decay <= 0.5


def test_a_part_that_says_nothing_takes_no_candidate_from_the_others() -> None:
    log = clusters(120)
    model = fit_serving(catalogue=entries(), interactions=log, verbs=VERBS, pair_floor=0)
    held = hold_out(log, VERBS)
    target, item, share = places_of(model, held)
    assert not model.text.weights.any()  # a part that is all zero comes after own pairs
    for number in range(len(held.known)):
        of_target = set(item[target == number].tolist())
        known = held.known.history(number)
        spoken = np.flatnonzero(model.score(known.astype(np.int64)).parts["local"] > 0)
        assert set(spoken.tolist()) - set(known.tolist()) <= of_target
        assert share[target == number].sum() == pytest.approx(1.0)
