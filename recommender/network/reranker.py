"""A re-ranker for a large platform, trained on its own learners; never exported (R5).

A GRU4Rec is fitted beside the statistics and its log chances are added to their scores. It is used
only where it earns its place on the platform's own hold-out: the last items of some learners are
kept from both models, a weight is chosen on one half of them, and the other half must show at least
2 % more hits. Below 20,000 learners it is not even tried.

R17's floor for pairs has no counterpart inside a network. Items with fewer than ten learners behind
them are left out of its training; that is as far as it goes, and docs/limits.md says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.evaluation import Split, evaluate, leave_last_out
from recommender.metrics import hit_rate, standard_error
from recommender.network.sequential import Gru4Rec
from recommender.network.train import TrainOptions, seeded, train
from recommender.statistics.local import PAIR_FLOOR
from recommender.statistics.reranking import Reranker
from recommender.statistics.sequences import build_sequences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from recommender.evaluation import Scorer
    from recommender.interactions import Interactions
    from recommender.statistics.sequences import Sequences

FEWEST_LEARNERS = 20_000
FEWEST_GAIN = 0.02
WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.4)
MAX_HELD_OUT = 8_000
AT = 10
OPTIONS = TrainOptions(learning_rate=3e-3, epochs=20)


@dataclass(frozen=True, eq=False)
class Decision:
    """Whether a platform should use a re-ranker.

    Attributes:
        reranker: Fitted on all rows; None where it stays off.
        gain: Relative gain of hit rate@10 on the half of the hold-out that chose nothing.
        gain_se: Its standard error, from paired differences.
        reason: Why, in a sentence.
    """

    reranker: Reranker | None
    gain: float
    gain_se: float
    reason: str


@dataclass(frozen=True, eq=False)
class Reranked:
    """A scorer with a re-ranker on top.

    Attributes:
        base: The scorer beneath.
        reranker: What re-ranks.
    """

    base: Scorer
    reranker: Reranker

    def score(self, histories: Sequences, learner: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score all items; see `recommender.evaluation.Scorer`."""
        return self.reranker.rerank(self.base.score(histories, learner), histories)


def decide_reranker(
    interactions: Interactions,
    verbs: Sequence[str],
    fit_base: Callable[[Interactions], Scorer],
    seed: int = 0,
    fewest_learners: int = FEWEST_LEARNERS,
) -> Decision:
    """Fit a re-ranker if it earns at least 2 % on the platform's own hold-out.

    Args:
        interactions: Rows of learners who consent to local learning.
        verbs: Verbs that count.
        fit_base: Fits what would be served without a re-ranker.
        seed: Draws the hold-out and initial values.
        fewest_learners: Lower it for a measurement only.
    """
    lengths = build_sequences(interactions, verbs).lengths()
    learners = int((lengths >= 1).sum())
    if learners < fewest_learners:
        reason = f"off: {learners:,} learners, at least {fewest_learners:,} needed"
        return Decision(None, 0.0, 0.0, reason)
    split = _hold_out(interactions, verbs, seed)
    base = fit_base(split.train)
    tried = fit_gru(split.train, verbs, seed)
    chooses, judges = np.arange(0, len(split.known), 2), np.arange(1, len(split.known), 2)
    weight = max(WEIGHTS, key=lambda w: _hits(split, chooses, _with(base, tried, w)).mean())
    before = _hits(split, judges, base)
    after = _hits(split, judges, _with(base, tried, weight))
    scale = max(float(before.mean()), 1e-9)
    gain = float((after - before).mean()) / scale
    gain_se = standard_error(after - before) / scale
    told = f"{100 * gain:+.1f} % hits at {AT} on the hold-out (± {100 * gain_se:.1f})"
    if gain < FEWEST_GAIN:
        return Decision(
            None, gain, gain_se, f"off: {told}, at least +{100 * FEWEST_GAIN:g} % asked"
        )
    final = replace(fit_gru(interactions, verbs, seed), weight=weight)
    return Decision(final, gain, gain_se, f"on: {told}")


def fit_gru(interactions: Interactions, verbs: Sequence[str], seed: int) -> Reranker:
    """Train the network on rows whose items have enough learners; weight 0.

    Raises:
        EvaluationError: No learner has two such items.
    """
    items = len(interactions.item_ids)
    histories = build_sequences(interactions, verbs)
    counts = np.bincount(histories.items, minlength=items)
    often = counts[interactions.item] >= PAIR_FLOOR
    with seeded(seed):
        network = Gru4Rec(items)
    train(network, build_sequences(_rows(interactions, often), verbs), OPTIONS, seed)
    return to_arrays(network)


def to_arrays(network: Gru4Rec, weight: float = 0.0) -> Reranker:
    """The network's numbers, for numpy."""
    unit = dict(network.recurrent.named_parameters())

    def array(name: str) -> NDArray[np.float32]:
        return np.array(unit[name].detach().numpy(), dtype=np.float32)

    return Reranker(
        embedding=np.array(network.embedding.weight.detach().numpy()[: network.items]),
        input_weights=array("weight_ih_l0"),
        state_weights=array("weight_hh_l0"),
        input_bias=array("bias_ih_l0"),
        state_bias=array("bias_hh_l0"),
        leave=np.array(network.leave.weight.detach().numpy()),
        leave_bias=np.array(network.leave.bias.detach().numpy()),
        weight=weight,
    )


def _with(base: Scorer, reranker: Reranker, weight: float) -> Reranked:
    return Reranked(base, replace(reranker, weight=weight))


def _hits(split: Split, targets: NDArray[np.int64], scorer: Scorer) -> NDArray[np.float64]:
    part = replace(
        split,
        learner=split.learner[targets],
        known=split.known.select(targets),
        held_out=split.held_out.select(targets),
    )
    return hit_rate(evaluate(scorer, part, len(split.train.item_ids), depth=AT), AT)


def _hold_out(interactions: Interactions, verbs: Sequence[str], seed: int) -> Split:
    """The last items of some learners; everybody else's rows are all trained on."""
    whole = leave_last_out(interactions, verbs, ties="one", seed=seed)
    split = whole.sample(min(MAX_HELD_OUT, max(len(whole.known) // 4, 2)), seed)
    chosen = np.zeros(len(interactions.learner_ids), dtype=bool)
    chosen[split.learner] = True
    kept = _rows(whole.train, chosen[whole.train.learner])
    rest = _rows(interactions, ~chosen[interactions.learner])
    return replace(split, train=_both(kept, rest))


def _rows(interactions: Interactions, mask: NDArray[np.bool_]) -> Interactions:
    return replace(
        interactions,
        learner=interactions.learner[mask],
        item=interactions.item[mask],
        timestamp=interactions.timestamp[mask],
        order=interactions.order[mask],
        verb=interactions.verb[mask],
        score=interactions.score[mask],
    )


def _both(one: Interactions, other: Interactions) -> Interactions:
    return replace(
        one,
        learner=np.concatenate([one.learner, other.learner]),
        item=np.concatenate([one.item, other.item]),
        timestamp=np.concatenate([one.timestamp, other.timestamp]),
        order=np.concatenate([one.order, other.order]),
        verb=np.concatenate([one.verb, other.verb]),
        score=np.concatenate([one.score, other.score]),
    )
