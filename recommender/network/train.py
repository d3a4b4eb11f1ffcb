"""Training without privacy, and scoring: next item after every prefix, by cross entropy.

Epochs are chosen on a validation split of the training rows: the last items of a tenth of the
learners are not trained on, and training stops when they are no longer found better.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recommender.network.encoder import NextItem
    from recommender.statistics.sequences import Sequences

KEEP = 30
_SCORE_BATCH = 512


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train.

    Attributes:
        epochs: At most so many passes.
        batch: Learners a step.
        learning_rate: Of Adam.
        weight_decay: Of Adam, decoupled.
        patience: Epochs without a better validation figure before training stops.
        validation: Share of learners whose last item is held out.
        max_validation: At most so many of them.
    """

    epochs: int = 60
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    patience: int = 4
    validation: float = 0.1
    max_validation: int = 4_000


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws of torch inside depend on the seed alone, and outside nothing has changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def padded(histories: Sequences, items: int, keep: int = KEEP) -> torch.Tensor:
    """The last `keep` items of each history, oldest first, padded on the right with `items`.

    Returns:
        int64, `(learners, longest)`; at least one column.
    """
    recent = histories.last(keep)
    lengths = recent.lengths()
    table = np.full((len(recent), max(int(lengths.max(initial=0)), 1)), items, dtype=np.int64)
    row = np.repeat(np.arange(len(recent)), lengths)
    table[row, np.arange(recent.items.size) - recent.start[row]] = recent.items
    return torch.from_numpy(table)


def position_losses(network: NextItem, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy of each next item, and which positions have one.

    Args:
        network: The network.
        items: Padded histories; int64, `(batch, length)`.

    Returns:
        float32 `(batch, length - 1)`, zero where there is no next item; bool of that shape.
    """
    target = items[:, 1:]
    known = target < network.items
    state = network.encode(items[:, :-1])  # (batch, length - 1, width)
    logits = network.logits(state[known])  # (known, items): most positions are padding
    flat = nn.functional.cross_entropy(logits, target[known], reduction="none")  # (known,)
    return torch.zeros(target.shape).masked_scatter(known, flat), known


def last_logits(network: NextItem, items: torch.Tensor) -> torch.Tensor:
    """Scores after each whole history; int64 `(batch, length)` to float32 `(batch, items)`."""
    length = (items < network.items).sum(dim=1)
    state = network.encode(items)  # (batch, length, width)
    last = state[torch.arange(items.shape[0]), (length - 1).clamp(min=0)]  # (batch, width)
    return network.logits(last)


def score_histories(network: NextItem, histories: Sequences) -> NDArray[np.float32]:
    """Scores of all items for each history; float32, `(learners, items)`."""
    network.eval()
    table = padded(histories, network.items)
    with torch.no_grad():
        parts = [
            last_logits(network, table[first : first + _SCORE_BATCH])
            for first in range(0, table.shape[0], _SCORE_BATCH)
        ]
    scores: NDArray[np.float32] = torch.cat(parts).numpy().astype(np.float32)
    return scores


def train(network: NextItem, histories: Sequences, options: TrainOptions, seed: int) -> list[float]:
    """Train in place; the network of the best epoch is kept.

    Args:
        network: The network.
        histories: Training histories.
        options: How to train.
        seed: Of shuffles, the validation split and dropout.

    Returns:
        Validation NDCG@10 of each epoch.

    Raises:
        EvaluationError: No learner has two items, so there is nothing to learn.
    """
    table = padded(histories, network.items)
    table = table[(table < network.items).sum(dim=1) >= 2]
    if table.shape[0] == 0:
        raise EvaluationError("no learner has two items: a network has nothing to learn from")
    with seeded(seed):
        fitted, held = _split(table, network.items, options)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        reached: list[float] = []
        best = copy.deepcopy(network.state_dict())
        for epoch in range(options.epochs):
            _one_epoch(network, fitted, optimizer, options.batch)
            reached.append(_validate(network, held))
            best_epoch = int(np.argmax(reached))  # the first of equals
            if best_epoch == epoch:
                best = copy.deepcopy(network.state_dict())
            elif epoch - best_epoch >= options.patience:
                break
        network.load_state_dict(best)
        network.eval()
    return reached


def _split(
    table: torch.Tensor, items: int, options: TrainOptions
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows to train on, and the rows whose last item is held out (whole)."""
    count = min(round(options.validation * table.shape[0]), options.max_validation)
    chosen = torch.randperm(table.shape[0])[: max(count, 1)]
    fitted = table.clone()
    length = (table[chosen] < items).sum(dim=1)
    fitted[chosen, length - 1] = items
    return fitted, table[chosen]


def _one_epoch(
    network: NextItem, table: torch.Tensor, optimizer: torch.optim.Optimizer, batch: int
) -> None:
    network.train()
    # Rows of like length go together, so that little is computed on padding.
    noise = torch.rand(table.shape[0])
    order = ((table < network.items).sum(dim=1) + noise).argsort()
    starts = torch.arange(0, table.shape[0], batch)
    for start in starts[torch.randperm(starts.numel())].tolist():
        rows = table[order[start : start + batch]]
        longest = int((rows < network.items).sum(dim=1).max())
        if longest < 2:
            continue
        losses, known = position_losses(network, rows[:, :longest])
        optimizer.zero_grad()
        torch.autograd.backward(losses.sum() / known.sum())
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()


def _validate(network: NextItem, held: torch.Tensor) -> float:
    """NDCG@10 of the held-out last items among items that are not known."""
    network.eval()
    length = (held < network.items).sum(dim=1)
    rows = torch.arange(held.shape[0])
    target = held[rows, length - 1]
    known = held.clone()
    known[rows, length - 1] = network.items
    gained = 0.0
    with torch.no_grad():
        for first in range(0, held.shape[0], _SCORE_BATCH):
            part = slice(first, first + _SCORE_BATCH)
            scores = last_logits(network, known[part])
            wall = torch.zeros(scores.shape[0], network.items + 1)
            wall.scatter_(1, known[part], -torch.inf)
            scores = scores + wall[:, : network.items]
            own = scores.gather(1, target[part, None])
            rank = 1 + (scores > own).sum(dim=1)
            gained += float((1.0 / torch.log2(1.0 + rank))[rank <= 10].sum())
    return gained / held.shape[0]
