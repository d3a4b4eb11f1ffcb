"""Attacks against defences on a log: how often is the target promoted, what do honest members lose.

The rate of promotion is the share of other members' learners whose top ten holds the target, an
item of the least popular fifth. Each attack's few parameters are searched against each defence on
targets of their own, and measured on others. Learners' figures are those of `evaluate`; models are
fitted as `fit` does, unless asked for without the prior network, which takes ten times as long. Of
an attack only what the merged sums decide is fitted anew, unless a whole fit is asked for: the mix
of a member's score is the one that it had before, which is seven times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.evaluation import evaluate
from recommender.metrics import hit_rate, ndcg
from recommender.models import StatisticsModel
from recommender.poisoning.promotion import FakeLearners, Vector
from recommender.poisoning.scene import Attack, send
from recommender.statistics.combining import read_others
from recommender.statistics.fit import fit_mixed, swarm_parts
from recommender.statistics.local import PAIR_FLOOR, own_statistics
from recommender.statistics.merged import MergedSums, estimate, noised_own
from recommender.statistics.sequences import first_occurrences, mean_moments, sequences_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from recommender.poisoning.defences import Defence
    from recommender.poisoning.scene import RoundSums, Scene
    from recommender.statistics.covariates import PriorKind
    from recommender.statistics.local import OwnStatistics
    from recommender.statistics.merged import Estimates
    from recommender.statistics.serving_model import ServingModel

AT = 10
_NEAR = 0.1
"""What the target's reciprocal rank counts in the search, so that it goes on below the top ten."""

LEARNERS: tuple[Attack, ...] = tuple(
    Attack(each)
    for each in (
        FakeLearners(10, 10, noise=False),
        FakeLearners(10, 40, noise=False),
        FakeLearners(2, 2, noise=False),
        FakeLearners(1, 12, noise=False),
        FakeLearners(10, 40, noise=True),
    )
)
"""Invented learners that are tried: spread, concentrated, with the noise of honest software."""

VECTORS: tuple[Attack, ...] = tuple(
    Attack(each)
    for each in (
        *(Vector(strength, 0.0, bait) for strength in (3, 10, 40) for bait in (10, 100)),
        Vector(0.0, 1.0, 2_000),
        Vector(0.0, 2.0, 50, seen=True),
        Vector(20.0, 1.0, 30, seen=True),
        Vector(5.0, 0.0, 100, seen=True),
        Vector(40.0, 0.0, 2_000, balanced=True),
        Vector(3.0, 0.0, 100, balanced=True, seen=True),
        Vector(5.0, 0.0, 30, popularity=10.0, starts=40.0),
        Vector(5.0, 0.0, 30, popularity=-20.0),
        Vector(20.0, 0.0, 2_000, popularity=100.0, starts=100.0),
        *(Vector(strength, 0.0, bait, louder=10.0) for strength, bait in ((10, 100), (40, 40))),
        Vector(0.0, 2.0, 50, seen=True, louder=10.0),
        Vector(40.0, 0.0, 2_000, balanced=True, louder=10.0),
    )
)
"""Written vectors that are tried: broad and narrow, just under caps, hidden in others' noise, by
a member that seems larger."""

_AGAIN = 6
"""So many of the best attacks are tried on more targets than one."""

_DRIFTS = 2
"""Of the best vectors, so many are tried under each plan of a drift."""


@dataclass(frozen=True, eq=False)
class Effect:
    """What one merge does to one honest member.

    Attributes:
        member: Its row.
        learners: Its number of learners.
        promoted: Share of its measured learners whose top ten holds the target; over several
            targets the mean.
        newcomers: The same from released sums alone, as a member without data is served.
        near: Mean reciprocal rank of the target in both, added up; in [0, 2].
        hits: Whether a learner's held-out item is in the top ten; float64, `(targets,)`.
        ndcg: NDCG@10 of the same.
    """

    member: int
    learners: int
    promoted: float
    newcomers: float
    near: float
    hits: NDArray[np.float64]
    ndcg: float

    @property
    def hit_rate(self) -> float:
        """HR@10 of what it serves."""
        return float(self.hits.mean())


@dataclass(eq=False)
class Homes:
    """What honest members of a scene have that no attack changes: own data, and their mix.

    Attributes:
        scene: The members.
        own: Exact statistics of each member so far, and its denoised contribution.
        models: Whole fits without an attack, by defence and member.
        prior: How whole fits denoise pairs; with a mix that is kept, and so in searches, the prior
            network is off.
    """

    scene: Scene
    prior: PriorKind = "none"
    own: dict[int, tuple[OwnStatistics | None, Estimates | None]] = field(default_factory=dict)
    models: dict[tuple[str, int], ServingModel] = field(default_factory=dict)

    def learn(self, name: str, defence: Defence, members: Sequence[int]) -> None:
        """Fit members' models without an attack; their mixes are kept under `name`."""
        sums = self.scene.member_sums(self.scene.sent)
        for member in members:
            if (name, member) not in self.models:
                self.models[name, member] = _whole_fit(
                    self.scene, sums, defence, member, self.prior
                )

    def measure(
        self,
        rounds: NDArray[np.int64],
        defence: Defence,
        targets: Sequence[int],
        members: Sequence[int],
        mix: str | None = None,
    ) -> list[Effect]:
        """Fit and evaluate honest members' models.

        Args:
            rounds: What all have sent; int64, `(rounds, members, cells)`.
            defence: How it is added up.
            targets: The promoted item, or several of which the mean is told.
            members: Which honest members.
            mix: The name under which mixes were learnt; None fits everything anew.
        """
        sums = self.scene.member_sums(rounds)
        models = {
            member: _whole_fit(self.scene, sums, defence, member, self.prior)
            if mix is None
            else self._again(self.models[mix, member], sums, defence, member)
            for member in members
        }
        return [self._effect(model, targets, member) for member, model in models.items()]

    def tune(
        self,
        defence: Defence,
        attacks: Sequence[Attack],
        targets: Sequence[int],
        member: int,
        mix: str,
    ) -> Attack:
        """The attack that promotes most, or comes nearest, to a member's learners and newcomers.

        All are tried on the first target, the best of them on the others, too. Over several rounds
        the best vectors are also said at the end alone, and ever louder.
        """

        def gains(some: Sequence[Attack], aims: Sequence[int]) -> NDArray[np.float64]:
            found = [
                [self._gain(defence, attack, aim, member, mix) for aim in aims] for attack in some
            ]
            means: NDArray[np.float64] = np.array(found).mean(axis=1)
            return means

        order = np.argsort(-gains(attacks, targets[:1]), kind="stable")
        left = [attacks[int(place)] for place in order[:_AGAIN]]
        if self.scene.rounds > 1:
            vectors = [each for each in left if isinstance(each.what, Vector)]
            left += [
                replace(each, plan=plan)
                for each in vectors[:_DRIFTS]
                for plan in plans(self.scene.rounds)
            ]
        return left[int(np.argmax(gains(left, targets)))]

    def _gain(self, defence: Defence, attack: Attack, target: int, member: int, mix: str) -> float:
        rounds = send(self.scene, attack, target)
        effect = self.measure(rounds, defence, [target], [member], mix)[0]
        return effect.promoted + effect.newcomers + _NEAR * effect.near

    def _again(
        self, model: ServingModel, sums: RoundSums, defence: Defence, member: int
    ) -> ServingModel:
        """The model for other sums, with the mix that it has."""
        scene, seen = self.scene, _seen(sums, defence, member)
        if member not in self.own:
            contribution = noised_own(seen)
            denoised = None if contribution is None else estimate(contribution)
            self.own[member] = _own(scene, member), denoised
        own, known = self.own[member]
        head = scene.merged.sums.head
        others = read_others(seen, head, scene.entries, scene.text, "none", known)
        return replace(model, **swarm_parts(others, own))

    def _effect(self, model: ServingModel, targets: Sequence[int], member: int) -> Effect:
        split, items = self.scene.splits[member], len(self.scene.entries)
        served, shared = (
            evaluate(StatisticsModel(each), split, items, depth=items)
            for each in (model, model.shared_only())
        )
        return Effect(
            member,
            int(self.scene.sizes[member]),
            _held(served.top[:, :AT], targets),
            _held(shared.top[:, :AT], targets),
            _nearness(served.top, targets) + _nearness(shared.top, targets),
            hit_rate(served, AT).astype(np.float64),
            float(ndcg(served, AT).mean()),
        )


def plans(rounds: int) -> list[tuple[float, ...]]:
    """Ways of drifting: all in the last round, and ever louder."""
    last = (0.0,) * (rounds - 1) + (float(rounds),)
    rising = tuple(2.0 * (number + 1) / (rounds + 1) for number in range(rounds))
    return [last, rising]


def some_members(scene: Scene, number: int) -> list[int]:
    """Honest members from the smallest to the largest, evenly: what a table measures."""
    rows = sorted(scene.honest, key=lambda row: int(scene.sizes[row]))
    if len(rows) <= number:
        return rows
    return [rows[round(place)] for place in np.linspace(0, len(rows) - 1, number)]


def by_learners(effects: Sequence[Effect]) -> Mapping[str, float]:
    """Means over members, weighted by their learners, and the worst promotion of a member."""
    weights = [effect.learners for effect in effects]

    def mean(name: str) -> float:
        return float(np.average([getattr(each, name) for each in effects], weights=weights))

    means = {name: mean(name) for name in ("promoted", "newcomers", "hit_rate", "ndcg")}
    return {**means, "worst": max(each.promoted for each in effects)}


def _held(top: NDArray[np.int32], targets: Sequence[int]) -> float:
    """How many learners' lists hold a target, on average over targets."""
    return float(np.mean([(top == target).any(axis=1).mean() for target in targets]))


def _nearness(ranking: NDArray[np.int32], targets: Sequence[int]) -> float:
    """Mean reciprocal rank of the targets, 0 where one is known to the learner."""
    inverse = 1.0 / np.arange(1, ranking.shape[1] + 1)
    return float(np.mean([(ranking == target) @ inverse for target in targets]))


def _seen(sums: RoundSums, defence: Defence, member: int) -> MergedSums:
    total = sums.cells.sum(axis=0)
    return MergedSums(
        sums.manifest,
        total,
        total,
        sums.cells[member],
        others_variance=float(sums.variance.sum() - sums.variance[member]),
        own_variance=float(sums.variance[member]),
        others=defence(sums, member),
    )


def _whole_fit(
    scene: Scene, sums: RoundSums, defence: Defence, member: int, prior: PriorKind
) -> ServingModel:
    split = scene.splits[member]
    model, _ = fit_mixed(
        catalogue=scene.entries,
        interactions=split.train,
        verbs=scene.verbs,
        head=scene.merged.sums.head,
        merged=_seen(sums, defence, member),
        text=scene.text,
        prior=prior,
        ties=split.ties,
    )
    return model


def _own(scene: Scene, member: int) -> OwnStatistics | None:
    """A member's exact statistics, as `fit` makes them."""
    train = scene.splits[member].train
    first = first_occurrences(train, scene.verbs)
    moments = mean_moments(train, first, PAIR_FLOOR)
    return own_statistics(sequences_of(train, first), len(scene.entries), moments=moments)
