"""Neural baselines without privacy: GRU4Rec and SASRec, small, with full softmax."""

from __future__ import annotations

import torch
from torch import nn

from recommender.network.encoder import AttentionBlock, NextItem


class Gru4Rec(NextItem):
    """A gated recurrent unit over item embeddings (Hidasi et al. 2016), full softmax.

    Args:
        items: Number of items.
        width: Of embeddings and state.
        dropout: Of the embeddings, in training.
    """

    def __init__(self, items: int, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.items = items
        self.embedding = nn.Embedding(items + 1, width, padding_idx=items)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.leave = nn.Linear(width, items)

    def encode(self, items: torch.Tensor) -> torch.Tensor:
        """State after each item; int64 `(batch, length)` to `(batch, length, width)`."""
        state: torch.Tensor = self.recurrent(self.dropout(self.embedding(items)))[0]
        return state

    def logits(self, state: torch.Tensor) -> torch.Tensor:
        """Scores of all items; `(..., width)` to `(..., items)`."""
        scores: torch.Tensor = self.leave(state)
        return scores


class SasRec(NextItem):
    """Self-attention over item and position embeddings (Kang and McAuley 2018), full softmax.

    The full softmax instead of one negative a target is what makes it strong (Klenitskiy and
    Vasilev 2023). Trained without privacy only, so that embeddings may be shared.

    Args:
        items: Number of items.
        length: Longest history.
        width: Of embeddings and state.
        blocks: Attention blocks.
        dropout: In training.
    """

    def __init__(
        self, items: int, length: int, width: int = 64, blocks: int = 2, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.items = items
        self.embedding = nn.Embedding(items + 1, width, padding_idx=items)
        self.position = nn.Embedding(length, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(AttentionBlock(width, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(items))
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.normal_(self.position.weight, std=0.02)

    def encode(self, items: torch.Tensor) -> torch.Tensor:
        """State after each item; int64 `(batch, length)` to `(batch, length, width)`."""
        place = torch.arange(items.shape[1])
        x = self.dropout(self.embedding(items) + self.position(place))  # (batch, length, width)
        for block in self.blocks:
            x = block(x)
        state: torch.Tensor = self.norm(x)
        return state

    def logits(self, state: torch.Tensor) -> torch.Tensor:
        """Scores of all items; `(..., width)` to `(..., items)`."""
        return state @ self.embedding.weight[: self.items].T + self.bias
