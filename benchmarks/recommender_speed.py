"""Time and memory of a release, a fit and a score, on synthetic logs with Zipf's popularity.

Usage: python benchmarks/recommender_speed.py [--only NAME] [--rows 1000000]

Each measurement runs in a process of its own, one thread, and prints one JSON line with its wall
seconds, the CPU seconds of the whole process and its peak memory. Sums are given as a ratio to one
bare scipy product of the same learners' rows (items x items), measured in the same process, so that
machines can be compared.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import multiprocessing
import platform
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from recommender.catalogue import CatalogueItem
from recommender.interactions import Interactions
from recommender.release.contribution import make_contribution
from recommender.release.manifest import default_manifest
from recommender.release.noise import ExactNoise
from recommender.release.sum import sum_vectors
from recommender.statistics.fit import fit_mixed
from recommender.statistics.sequences import ITEM_VERBS
from recommender.trial import privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.statistics.serving_model import ServingModel

HEAD = 2_000
EXPONENT = 0.8
DIGEST = bytes(32)
WORDS = 3_000


def synthetic(rows: int, learners: int, items: int, *, days: bool, seed: int = 0) -> Interactions:
    """Interactions with Zipf's popularity; with `days`, time is known by day only."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, items + 1) ** EXPONENT
    item = rng.choice(items, rows, p=weight / weight.sum()).astype(np.int32)
    timestamp = 86_400 * rng.integers(0, 100, rows) if days else rng.integers(0, 10**8, rows)
    return Interactions(
        learner_ids=tuple(f"lp1_{number:08d}" for number in range(learners)),
        item_ids=tuple(f"item-{number:05d}" for number in range(items)),
        learner=rng.integers(0, learners, rows).astype(np.int32),
        item=item,
        timestamp=timestamp.astype(np.int64),
        order=np.zeros(rows, dtype=np.int64),
        verb=np.zeros(rows, dtype=np.int8),
        score=np.full(rows, np.nan, dtype=np.float32),
    )


def titles(items: int) -> list[CatalogueItem]:
    """Catalogue entries with random words as texts."""
    rng = np.random.default_rng(1)
    words = rng.integers(0, WORDS, (items, 6))
    return [
        CatalogueItem(
            f"item-{number:05d}", " ".join(f"word{word}" for word in row), position=number
        )
        for number, row in enumerate(words.tolist())
    ]


def seconds(call: Callable[[], object], repeat: int) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _head() -> tuple[Manifest, NDArray[np.int32]]:
    return default_manifest(HEAD, DIGEST, enrolled_counts=False), np.arange(HEAD, dtype=np.int32)


def sums(rows: int, *, days: bool) -> dict[str, object]:
    """Sums of a release against one sparse Gram product."""
    log = synthetic(rows, rows // 11, HEAD, days=days)
    manifest, head = _head()
    matrix = csr_matrix(
        (np.ones(rows, np.float32), (log.learner, log.item)), shape=(rows // 11, HEAD)
    )
    gram = seconds(lambda: matrix.T @ matrix, 3)
    ours = seconds(lambda: sum_vectors(log, head, manifest, DIGEST), 3)
    return {"rows": rows, "gram_s": gram, "sums_s": ours, "ratio": ours / gram}


def many() -> dict[str, object]:
    """Sums of ten million interactions: what counts is the memory."""
    log = synthetic(10_000_000, 900_000, HEAD, days=False)
    manifest, head = _head()
    return {
        "rows": len(log),
        "sums_s": seconds(lambda: sum_vectors(log, head, manifest, DIGEST), 1),
    }


def release(rows: int) -> dict[str, object]:
    """A whole release over the largest head: sums, exact noise, bytes."""
    log = synthetic(rows, rows // 11, HEAD, days=False)
    manifest, head = _head()

    def make() -> bytes:
        return make_contribution(sum_vectors(log, head, manifest, DIGEST), manifest, ExactNoise())

    return {"rows": rows, "cells": manifest.cells, "release_s": seconds(make, 1)}


def _fitted(rows: int, items: int) -> tuple[ServingModel, float]:
    log = synthetic(rows, rows // 11, items, days=False)
    head = np.where(np.arange(items) < HEAD, np.arange(items), -1).astype(np.int32)
    total = sum_platforms([log, log], ITEM_VERBS, head)
    merged = run_open(total, privacy_for(4.0), np.ones(2, dtype=bool), seed=0)
    entries = titles(items)
    began = time.perf_counter()
    model, _ = fit_mixed(
        catalogue=entries, interactions=log, verbs=ITEM_VERBS, head=head, merged=merged.seen_by(0)
    )
    return model, time.perf_counter() - began


def fit(rows: int) -> dict[str, object]:
    """A fit over the largest head, with own exact statistics and the mix from the hold-out."""
    model, took = _fitted(rows, HEAD)
    return {"rows": rows, "items": HEAD, "fit_s": took, "parameters": model.parameters}


def score(rows: int) -> dict[str, object]:
    """One learner's scores at 10,000 items, of which 2,000 are the head."""
    model, _ = _fitted(rows // 5, 10_000)
    rng = np.random.default_rng(2)
    histories = [rng.choice(HEAD, 12, replace=False) for _ in range(50)]
    times = [seconds(lambda h=history: model.score(h), 20) for history in histories]  # type: ignore[misc]
    return {"items": 10_000, "score_p50_us": 1e6 * float(np.median(times))}


MEASUREMENTS: dict[str, Callable[[int], dict[str, object]]] = {
    "sums": lambda rows: sums(rows, days=False),
    "sums, time by day": lambda rows: sums(rows, days=True),
    "ten million": lambda _: many(),
    "release": release,
    "fit": fit,
    "score": score,
}


def _in_child(name: str, rows: int) -> None:
    figures = MEASUREMENTS[name](rows)
    figures["cpu_s"] = time.process_time()  # of the whole process, data included
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shown = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in figures.items()}
    where = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps({"what": name, **shown, **where}), flush=True)


def main() -> None:
    """Measure and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    for name in [args.only] if args.only else MEASUREMENTS:
        child = spawn.Process(target=_in_child, args=(name, args.rows))
        child.start()
        child.join()


if __name__ == "__main__":
    main()
