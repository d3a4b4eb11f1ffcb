"""How often does the watch (R35) see a rise where nobody promotes, and how often one that is?

Usage: python benchmarks/promotion_watch.py [--seeds 6] [--json FILE]

OULAD BBB as four members, epsilon 4, learners split over rounds by chance. In the last round a
member's new learners are honest, or invented to promote an item of the least popular fifth. Told:
items that rise in honest rounds; of the attacks, how far the item's reach grew, how often it was
seen, and how often the attacker was named first. `--json` appends a line to FILE.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recommender.catalogue import CatalogueItem
from recommender.interactions import VERB_INDEX, Interactions
from recommender.poisoning.insight import Insight
from recommender.poisoning.promotion import FakeLearners, fake_learners
from recommender.release.noise import FastNoise
from recommender.statistics.cap import sum_and_rest
from recommender.statistics.merged import MergedSums
from recommender.statistics.promotion import (
    carried_by,
    find_rises,
    noise_spread,
    stand_merged,
)
from recommender.trial import privacy_for, sum_platforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.statistics.promotion import Rise, Standing

SAMPLE = Path(__file__).parents[1] / "data_samples" / "oulad_bbb" / "interactions.csv.gz"
WATCHER, SMALL, MIDDLE, LARGE = 0, 1, 2, 3
ATTACKS = {
    "54 invented learners of an ordinary member": (SMALL, 54, False),
    "250 of the second largest member": (MIDDLE, 250, False),
    "500 of the largest member": (LARGE, 500, False),
    "250 of an anchor": (MIDDLE, 250, True),
    "500 of an anchor": (LARGE, 500, True),
}


class Swarm:
    """Four members, some rounds, noised contributions."""

    def __init__(self, seed: int, rounds: int) -> None:
        frame = pd.read_csv(SAMPLE)
        self.items = sorted(frame["item"].unique())
        self.catalogue = [CatalogueItem(item) for item in self.items]
        self.head = np.arange(len(self.items), dtype=np.int32)
        rng = np.random.default_rng(seed)
        learners = frame["learner"].unique()
        of = dict(zip(learners, rng.integers(0, rounds, len(learners)), strict=True))
        part = frame["learner"].map(of)
        names = ("elm", "fir", "hazel", "juniper")
        self.variance = float(privacy_for(4.0).sigma_squared)
        self.rng, self.given = rng, []
        for number in range(rounds):
            rows = [frame[(frame["platform"] == one) & (part == number)] for one in names]
            sums = sum_platforms([self._rows(one) for one in rows], ["viewed"])
            self.manifest = sums.manifest
            self.given.append(sums.exact + self.noise(sums.exact.shape))
        visits = frame.drop_duplicates(["learner", "item"])["item"].value_counts()
        self.popularity = np.array([visits[item] for item in self.items])

    def noise(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """One release's noise for each row."""
        drawn = FastNoise(self.rng).draw(int(np.prod(shape)), int(self.variance))
        return drawn.reshape(shape)

    def _rows(self, frame: pd.DataFrame) -> Interactions:
        learner, ids = pd.factorize(frame["learner"])
        size = len(frame)
        place = {item: index for index, item in enumerate(self.items)}
        seconds = pd.to_datetime(frame["timestamp"]).dt.tz_localize(None)
        return Interactions(
            tuple(ids),
            tuple(self.items),
            learner.astype(np.int32),
            frame["item"].map(place).to_numpy(np.int32),
            seconds.to_numpy("datetime64[s]").astype(np.int64),
            np.zeros(size, np.int64),
            np.full(size, VERB_INDEX["viewed"], np.int8),
            np.full(size, np.nan, np.float32),
        )

    def seen(self, sums: NDArray[np.int64], counts: list[int], anchors: list[bool]) -> MergedSums:
        """What the watching member sees of so many contributions of each."""
        total, rest = sum_and_rest(sums, np.array(anchors))
        own = counts[WATCHER]
        others = (sum(counts) - own) * self.variance
        return MergedSums(self.manifest, total, rest, sums[WATCHER], others, own * self.variance)

    def stand(self, seen: MergedSums, panel: NDArray[np.float64] | None = None) -> Standing:
        """Where the items stand."""
        return stand_merged(seen, self.head, self.catalogue, panel)

    def rises(
        self, before: int, last: NDArray[np.int64], anchors: list[bool]
    ) -> tuple[tuple[Rise, ...], Standing, Standing]:
        """What rises when `last` is merged after the first `before` rounds."""
        old = np.sum(self.given[:before], axis=0)
        merged = self.seen(old, [before] * 4, anchors)
        start = self.stand(merged)
        end = self.stand(self.seen(old + last, [before + 1] * 4, anchors), start.popularity)
        added = (3 * self.variance, self.variance)
        spread = noise_spread(merged, added, self.head, self.catalogue)
        without = {}
        for member in range(4):
            left, counts = last.copy(), [before + 1] * 4
            left[member], counts[member] = 0, before
            seen = self.seen(old + left, counts, anchors)
            without[str(member)] = self.stand(seen, start.popularity)
        return carried_by(find_rises(start, end, spread), without), start, end


def honest_rounds(seeds: int) -> dict[str, object]:
    """Items that rise in rounds in which nobody lies, by rounds held before."""
    found: dict[str, list[int]] = {}
    for seed in range(seeds):
        for rounds in (2, 4):
            swarm = Swarm(seed, rounds)
            for before in range(1, rounds):
                rises, *_ = swarm.rises(before, swarm.given[before], [False] * 4)
                found.setdefault(f"round {before + 1} of {rounds}", []).append(len(rises))
    return dict(sorted(found.items()))


def attacked(seeds: int) -> dict[str, object]:
    """What is seen of each attack in the second of two rounds."""
    told: dict[str, object] = {}
    for name, (attacker, learners, anchor) in ATTACKS.items():
        grew, seen, named = [], 0, 0
        for seed in range(seeds):
            swarm = Swarm(seed, 2)
            fifth = np.argsort(swarm.popularity, kind="stable")[: len(swarm.items) // 5]
            target = int(np.random.default_rng([seed, 1]).choice(fifth))
            last = swarm.given[1].copy()
            others = np.delete(last, attacker, axis=0)
            insight = Insight(swarm.manifest, learners, last[attacker], others)
            last[attacker] = fake_learners(insight, target, FakeLearners(), swarm.rng)
            anchors = [anchor and member == attacker for member in range(4)]
            rises, start, end = swarm.rises(1, last, anchors)
            grew.append(round(float(end.reach[target] - start.reach[target]), 3))
            rise = next((one for one in rises if one.item == target), None)
            seen += rise is not None
            named += bool(rise and rise.carried and rise.carried[0][0] == str(attacker))
        told[name] = {"grew": grew, "seen": seen, "named": named, "of": seeds}
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    record = {"seeds": asked.seeds, "honest": honest_rounds(asked.seeds)}
    print("Items of 320 that rise in an honest round:")
    for name, counts in record["honest"].items():
        print(f"  {name}: {counts}, mean {np.mean(counts):.2f}")
    record["attacks"] = attacked(asked.seeds)
    for name, one in record["attacks"].items():
        print(f"{name}: reach grew by {one['grew']}; seen {one['seen']}, named {one['named']}")
    if asked.json is not None:
        with asked.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
