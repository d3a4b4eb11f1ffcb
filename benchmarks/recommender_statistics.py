"""How long do statistics, a fit and a score take, and what does merging give on the sample?

Usage: python benchmarks/recommender_statistics.py [--seeds 3] [--targets 5000]

One run, one core. Times are given beside a plain scipy product of the same data (the item-item
Gram matrix of Dogwood's learners), so that runs on different machines can be compared by ratio.
The figures of the comparison are those of `murmuration compare` on the sample, one line a seed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import argparse
import csv
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from platform_adapters.training_sets import build_interactions, verbs_for
from recommender.baselines.histories import weighted_rows
from recommender.catalogue import CatalogueItem
from recommender.comparison import Options, compare_for_table
from recommender.statistics.fit import align_items, fit_serving
from recommender.statistics.sequences import build_sequences
from recommender.trial import privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.interactions import Interactions
    from recommender.statistics.serving_model import ServingModel

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples" / "canvas_network_four_platforms"
LOGS = {"alder": "xapi", "birch": "canvas", "cedar": "openedx", "dogwood": "moodle"}
VERBS = verbs_for("courses")


def read_sample() -> tuple[dict[str, Interactions], list[CatalogueItem]]:
    """The four platforms over the shared catalogue, and its entries."""
    with (SAMPLE / "shared_catalogue.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    entries = [
        CatalogueItem(row["content_key"], row["title"], row["description"], type="course")
        for row in rows
    ]
    keys = [entry.item for entry in entries]
    sets = {}
    for name, adapter_name in LOGS.items():
        adapter, paths = ADAPTERS[adapter_name], sorted((SAMPLE / name).iterdir())
        found = convert(
            adapter, paths, AdaptOptions(platform=name), Pseudonymiser(bytes(32)), ImportReport()
        )
        log = build_interactions(found, level="courses", verbs=VERBS)
        listed = [e for path in adapter.catalogues(paths) for e in adapter.read_catalogue(path)]
        key = {entry.item: entry.content_key for entry in listed}
        shared = replace(log, item_ids=tuple(key.get(item, item) for item in log.item_ids))
        sets[name.capitalize()] = align_items(shared, keys)
    return sets, entries


def median_seconds(call: Callable[[], object], repeat: int) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def time_steps(sets: dict[str, Interactions], entries: list[CatalogueItem]) -> dict[str, object]:
    """Times of the steps of a round on Dogwood, as milliseconds and as ratios to the Gram."""
    items, dogwood = len(entries), sets["Dogwood"]
    sequences = build_sequences(dogwood, VERBS)
    rows = weighted_rows(sequences, items)
    sums = sum_platforms(list(sets.values()), VERBS)
    anchors = np.array([name == "Dogwood" for name in sets])
    seen = run_open(sums, privacy_for(4.0), anchors, seed=0).seen_by(3)
    head = np.arange(items, dtype=np.int32)

    def multiply() -> object:
        return (rows.T @ rows).toarray()

    def fit() -> ServingModel:
        return fit_serving(
            catalogue=entries, interactions=dogwood, verbs=VERBS, head=head, merged=seen
        )

    model = fit()
    history = sequences.history(int(np.argmax(sequences.lengths())))[-10:].astype(np.int64)
    gram = median_seconds(multiply, 9)
    release = median_seconds(lambda: sum_platforms([dogwood], VERBS), 5)
    fitted = median_seconds(fit, 5)
    score = median_seconds(lambda: model.score(history), 2000)
    explain = median_seconds(lambda: model.explain(history, 0), 2000)
    return {
        "what": "times",
        "learners": len(dogwood.learner_ids),
        "items": items,
        "gram_ms": round(1e3 * gram, 2),
        "release_sums_ms": round(1e3 * release, 2),
        "fit_ms": round(1e3 * fitted, 2),
        "score_p50_us": round(1e6 * score, 1),
        "explain_p50_us": round(1e6 * explain, 1),
        "release_sums_per_gram": round(release / gram, 2),
        "fit_per_gram": round(fitted / gram, 2),
    }


def main() -> None:
    """Measure and print one JSON line for the times and one for each seed's table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--targets", type=int, default=5000)
    args = parser.parse_args()
    where = {"python": platform.python_version(), "machine": platform.machine()}
    sets, entries = read_sample()
    print(json.dumps({**time_steps(sets, entries), **where}), flush=True)
    for seed in range(args.seeds):
        options = Options(VERBS, ties="one", at=(10,), seed=seed, max_targets=args.targets)
        began = time.perf_counter()
        _, table = compare_for_table(sets, entries, options)
        record = {
            "what": "hit_rate@10, ties one",
            "seed": seed,
            "seconds": round(time.perf_counter() - began, 1),
            "rows": {
                row.label: {
                    name: [round(cell.value, 4), round(cell.standard_error, 4), cell.targets]
                    for name, cell in row.cells.items()
                }
                for row in table
            },
        }
        print(json.dumps({**record, **where}), flush=True)


if __name__ == "__main__":
    main()
