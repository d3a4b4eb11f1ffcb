"""What is known about a pair before its cell is looked at; the fit with and without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.statistics.covariates import (
    PairContext,
    denoise_pairs,
    pair_context,
    pair_features,
)
from recommender.statistics.deconvolution import denoise
from recommender.statistics.text import fit_text

ITEMS = 64


def blocks(seed=0, sd=1.4):
    """Items in groups that share text, pairs inside a group only; truth, noised, context."""
    rng = np.random.default_rng(seed)
    group = np.arange(ITEMS) % 8
    same = group[:, None] == group[None, :]
    truth = np.where(same, rng.gamma(3.0, 1.2, (ITEMS, ITEMS)), 0.0)
    truth = np.triu(truth, 1)
    noise = np.triu(sd * rng.normal(size=truth.shape), 1)
    text = (same & ~np.eye(ITEMS, dtype=bool)).astype(np.float32)
    context = PairContext(text, np.ones(ITEMS, dtype=bool), group)
    return truth + truth.T, truth + truth.T + noise + noise.T, context


def everything():
    return np.ones(ITEMS * (ITEMS - 1) // 2, dtype=bool)


def test_features_of_likeness_bring_the_estimates_of_pairs_nearer_to_the_truth() -> None:
    truth, seen, context = blocks()
    upper = np.triu(np.ones(truth.shape, dtype=bool), 1)
    popularity = np.full(ITEMS, 20.0)
    plain = denoise_pairs(seen, popularity, 1.4, everything(), None)
    found = denoise_pairs(seen, popularity, 1.4, everything(), context)
    assert np.mean((found - truth[upper]) ** 2) < 0.8 * np.mean((plain - truth[upper]) ** 2)


def test_without_a_context_pairs_are_denoised_plainly() -> None:
    _, seen, _ = blocks()
    upper = np.triu(np.ones(seen.shape, dtype=bool), 1)
    plain = denoise_pairs(seen, np.ones(ITEMS), 1.4, everything(), None)
    assert np.array_equal(plain, denoise(seen[upper], 1.4))


def test_without_noise_nothing_is_learned() -> None:
    truth, _, context = blocks()
    upper = np.triu(np.ones(truth.shape, dtype=bool), 1)
    found = denoise_pairs(truth, np.ones(ITEMS), 0.0, everything(), context)
    assert np.array_equal(found, truth[upper])


def test_cells_that_are_not_chosen_become_zero() -> None:
    _, seen, context = blocks()
    chosen = everything()
    chosen[::2] = False
    found = denoise_pairs(seen, np.full(ITEMS, 20.0), 1.4, chosen, context)
    assert (found[~chosen] == 0).all()
    assert (found[chosen] > 0).any()


def test_a_cell_is_in_none_of_its_own_features() -> None:
    rng = np.random.default_rng(4)
    known = np.abs(rng.normal(size=(ITEMS, ITEMS))).astype(np.float32)
    known = np.triu(known, 1) + np.triu(known, 1).T
    _, _, context = blocks()
    changed = known.copy()
    changed[0, 1] = changed[1, 0] = 3.0 * known[0, 1] + 1.0  # still a pair, so no count changes
    popularity = rng.random(ITEMS) * 30
    before = _raw(known, popularity, context)
    after = _raw(changed, popularity, context)
    assert np.allclose(before[0], after[0], atol=1e-5)
    assert not np.allclose(before, after, atol=1e-3)


def _raw(known, popularity, context):
    """Features before they are standardised over all cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "recommender.statistics.covariates._standardised", lambda column: column * 1.0
        )
        return pair_features(known, popularity, context)


def test_own_exact_pairs_are_a_feature_only_where_the_context_holds_them() -> None:
    truth, _, context = blocks()
    known = truth.astype(np.float32)
    without = pair_features(known, np.ones(ITEMS), context)
    home = pair_features(known, np.ones(ITEMS), replace(context, own=truth))
    assert home.shape[1] == without.shape[1] + 1
    assert np.array_equal(home[:, :-1], without)


def test_features_are_finite_where_nothing_is_known() -> None:
    context = PairContext(
        np.zeros((3, 3), np.float32), np.zeros(3, dtype=bool), np.full(3, -1, dtype=np.int64)
    )
    features = pair_features(np.zeros((3, 3), np.float32), np.zeros(3), context)
    assert features.shape == (3, 11)
    assert (features == 0).all()


def test_texts_and_publishers_are_laid_out_over_the_head() -> None:
    catalogue = [
        CatalogueItem("a", "Cells and tissue of animals", publisher="P"),
        CatalogueItem("b", "Cells and tissue of plants", publisher="P"),
        CatalogueItem("not shared", "Cells and tissue of fungi"),
        CatalogueItem("c"),
    ]
    head = np.array([2, 0, -1, 1], dtype=np.int32)
    context = pair_context(catalogue, fit_text(catalogue), head, 4)
    assert context.has_text.tolist() == [True, False, True, False]
    assert context.publisher.tolist() == [0, -1, 0, -1]
    assert context.text[0, 2] > 0
    assert np.array_equal(context.text, context.text.T)
    assert context.text[3].sum() == 0


SCRIPT = """
import sys

class Missing:  # finds what is not installed, so that importing it fails
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(name)

if sys.argv[1] == "blocked":
    sys.meta_path.insert(0, Missing())
from recommender.models import Training, fit_statistics
from tests.unit.recommender.rows import clusters
model = fit_statistics(
    Training(clusters(400, items=64), ("viewed",), epsilon=8.0, prior=sys.argv[2])
)
print(model.model.digest(), "torch" in sys.modules)
"""


def test_where_torch_is_missing_the_fit_falls_back_to_plain_deconvolution() -> None:
    blocked = _fit_in_a_process("blocked", "network")
    assert blocked == _fit_in_a_process("blocked", "none")
    assert blocked[1] == "False"


def _fit_in_a_process(*arguments):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[4],
    )
    return run.stdout.split()


def test_without_a_network_pairs_of_popular_items_have_a_prior_of_their_own():
    """Popular items go together, others never: noise on those must not be taken for pairs."""
    rng = np.random.default_rng(3)
    size, popular, sd = 60, 14, 4.0
    truth = np.zeros((size, size))
    truth[:popular, :popular] = 10.0
    np.fill_diagonal(truth, 0.0)
    noise = np.triu(rng.normal(0.0, sd, (size, size)), 1)
    popularity = np.where(np.arange(size) < popular, 200.0, 5.0)
    upper = np.triu(np.ones((size, size), dtype=bool), 1)
    everything = np.ones(int(upper.sum()), dtype=bool)

    def error(known):
        found = denoise_pairs(truth + noise + noise.T, known, sd, everything, None)
        return float(np.square(found - truth[upper]).mean())

    assert error(popularity) < 0.6 * error(np.ones(size))
