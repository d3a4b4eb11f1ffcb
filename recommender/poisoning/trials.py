"""Attacks against defences on a log: how often is the target promoted, what do honest members lose.

The rate of promotion is the share of other members' learners whose top ten holds the target, an
item of the least popular fifth. Each attack's few parameters are searched against each defence on
one target, and measured on others. Learners' figures are those of `evaluate`; models are fitted as
`fit` does, without the prior network (which needs torch and changes neither by much).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from recommender.evaluation import evaluate, leave_last_out
from recommender.metrics import hit_rate, ndcg
from recommender.models import StatisticsModel
from recommender.poisoning.insight import Insight
from recommender.poisoning.promotion import FakeLearners, Vector, fake_learners, written_vector
from recommender.statistics.fit import fit_mixed
from recommender.statistics.merged import MergedSums
from recommender.statistics.shares import MemberSums
from recommender.statistics.text import fit_text
from recommender.trial import bracket, privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.evaluation import Split, Ties
    from recommender.interactions import Interactions
    from recommender.poisoning.defences import Defence
    from recommender.statistics.serving_parts import TextPart
    from recommender.trial import Round

    Attack = FakeLearners | Vector

AT = 10
LEARNERS: tuple[Attack, ...] = (
    FakeLearners(10, 10, noise=False),
    FakeLearners(10, 40, noise=False),
    FakeLearners(5, 20, noise=False),
    FakeLearners(2, 2, noise=False),
    FakeLearners(1, 12, noise=False),
    FakeLearners(10, 40, noise=True),
)
"""Invented learners that are tried: spread, concentrated, with the noise of honest software."""

VECTORS: tuple[Attack, ...] = (
    *(Vector(strength, 0.0, bait) for strength in (3, 10, 20, 40) for bait in (10, 40, 100)),
    Vector(0.0, 1.0, 2_000),
    Vector(0.0, 2.0, 50, seen=True),
    Vector(20.0, 1.0, 30, seen=True),
    Vector(5.0, 0.0, 100, seen=True),
    Vector(40.0, 0.0, 2_000, balanced=True),
    Vector(3.0, 0.0, 100, balanced=True, seen=True),
    Vector(5.0, 0.0, 30, popularity=10.0, starts=40.0),
    Vector(5.0, 0.0, 30, popularity=-20.0),
)
"""Written vectors that are tried: broad and narrow, just under caps, hidden in others' noise."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Members of a swarm, some of whom attack.

    Attributes:
        splits: Of each member.
        entries: The shared catalogue.
        verbs: Verbs that count.
        attackers: Rows of those who attack, together.
        anchors: Which members are anchors; bool, `(members,)`.
        merged: The round without an attack; the noise of all attacks, too.
        text: The text part.
        releases: Rounds over which the learners were released, each with its noise.
    """

    splits: Sequence[Split]
    entries: Sequence[CatalogueItem]
    verbs: Sequence[str]
    attackers: tuple[int, ...]
    anchors: NDArray[np.bool_]
    merged: Round
    text: TextPart
    releases: int = 1

    @property
    def honest(self) -> list[int]:
        """Rows of the others."""
        return [row for row in range(len(self.splits)) if row not in self.attackers]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Learners of each member; int64, `(members,)`."""
        return np.array([len(split.train.learner_ids) for split in self.splits])

    def targets(self, number: int, seed: int) -> NDArray[np.int64]:
        """Items of the least popular fifth of those that anybody has visited."""
        popularity = self.merged.sums.exact[
            :, self.merged.sums.manifest.block_slices["popularity"]
        ].sum(axis=0)
        order = np.argsort(popularity, kind="stable")
        visited = order[popularity[order] > 0]
        fifth = visited[: max(visited.size // 5, number)]
        rng = np.random.default_rng([seed, 61])
        return rng.choice(fifth, number, replace=False).astype(np.int64)

    def insight(self, attacker: int) -> Insight:
        """What one attacker knows, its accomplices' honest sums left out."""
        merged = self.merged
        learners = int(self.sizes[attacker])
        return Insight(
            merged.sums.manifest,
            learners,
            merged.sums.exact[attacker],
            merged.contributions[self.honest],
        )


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
    releases: int = 1,
) -> Scene:
    """Split every platform, and hold a round on paper.

    Args:
        platforms: Rows over the items of `entries`, one member each.
        entries: The shared catalogue.
        verbs: Verbs that count.
        attackers: Rows of those who attack.
        anchors: Rows of anchors (R34).
        epsilon: Of one release.
        seed: For splits and noise.
        ties: See `leave_last_out`.
        targets: At most so many learners of each member are measured.
        releases: Rounds over which the learners are spread.
    """
    splits = [
        leave_last_out(rows, verbs, ties=ties, seed=seed).sample(targets, seed)
        for rows in platforms
    ]
    trusted = np.isin(np.arange(len(splits)), list(anchors))
    sums = sum_platforms([split.train for split in splits], verbs)
    privacy = privacy_for(epsilon)
    noise = replace(privacy, sigma_squared=releases * privacy.sigma_squared)
    merged = run_open(sums, noise, trusted, seed)
    text = fit_text(entries)
    return Scene(splits, entries, verbs, attackers, trusted, merged, text, releases)


def cut_learners(
    rows: Interactions, sizes: Sequence[int], rng: np.random.Generator
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
    """All members' contributions when the attackers send what `attack` says.

    Over several releases the attack is repeated in each of them.
    """
    cells = scene.merged.contributions.copy()
    for attacker in scene.attackers:
        insight = scene.insight(attacker)
        if isinstance(attack, FakeLearners):
            rng = np.random.default_rng([seed, 67, attacker])
            cells[attacker] = fake_learners(insight, target, attack, rng)
        else:
            own = insight.own // scene.releases
            once = written_vector(replace(insight, own=own), target, attack)
            cells[attacker] = scene.releases * once
    return cells


@dataclass(frozen=True, eq=False)
class Effect:
    """What one round does to one honest member.

    Attributes:
        member: Its row.
        learners: Its number of learners.
        promoted: Share of its learners whose top ten holds the target.
        newcomers: The same from released sums alone, as a member without data is served.
        hit_rate: HR@10 of what it serves.
        ndcg: NDCG@10 of the same.
        error: Standard error of `hit_rate`.
    """

    member: int
    learners: int
    promoted: float
    newcomers: float
    hit_rate: float
    ndcg: float
    error: float


def measure(
    scene: Scene,
    cells: NDArray[np.int64],
    defence: Defence,
    target: int,
    members: Iterable[int] | None = None,
) -> list[Effect]:
    """Fit and evaluate honest members' models.

    Args:
        scene: The members.
        cells: What they have sent; int64, `(members, cells)`.
        defence: How it is added up.
        target: The promoted item.
        members: Some of the honest members; None takes all.
    """
    merged = scene.merged
    sums = MemberSums(
        merged.sums.manifest,
        cells,
        np.full(len(scene.splits), merged.variance),
        np.array([bracket(int(size)) for size in scene.sizes]),
        scene.anchors,
    )
    return [
        _effect(scene, sums, defence, target, member)
        for member in (scene.honest if members is None else members)
    ]


def _effect(
    scene: Scene,
    sums: MemberSums,
    defence: Defence,
    target: int,
    member: int,
) -> Effect:
    split, total = scene.splits[member], sums.cells.sum(axis=0)
    seen = MergedSums(
        sums.manifest,
        total,
        total,
        sums.cells[member],
        others_variance=float(sums.variance.sum() - sums.variance[member]),
        own_variance=float(sums.variance[member]),
        others=defence(sums, member),
    )
    model, _ = fit_mixed(
        catalogue=scene.entries,
        interactions=split.train,
        verbs=scene.verbs,
        head=scene.merged.sums.head,
        merged=seen,
        text=scene.text,
        prior="none",
        ties=split.ties,
    )
    items = len(scene.entries)
    served = evaluate(StatisticsModel(model), split, items, depth=AT)
    shared = evaluate(StatisticsModel(model.shared_only()), split, items, depth=AT)
    hits = hit_rate(served, AT)
    return Effect(
        member,
        int(scene.sizes[member]),
        float((served.top == target).any(axis=1).mean()),
        float((shared.top == target).any(axis=1).mean()),
        float(hits.mean()),
        float(ndcg(served, AT).mean()),
        float(hits.std(ddof=1) / np.sqrt(hits.size)) if hits.size > 1 else float("nan"),
    )


def tune(
    scene: Scene, defence: Defence, attacks: Sequence[Attack], target: int, member: int
) -> Attack:
    """The attack that promotes most against this defence to a member's learners and newcomers."""
    gains = []
    for attack in attacks:
        cells = send(scene, attack, target)
        effect = measure(scene, cells, defence, target, [member])[0]
        gains.append(effect.promoted + effect.newcomers)
    return attacks[int(np.argmax(gains))]


def by_learners(effects: Sequence[Effect]) -> Mapping[str, float]:
    """Means over members, weighted by their learners, and the worst promotion of a member."""
    weights = [effect.learners for effect in effects]

    def mean(name: str) -> float:
        return float(np.average([getattr(each, name) for each in effects], weights=weights))

    means = {name: mean(name) for name in ("promoted", "newcomers", "hit_rate", "ndcg")}
    smallest = min(effects, key=lambda each: each.learners)
    return {
        **means,
        "worst": max(each.promoted for each in effects),
        "smallest_hit_rate": smallest.hit_rate,
    }
