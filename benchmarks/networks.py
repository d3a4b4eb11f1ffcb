"""What do networks find beside the statistics, at the same privacy, and does a re-ranker pay?

Usage: python benchmarks/networks.py [--seeds 1] [--targets 5000] [--models NAME,...] [--reranker]

The sample's four platforms in one place (41,229 learners, 238 courses), one item held out per
learner, ties within a quarter drawn by the seed. One JSON line a model and epsilon. With
--reranker, Dogwood alone: the decision on its own hold-out, then the held-out items.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import math
import time
from typing import TYPE_CHECKING

from recommender_statistics import VERBS, read_sample

from recommender.comparison_network import pool_learners
from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import hit_rate, ndcg, standard_error
from recommender.models import BASELINES, StatisticsModel, Training, fit_model
from recommender.network.reranker import (
    WEIGHTS,
    decide_reranker,
    fit_reranker,
    with_reranker,
)
from recommender.statistics.fit import align_items, fit_mixed
from recommender.statistics.sequences import build_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.evaluation import Scorer, Split
    from recommender.interactions import Interactions
    from recommender.statistics.serving_model import ServingModel

MODELS = "popularity,item-knn,ease,gru4rec,sasrec,network,statistics"
EPSILONS = (4.0, 1.0, math.inf)


def measure(
    split: Split, scorer: Scorer, items: int
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Hit rate and NDCG at 10 with standard errors."""
    outcome = evaluate(scorer, split, items)
    hits, gains = hit_rate(outcome, 10), ndcg(outcome, 10)
    return hits, {
        "hit_rate@10": round(float(hits.mean()), 4),
        "hit_rate@10_se": round(standard_error(hits), 4),
        "ndcg@10": round(float(gains.mean()), 4),
    }


def compare_models(
    sets: dict[str, Interactions],
    entries: list[CatalogueItem],
    names: Sequence[str],
    seed: int,
    targets: int,
) -> None:
    """One line a model and epsilon, on all learners in one place."""
    rows = pool_learners(list(sets.values()))
    whole = leave_last_out(rows, VERBS, ties="one", seed=seed)
    split = whole.sample(targets, seed)
    for name in names:
        for epsilon in (math.inf,) if name in BASELINES else EPSILONS:
            began = time.perf_counter()
            model = fit_model(name, Training(split.train, VERBS, entries, epsilon, seed=seed))
            seconds = time.perf_counter() - began
            _, figures = measure(split, model, len(entries))
            facts = getattr(model, "privacy", {})
            shown = {key: facts[key] for key in ("sigma", "sample_rate", "steps") if key in facts}
            line = {"model": name, "epsilon": str(epsilon), "seed": seed, **figures, **shown}
            cost = {"parameters": model.parameters, "train_seconds": round(seconds, 1)}
            print(json.dumps({**line, **cost}), flush=True)


def try_reranker(
    sets: dict[str, Interactions], entries: list[CatalogueItem], seed: int, targets: int
) -> None:
    """One line: what the hold-out says, and what the held-out items say."""

    def fit_base(rows: Interactions) -> ServingModel:
        return fit_mixed(catalogue=entries, interactions=rows, verbs=VERBS, ties="one")[0]

    split = leave_last_out(sets["Dogwood"], VERBS, ties="one", seed=seed).sample(targets, seed)
    rows = align_items(split.train, [entry.item for entry in entries])
    decision = decide_reranker(rows, VERBS, fit_base, ties="one", seed=seed)
    base = fit_base(rows)
    before, figures = measure(split, StatisticsModel(base), len(entries))
    line: dict[str, object] = {"reranker": decision.reason, "seed": seed, "without": figures}
    reranker = fit_reranker(build_sequences(rows, VERBS), base.local, seed)
    for weight in (decision.weight,) if decision.weight else WEIGHTS:
        model = StatisticsModel(with_reranker(base, reranker, weight))
        after, figures = measure(split, model, len(entries))
        change = after - before
        line[f"weight {weight:g}"] = {
            **figures,
            "gain": round(float(change.mean() / before.mean()), 4),
            "gain_se": round(standard_error(change) / float(before.mean()), 4),
        }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Print one JSON line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--targets", type=int, default=5000)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--reranker", action="store_true")
    args = parser.parse_args()
    sets, entries = read_sample()
    for seed in range(args.seeds):
        if args.reranker:
            try_reranker(sets, entries, seed, args.targets)
        else:
            compare_models(sets, entries, args.models.split(","), seed, args.targets)


if __name__ == "__main__":
    main()
