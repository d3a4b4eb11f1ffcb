"""What does a network find that four platforms train by rounds, beside merged statistics?

Usage: python benchmarks/network_rounds.py [--seed 0] [--targets 3000] [--rounds 4] [--steps 10]
    [--quiet] [--one-place]

The sample's four platforms, one item held out per learner, epsilon 4 at delta 1e-6. A tenth of
the learners is in a round of statistics, whose popularity the network begins from; the others are
in one training, merged as the swarm merges, the largest platform an anchor. With --quiet nothing is
noised (what the steps could find), with --one-place all learners are one platform's. One JSON line
a round.

Noise and chance are seeded and statistical (`sampler`), as measurements may be; what leaves a
platform uses the exact sampler instead.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time
from typing import TYPE_CHECKING

import numpy as np
from networks import measure
from recommender_statistics import VERBS, read_sample

from recommender.comparison_network import pool_learners
from recommender.evaluation import leave_last_out
from recommender.network.budget import make_training
from recommender.network.models import NetworkModel
from recommender.network.private import SAMPLER, SeededChance, train_steps
from recommender.network.public_features import public_features
from recommender.network.update import (
    build_network,
    encode_update,
    log_popularity,
    read_parameters,
)
from recommender.release.manifest import default_manifest
from recommender.release.noise import FastNoise
from recommender.release.sum import sum_vectors
from recommender.statistics.sequences import build_sequences
from swarm.merge.merge import merge
from swarm.merge.updates import merge_updates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.evaluation import Split
    from recommender.release.manifest import Manifest

DIGEST = bytes(32)
ANCHOR = "Dogwood"


class Silence:
    """No noise: what the steps could find."""

    name = "none"

    def draw(self, cells: int, sigma_squared: int) -> NDArray[np.int64]:
        """Zeros; int64, `(cells,)`."""
        del sigma_squared
        return np.zeros(cells, dtype=np.int64)


def popularity(
    split: Split,
    manifest: Manifest,
    groups: dict[str, NDArray[np.bool_]],
    source: FastNoise | Silence,
) -> NDArray[np.float32]:
    """What a round of statistics of some learners of each platform says."""
    head = np.arange(manifest.items, dtype=np.int32)
    made = {}
    for name, members in groups.items():
        sums = sum_vectors(split.train, head, manifest, DIGEST, members)
        noised = sums + source.draw(manifest.cells, manifest.sigma_squared)
        made[name] = [noised.astype(np.int32)]
    return log_popularity(*merge(made, (ANCHOR,)), len(groups), manifest)


def train_together(
    split: Split, platforms: list[str], entries: list[CatalogueItem], args: argparse.Namespace
) -> None:
    """All rounds of one training; a line after each."""
    manifest = default_manifest(len(entries), DIGEST, enrolled_counts=True)
    training = make_training(
        len(entries),
        manifest.rho,
        manifest.delta_fraction,
        rounds=args.rounds,
        steps=args.steps,
    )
    rng = np.random.default_rng([args.seed, 41])
    source = Silence() if args.quiet else FastNoise(rng)
    names = np.array([platforms[int(n.split(":")[0])] for n in split.train.learner_ids])
    if args.one_place:
        names[:] = ANCHOR
    counted = rng.random(names.size) < 0.1
    groups = {str(name): names == name for name in np.unique(names)}
    begin = popularity(split, manifest, {k: v & counted for k, v in groups.items()}, source)
    features = public_features(
        [entry.item for entry in entries],
        [f"{entry.title} {entry.description}" for entry in entries],
    )
    histories = build_sequences(split.train, VERBS)
    merged: NDArray[np.int64] | None = None
    rounds: list[dict[str, NDArray[np.int32]]] = []
    for number in range(1, training.rounds + 1):
        began = time.process_time()
        rounds.append({})
        for name, members in groups.items():
            network = build_network(training, features, DIGEST, merged, begin)
            before = read_parameters(network)
            own = histories.select(np.flatnonzero(members & ~counted))
            train_steps(network, own, training, source, SeededChance(rng))
            update = encode_update(before, read_parameters(network), training)
            rounds[-1][name] = np.frombuffer(update, "<i4")
        merged = merge_updates(rounds, (ANCHOR,), training.entry, training.norm)["parameters"]
        network = build_network(training, features, DIGEST, merged, begin)
        _, figures = measure(split, NetworkModel(network), len(entries))
        line = {"round": number, "platforms": len(groups), "seed": args.seed, **figures}
        facts = {
            "noise_multiplier": 0.0 if args.quiet else round(training.noise_multiplier, 3),
            "sampler": SAMPLER,
            "steps": training.steps,
            "parameters": training.parameters,
            "cpu_seconds": round(time.process_time() - began, 1),
        }
        print(json.dumps({**line, **facts}), flush=True)


def main() -> None:
    """Print one JSON line a round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--one-place", action="store_true")
    args = parser.parse_args()
    sets, entries = read_sample()
    rows = pool_learners(list(sets.values()))
    split = leave_last_out(rows, VERBS, ties="one", seed=args.seed)
    split = split.sample(args.targets, args.seed)
    train_together(split, list(sets), entries, args)


if __name__ == "__main__":
    main()
