"""The sequence encoder: frozen item features in, a score for every item out.

x = features of the history's items -> width; zero or more causal attention blocks; a decayed mean;
a feed-forward layer; a query in feature space. Score = query . features + log popularity.

Every learned number is in a plain `Linear` or `LayerNorm` that is applied to `(batch, length, _)`,
for which opacus gives exact per-sample gradients (a test compares them with batches of one). The
features are a constant and nothing is tied: `F.linear(h, embedding.weight)` would lose the output
part of the embedding's per-sample gradient without a word, and with it the guarantee.

Histories are padded on the right with the index `items`: under a causal mask no true position ever
sees a padded one, so no other mask is needed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DECAY = 0.8


class AttentionBlock(nn.Module):
    """Causal self-attention and a feed-forward layer, norm first (Xiong et al. 2020).

    Args:
        width: Of the input and output.
        dropout: Share of entries set to zero in training.
    """

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.merge = nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width)
        self.narrow = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 `(batch, length, width)` to the same."""
        normed = self.norm(x)
        query, key, value = self.query(normed), self.key(normed), self.value(normed)
        affinity = query @ key.transpose(1, 2)  # (batch, length, length)
        affinity = affinity / math.sqrt(x.shape[-1])
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        weights = affinity.masked_fill(later, -torch.inf).softmax(dim=-1)
        x = x + self.dropout(self.merge(weights @ value))  # (batch, length, width)
        inner = nn.functional.silu(self.widen(self.inner_norm(x)))
        result: torch.Tensor = x + self.dropout(self.narrow(inner))
        return result


class NextItem(nn.Module, ABC):
    """A network that scores the next item after every prefix of a history.

    Attributes:
        items: Number of items; also the index that pads histories.
    """

    items: int

    @abstractmethod
    def encode(self, items: torch.Tensor) -> torch.Tensor:
        """State after each item; int64 `(batch, length)` to `(batch, length, width)`."""

    @abstractmethod
    def logits(self, state: torch.Tensor) -> torch.Tensor:
        """Scores of all items; `(..., width)` to `(..., items)`."""

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Scores after each item; int64 `(batch, length)` to `(batch, length, items)`."""
        return self.logits(self.encode(items))


class SequenceEncoder(NextItem):
    """Scores of the next item from frozen features.

    Args:
        features: Of all items; float32, `(items, features)`.
        log_popularity: Added to every score; float32, `(items,)`.
        width: Of the hidden state.
        blocks: Attention blocks; 0 is a decayed mean alone.
        decay: Weight of a history item a step older, in the mean.
        sharpness: Multiplies query . features, whose rows have norm at most 1.
    """

    features: torch.Tensor
    prior: torch.Tensor

    def __init__(
        self,
        features: NDArray[np.float32],
        log_popularity: NDArray[np.float32],
        *,
        width: int = 64,
        blocks: int = 0,
        decay: float = DECAY,
        sharpness: float = 4.0,
    ) -> None:
        super().__init__()
        self.items = features.shape[0]
        self.decay = decay
        self.sharpness = sharpness
        table = torch.from_numpy(features)
        none = torch.zeros(1, table.shape[1])
        self.register_buffer("features", torch.cat([table, none]))  # (items + 1, features)
        self.register_buffer("prior", torch.from_numpy(log_popularity))  # (items,)
        self.enter = nn.Linear(table.shape[1], width)
        self.blocks = nn.ModuleList(AttentionBlock(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.leave = nn.Linear(width, table.shape[1])

    def encode(self, items: torch.Tensor) -> torch.Tensor:
        """The state after each item.

        Args:
            items: Padded histories; int64, `(batch, length)`.

        Returns:
            float32, `(batch, length, features)`.
        """
        x = self.enter(self.features[items])  # (batch, length, width)
        for block in self.blocks:
            x = block(x)
        x = self.norm(self._decayed_mean(items.shape[1]) @ x)
        x = x + nn.functional.silu(self.hidden(x))
        query: torch.Tensor = self.leave(x)  # (batch, length, features)
        return query

    def logits(self, state: torch.Tensor) -> torch.Tensor:
        """Scores of all items; `(..., features)` to `(..., items)`."""
        scores = self.sharpness * (state @ self.features[: self.items].T)  # (..., items)
        return scores + self.prior

    def _decayed_mean(self, length: int) -> torch.Tensor:
        """Row t holds decay^(t - s) for s <= t, over its sum; `(length, length)`."""
        place = torch.arange(length)
        age = place[:, None] - place[None, :]
        weights = torch.where(age >= 0, self.decay ** age.clamp(min=0).float(), 0.0)
        return weights / weights.sum(dim=1, keepdim=True)
