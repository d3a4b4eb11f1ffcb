"""How often does the watch (R35) tell an item where nobody promotes, and how often one that is?

Usage: python benchmarks/promotion_watch.py [--seeds 5] [--only NAME] [--json FILE]

OULAD BBB and the sample's Canvas Network, cut at random into 3, 4, 7 and 10 members of unequal
size, and as their own four platforms; epsilon 4 and 1; three rounds, learners split over them by
chance. *Alarms*: honest rounds with which anything is told that was not before. *Attacks*: liars
promote an item of the least popular fifth, by invented learners or a vector written by hand, in
the first merge, in the second, or a little in each of four. Reach is that of the item at an honest
member, less what it is without the liars; *told* of those that gained `LEAST_RISE` or more.
`--json` appends a line to FILE.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks" / "report"), str(ROOT)]

import make  # noqa: E402 - beside the other report

from recommender.catalogue import CatalogueItem  # noqa: E402
from recommender.poisoning.insight import Insight  # noqa: E402
from recommender.poisoning.promotion import (  # noqa: E402
    FakeLearners,
    Vector,
    fake_learners,
    written_vector,
)
from recommender.poisoning.scene import cut_learners  # noqa: E402
from recommender.release.noise import FastNoise  # noqa: E402
from recommender.statistics.excess import LEAST_RISE, Watcher, find_promoted  # noqa: E402
from recommender.statistics.member_view import MemberView  # noqa: E402
from recommender.statistics.shares import MemberSums  # noqa: E402
from recommender.trial import bracket, privacy_for, sum_platforms  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LOGS = ("OULAD BBB", "Canvas Network")
PARTS = {
    3: (0.1, 0.3, 0.6),
    4: (0.03, 0.17, 0.3, 0.5),
    7: (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.4),
    10: (0.03, 0.03, 0.05, 0.05, 0.07, 0.07, 0.1, 0.15, 0.2, 0.25),
}
MOST_LEARNERS = 6_000
ROUNDS = 3
KINDS: dict[str, FakeLearners | Vector] = {
    "learners through ten items": FakeLearners(),
    "learners through two items": FakeLearners(2, 2),
    "vector, broad": Vector(3.0, 0.0, 100),
    "vector, narrow": Vector(10.0, 0.0, 40),
}


@dataclass(frozen=True)
class Lie:
    """Who lies, and when.

    Attributes:
        liars: Rows from the largest member down.
        anchor: Whether the swarm trusts them.
        rounds: In how many rounds of how many.
        whole: Share of its learners in each such round that a liar invents.
    """

    liars: tuple[int, ...]
    anchor: bool
    rounds: tuple[int, ...]
    whole: float = 1.0


LIES = {
    "an ordinary member, the third largest": Lie((3,), anchor=False, rounds=(1,)),
    "an ordinary member, the largest": Lie((1,), anchor=False, rounds=(1,)),
    "an anchor": Lie((2,), anchor=True, rounds=(1,)),
    "an anchor, in the first merge": Lie((2,), anchor=True, rounds=(0,)),
    "an anchor, a quarter of it in each of four": Lie(
        (2,), anchor=True, rounds=(0, 1, 2, 3), whole=0.25
    ),
    "two ordinary members together": Lie((2, 3), anchor=False, rounds=(1,)),
    "two anchors together": Lie((2, 3), anchor=True, rounds=(1,)),
}


read_log = cache(make.read_log)


class Swarm:
    """Members, rounds, noised contributions."""

    def __init__(self, name: str, members: int, epsilon: float, rounds: int, seed: int) -> None:
        log = read_log(name)
        self.rng = np.random.default_rng([seed, members, rounds])
        platforms = list(log.platforms.values())
        if members:
            pooled = log.pooled()
            most = min(len(pooled.learner_ids), MOST_LEARNERS)
            sizes = [int(most * part) for part in PARTS[members]]
            platforms = cut_learners(pooled, sizes, self.rng)
        self.variance = float(privacy_for(epsilon).sigma_squared)
        self.sizes = np.array([len(rows.learner_ids) for rows in platforms])
        dealt = [
            cut_learners(rows, [len(rows.learner_ids) // rounds] * rounds, self.rng)
            for rows in platforms
        ]
        each = [
            sum_platforms([rows[number] for rows in dealt], log.verbs) for number in range(rounds)
        ]
        self.manifest = each[0].manifest
        self.exact = [sums.exact for sums in each]
        self.given = [exact + self.noise(exact.shape) for exact in self.exact]
        self.catalogue = [CatalogueItem(str(item)) for item in range(self.manifest.items)]

    def noise(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """One release's noise for each row."""
        drawn = FastNoise(self.rng).draw(int(np.prod(shape)), int(self.variance))
        return drawn.reshape(shape)

    def watcher(
        self, cells: NDArray[np.int64], releases: int, anchors: tuple[int, ...], own: int
    ) -> Watcher:
        """One member, looking at what all have sent in so many rounds."""
        members = self.sizes.size
        sums = MemberSums(
            self.manifest,
            cells,
            np.full(members, releases * self.variance),
            np.array([bracket(int(size)) for size in self.sizes]),
            np.isin(np.arange(members), anchors),
        )
        head = np.arange(self.manifest.items, dtype=np.int32)
        return Watcher(MemberView.of(sums), own, head, self.catalogue)

    def target(self, seed: int) -> int:
        """An item of the least popular fifth."""
        place = self.manifest.block_slices["popularity"]
        popularity = np.sum(self.exact, axis=(0, 1))[place]
        order = np.argsort(popularity, kind="stable")
        visited = order[popularity[order] > 0]
        return int(np.random.default_rng([seed, 1]).choice(visited[: visited.size // 5]))

    def lie(
        self,
        number: int,
        liars: list[int],
        attack: FakeLearners | Vector,
        target: int,
        whole: float,
    ) -> None:
        """Replace what liars have sent in a round by what promotes an item."""
        honest = np.delete(self.given[number], liars, axis=0)
        for liar in liars:
            exact = self.exact[number][liar]
            learners = max(int(whole * self.sizes[liar] / len(self.given)), 1)
            insight = Insight(self.manifest, learners, exact, honest)
            if isinstance(attack, FakeLearners):
                sent = fake_learners(insight, target, attack, self.rng)
                self.given[number][liar] = sent + (exact if whole < 1 else 0)
            else:
                self.given[number][liar] = written_vector(insight, target, attack)


def honest_rounds(name: str, members: int, epsilon: float, seeds: int) -> tuple[int, int]:
    """Honest rounds with an alarm, of how many; with and without an anchor, two members look."""
    alarms = rounds = 0
    for seed in range(seeds):
        swarm = Swarm(name, members, epsilon, ROUNDS, seed)
        last = swarm.sizes.size - 1
        for anchors in ((), (last,)):
            for own in (0, last - 1):
                told: dict[int, float] = {}
                for number in range(ROUNDS):
                    cells = np.sum(swarm.given[: number + 1], axis=0)
                    watcher = swarm.watcher(cells, number + 1, anchors, own)
                    rises = find_promoted(watcher, watcher.stand(), told)
                    told |= {rise.item: rise.reach for rise in rises}
                    alarms += bool(rises)
                    rounds += 1
    return alarms, rounds


def attacked(
    name: str, members: int, epsilon: float, lie: Lie, attack: FakeLearners | Vector, seeds: int
) -> Iterator[tuple[float, bool, bool]]:
    """By seed: reach that the liars gain, whether it is told, and whether they are named."""
    for seed in range(seeds):
        rounds = 4 if len(lie.rounds) > 1 else 2
        swarm = Swarm(name, members, epsilon, rounds, seed)
        liars = sorted(swarm.sizes.size - place for place in lie.liars)
        target = swarm.target(seed)
        for number in lie.rounds:
            swarm.lie(number, liars, attack, target, lie.whole)
        done = max(lie.rounds) + 1
        cells = np.sum(swarm.given[:done], axis=0)
        watcher = swarm.watcher(cells, done, tuple(liars) if lie.anchor else (), 0)
        now = watcher.stand()
        without = watcher.stand(tuple(liars), now.popularity)
        rise = next((one for one in find_promoted(watcher, now) if one.item == target), None)
        named = rise is not None and {row for row, _ in rise.carried} <= set(liars)
        yield float(now.reach[target] - without.reach[target]), rise is not None, named


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=LOGS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    honest: dict[str, list[int]] = {}
    attacks: dict[str, list[float]] = {}
    for name in [log for log in LOGS if asked.only in {None, log}]:
        for epsilon in (4.0, 1.0):
            for members in (0, *PARTS):
                alarms, rounds = honest_rounds(name, members, epsilon, asked.seeds)
                where = f"{name}, {members or 'its four'} members, epsilon {epsilon:g}"
                honest[where] = [alarms, rounds]
                print(f"{where}: {alarms} of {rounds} honest rounds with an alarm", flush=True)
        for epsilon, members in ((4.0, 4), (4.0, 10), (1.0, 7)):
            for title, lie in LIES.items():
                for kind, attack in KINDS.items():
                    found = list(attacked(name, members, epsilon, lie, attack, asked.seeds))
                    gained = [one for one in found if one[0] >= LEAST_RISE]
                    where = f"{name}, {members} members, epsilon {epsilon:g}, {title}, {kind}"
                    mean = float(np.mean([one[0] for one in found]))
                    told = [
                        len(gained),
                        sum(one[1] for one in gained),
                        sum(one[2] for one in gained),
                    ]
                    attacks[where] = [round(mean, 3), len(found), *told]
                    print(
                        f"{where}: reach +{mean:.2f}, {told[0]} of {len(found)} gained, "
                        f"{told[1]} told, {told[2]} named",
                        flush=True,
                    )
    if asked.json is not None:
        with asked.json.open("a", encoding="utf-8") as file:
            record = {"seeds": asked.seeds, "honest": honest, "attacks": attacks}
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
