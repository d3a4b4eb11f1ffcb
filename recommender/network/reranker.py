"""A re-ranker for a large platform, trained on its own learners; never exported (R5).

A GRU4Rec over the items with own pairs is fitted beside the statistics and moves items up on top of
their scores (`recommender.statistics.reranking`, which keeps R17's floor for every pair). It is
used only where it earns its place on the platform's own hold-out: the last items of some learners
are kept from both models, a weight is chosen on one half of them, and the other half must show at
least 2 % more hits than the fitted mix alone. Below 20,000 learners it is not even tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.evaluation import Split, evaluate, leave_last_out
from recommender.metrics import hit_rate, standard_error
from recommender.models import StatisticsModel
from recommender.network.sequential import Gru4Rec
from recommender.network.train import TrainOptions, seeded, train
from recommender.statistics.fit import align_items
from recommender.statistics.reranking import KEEP, Reranker, stretches
from recommender.statistics.sequences import Sequences, build_sequences
from recommender.statistics.serving_model import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from recommender.evaluation import Ties
    from recommender.interactions import Interactions
    from recommender.statistics.serving_model import ServingModel
    from recommender.statistics.serving_parts import PairPart

FEWEST_LEARNERS = 20_000
FEWEST_GAIN = 0.02
WEIGHTS = (0.1, 0.2, 0.4, 0.6, 0.8)
"""How far items are taken towards what the network says; tried on one half of the hold-out."""

MAX_HELD_OUT = 8_000
AT = 10
OPTIONS = TrainOptions(learning_rate=3e-3, epochs=20)


@dataclass(frozen=True, eq=False)
class Decision:
    """Whether a platform should use a re-ranker.

    Attributes:
        weight: How far items are taken from the sum of the other parts, 0, towards what the network
            says, 1; 0 where it stays off.
        gain: Relative gain of hit rate@10 on the half of the hold-out that chose nothing.
        gain_se: Its standard error, from paired differences.
        reason: Why, in a sentence.
    """

    weight: float
    gain: float
    gain_se: float
    reason: str


def decide_reranker(
    interactions: Interactions,
    verbs: Sequence[str],
    fit_base: Callable[[Interactions], ServingModel],
    *,
    ties: Ties = "set",
    seed: int = 0,
    fewest_learners: int = FEWEST_LEARNERS,
) -> Decision:
    """Tell whether a re-ranker earns at least 2 % on the platform's own hold-out.

    Args:
        interactions: Rows of learners who consent to local learning, indexed by the model's items.
        verbs: Verbs that count.
        fit_base: Fits what would be served without a re-ranker.
        ties: What the hold-out does with a tied last moment.
        seed: Draws the hold-out and initial values.
        fewest_learners: Below it nothing is tried.
    """
    lengths = build_sequences(interactions, verbs).lengths()
    learners = int((lengths >= 1).sum())
    if learners < fewest_learners:
        reason = f"off: fewer than {fewest_learners:,} learners with own statistics"
        return Decision(0.0, 0.0, 0.0, reason)
    split = _hold_out(interactions, verbs, ties, seed)
    base = fit_base(split.train)
    if not base.local.factual.any():
        return Decision(0.0, 0.0, 0.0, "off: no pair of items with ten learners (R17)")
    reranker = fit_reranker(build_sequences(split.train, verbs), base.local, seed)
    chooses, judges = np.arange(0, len(split.known), 2), np.arange(1, len(split.known), 2)

    def hits(targets: NDArray[np.int64], weight: float) -> NDArray[np.float64]:
        return _hits(split, targets, with_reranker(base, reranker, weight))

    weight = max(WEIGHTS, key=lambda w: hits(chooses, w).mean())
    before, after = hits(judges, 0.0), hits(judges, weight)
    scale = max(float(before.mean()), 1e-9)
    gain = float((after - before).mean()) / scale
    gain_se = standard_error(after - before) / scale
    told = f"{100 * gain:+.1f} % hits at {AT} on the hold-out (± {100 * gain_se:.1f})"
    if gain < FEWEST_GAIN:
        asked = f"off: {told}, at least +{100 * FEWEST_GAIN:g} % asked"
        return Decision(0.0, gain, gain_se, asked)
    return Decision(weight, gain, gain_se, f"on: {told}")


def rerank_if_it_pays(
    model: ServingModel,
    interactions: Interactions,
    verbs: Sequence[str],
    fit_base: Callable[[Interactions], ServingModel],
    fewest_learners: int = FEWEST_LEARNERS,
) -> tuple[ServingModel, Decision]:
    """The model with a re-ranker where `decide_reranker` finds that it pays, else as it is.

    Args:
        model: What would be served without, fitted on all rows.
        interactions: Those rows; others than the model's items are left out.
        verbs: Verbs that count.
        fit_base: Fits such a model on fewer rows.
        fewest_learners: Below it nothing is tried.
    """
    rows = align_items(interactions, model.item_ids)
    decision = decide_reranker(rows, verbs, fit_base, fewest_learners=fewest_learners)
    if decision.weight == 0:
        return model, decision
    reranker = fit_reranker(build_sequences(rows, verbs), model.local, seed=0)
    return with_reranker(model, reranker, decision.weight), decision


def fit_reranker(histories: Sequences, pairs: PairPart, seed: int) -> Reranker:
    """Train the network on histories cut at pairs below R17's floor.

    Args:
        histories: Of all learners, over the model's items.
        pairs: The platform's own pairs; the re-ranker's items are theirs.
        seed: Of initial values and draws.

    Raises:
        EvaluationError: No learner walked a pair of ten learners.
    """
    places = pairs.places(histories.items.astype(np.int64))
    recent = Sequences(histories.start, places).last(KEEP + 1)
    with seeded(seed):
        network = Gru4Rec(pairs.items.size)
    train(network, stretches(recent, pairs.factual.view(np.bool_)), OPTIONS, seed)
    return to_arrays(network)


def with_reranker(model: ServingModel, reranker: Reranker, weight: float) -> ServingModel:
    """The model with a re-ranker that takes items so far towards what it says, in [0, 1]."""
    blend = model.blend.copy()
    blend[PARTS.index("reranker")] = weight
    return replace(model, reranker=reranker, blend=blend)


def to_arrays(network: Gru4Rec) -> Reranker:
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
    )


def _hits(split: Split, targets: NDArray[np.int64], model: ServingModel) -> NDArray[np.float64]:
    part = replace(
        split,
        learner=split.learner[targets],
        known=split.known.select(targets),
        held_out=split.held_out.select(targets),
    )
    return hit_rate(evaluate(StatisticsModel(model), part, len(model.item_ids), depth=AT), AT)


def _hold_out(interactions: Interactions, verbs: Sequence[str], ties: Ties, seed: int) -> Split:
    """The last items of some learners; everybody else's rows are all trained on."""
    whole = leave_last_out(interactions, verbs, ties=ties, seed=seed)
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
