"""Members of a swarm, some of whom attack: who they are, what they send, round by round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from recommender.evaluation import leave_last_out
from recommender.poisoning.insight import Insight
from recommender.poisoning.promotion import (
    FakeLearners,
    Vector,
    fake_learners,
    within_bounds,
    written_vector,
)
from recommender.statistics.cap import sum_and_rest
from recommender.statistics.shares import MemberSums
from recommender.statistics.text import fit_text
from recommender.trial import Round, bracket, privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.evaluation import Split, Ties
    from recommender.interactions import Interactions
    from recommender.statistics.serving_parts import TextPart

EVERY_ROUND: tuple[float, ...] = ()
"""A plan that says as much in every round."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What attackers send, and when.

    Attributes:
        what: Invented learners or a written vector.
        plan: How much of a written vector is said in each round, 1 on average; `EVERY_ROUND` says
            as much in all of them. Invented learners come in every round.
    """

    what: FakeLearners | Vector
    plan: tuple[float, ...] = EVERY_ROUND


@dataclass(frozen=True, eq=False)
class RoundSums(MemberSums):
    """Members' sums with what each has sent in each round.

    Attributes:
        rounds: int64, `(rounds, members, cells)`; they add up to `cells`.
    """

    rounds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scene:
    """Members of a swarm, some of whom attack.

    Attributes:
        splits: Of each member.
        entries: The shared catalogue.
        verbs: Verbs that count.
        attackers: Rows of those who attack, together.
        anchors: Which members are anchors; bool, `(members,)`.
        merged: All rounds together without an attack; the noise of all attacks, too.
        exact: What each has summed in each round, without noise; int64, `(rounds, members, cells)`.
        sent: The same with noise.
        text: The text part.
        declared: How many times its learners an attacker says that it has.
    """

    splits: Sequence[Split]
    entries: Sequence[CatalogueItem]
    verbs: Sequence[str]
    attackers: tuple[int, ...]
    anchors: NDArray[np.bool_]
    merged: Round
    exact: NDArray[np.int64]
    sent: NDArray[np.int64]
    text: TextPart
    declared: int = 1

    @property
    def rounds(self) -> int:
        """Rounds over which the learners were released, each with its noise."""
        return int(self.sent.shape[0])

    @property
    def honest(self) -> list[int]:
        """Rows of the others."""
        return [row for row in range(len(self.splits)) if row not in self.attackers]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Learners of each member; int64, `(members,)`."""
        return np.array([len(split.train.learner_ids) for split in self.splits])

    def targets(self, number: int, seed: int) -> list[int]:
        """Items of the least popular fifth of those that anybody has visited."""
        popularity = self.merged.sums.exact[
            :, self.merged.sums.manifest.block_slices["popularity"]
        ].sum(axis=0)
        order = np.argsort(popularity, kind="stable")
        visited = order[popularity[order] > 0]
        fifth = visited[: max(visited.size // 5, number)]
        rng = np.random.default_rng([seed, 61])
        return [int(item) for item in rng.choice(fifth, number, replace=False)]

    def insight(self, attacker: int) -> Insight:
        """What one attacker knows and says that it has, its accomplices' honest sums left out."""
        merged = self.merged
        learners = self.declared * int(self.sizes[attacker])
        return Insight(
            merged.sums.manifest,
            learners,
            merged.sums.exact[attacker],
            merged.contributions[self.honest],
        )

    def member_sums(self, rounds: NDArray[np.int64]) -> RoundSums:
        """What every member holds, for what all have sent in each round."""
        members, told = len(self.splits), self.sizes
        told[list(self.attackers)] *= self.declared
        return RoundSums(
            self.merged.sums.manifest,
            rounds.sum(axis=0),
            np.full(members, self.merged.variance),
            np.array([bracket(int(size)) for size in told]),
            self.anchors,
            rounds,
        )

    def with_sent(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rounds with one and the same contribution of the first attacker in each.

        Args:
            cells: Over all rounds; int64, `(cells,)`.
        """
        rounds = self.sent.copy()
        rounds[:, self.attackers[0]] = cells // self.rounds
        return rounds


def set_scene(  # noqa: PLR0913 - each is one thing that the scene has
    platforms: Sequence[Interactions],
    entries: Sequence[CatalogueItem],
    verbs: Sequence[str],
    *,
    attackers: tuple[int, ...],
    anchors: Sequence[int] = (),
    epsilon: float = 4.0,
    seed: int = 0,
    ties: Ties = "set",
    targets: int = 300,
    rounds: int = 1,
    declared: int = 1,
) -> Scene:
    """Split every platform, and hold rounds on paper.

    Args:
        platforms: Rows over the items of `entries`, one member each.
        entries: The shared catalogue.
        verbs: Verbs that count.
        attackers: Rows of those who attack.
        anchors: Rows of anchors (R34).
        epsilon: Of one release; every learner is in one.
        seed: For splits and noise.
        ties: See `leave_last_out`.
        targets: At most so many learners of each member are measured.
        rounds: Over which each member's learners are dealt at random.
        declared: How many times its learners an attacker says that it has.
    """
    splits = [
        leave_last_out(rows, verbs, ties=ties, seed=seed).sample(targets, seed)
        for rows in platforms
    ]
    trusted = np.isin(np.arange(len(splits)), list(anchors))
    trains = [split.train for split in splits]
    privacy, held = privacy_for(epsilon), []
    for number, part in enumerate(_deal(trains, rounds, seed)):
        held.append(run_open(sum_platforms(part, verbs), privacy, trusted, seed + 1_000 * number))
    exact = np.stack([each.sums.exact for each in held])
    sent = np.stack([each.contributions for each in held])
    total, rest = sum_and_rest(sent.sum(axis=0), trusted)
    merged = Round(
        sum_platforms(trains, verbs),
        sent.sum(axis=0),
        total,
        rest,
        rounds * float(privacy.sigma_squared),
        trusted,
    )
    text = fit_text(entries)
    return Scene(splits, entries, verbs, attackers, trusted, merged, exact, sent, text, declared)


def _deal(platforms: list[Interactions], rounds: int, seed: int) -> list[list[Interactions]]:
    """Each round's learners of every member."""
    if rounds == 1:
        return [platforms]
    dealt = []
    for number, rows in enumerate(platforms):
        whole = len(rows.learner_ids)
        sizes = np.diff(np.linspace(0, whole, rounds + 1).astype(int))
        dealt.append(cut_learners(rows, sizes, np.random.default_rng([seed, 79, number])))
    return [list(part) for part in zip(*dealt, strict=True)]


def cut_learners(
    rows: Interactions, sizes: Sequence[int] | NDArray[np.int64], rng: np.random.Generator
) -> list[Interactions]:
    """Cut a platform's learners at random into members of these sizes; who is left stays out."""
    order = rng.permutation(len(rows.learner_ids))
    bounds = np.cumsum([0, *sizes])
    cut = []
    for first, last in pairwise(bounds):
        chosen = order[first:last]
        place = np.full(len(rows.learner_ids), -1, dtype=np.int32)
        place[chosen] = np.arange(chosen.size)
        kept = place[rows.learner] >= 0
        names = ("item", "timestamp", "order", "verb", "score")
        columns = {name: getattr(rows, name)[kept] for name in names}
        ids = tuple(rows.learner_ids[who] for who in chosen)
        cut.append(replace(rows, learner_ids=ids, learner=place[rows.learner[kept]], **columns))
    return cut


def send(scene: Scene, attack: Attack, target: int, seed: int = 0) -> NDArray[np.int64]:
    """What all members send in each round when the attackers do as `attack` says.

    An attacker knows all that others send in all rounds. In each round it stays within the bounds
    of its honest software.

    Returns:
        int64, `(rounds, members, cells)`.
    """
    sent, rounds = scene.sent.copy(), scene.rounds
    for attacker in scene.attackers:
        insight = scene.insight(attacker)
        if isinstance(attack.what, FakeLearners):
            some = replace(insight, learners=max(insight.learners // rounds, 1))
            for number in range(rounds):
                rng = np.random.default_rng([seed, 67, attacker, number])
                sent[number, attacker] = fake_learners(some, target, attack.what, rng)
            continue
        once = replace(insight, own=insight.own // rounds)
        added = written_vector(once, target, attack.what) - once.own
        for number, share in enumerate(attack.plan or (1.0,) * rounds):
            said = scene.exact[number, attacker] + np.rint(share * added).astype(np.int64)
            bounded = within_bounds(said, insight.manifest, insight.learners)
            sent[number, attacker] = bounded
    return sent
