"""Frozen item features from public things alone: catalogue texts and item ids (numpy only).

Half of a row is the text likeness of `recommender.statistics.text` brought to a few dimensions, the
other half a fixed code of the item's id, by which items with equal or no texts stay apart.
No learner's data enter (R6), so features cost no privacy.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import eigsh

from recommender.statistics.text import fit_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem
    from recommender.statistics.serving_parts import TextPart

TEXT_WIDTH = 64
CODE_WIDTH = 256
_DENSE = 1_000
_NOTHING = 1e-6


def content_features(
    catalogue: Sequence[CatalogueItem],
    text_width: int = TEXT_WIDTH,
    code_width: int = CODE_WIDTH,
    text: TextPart | None = None,
) -> NDArray[np.float32]:
    """Features of every item; rows have norm at most 1.

    Args:
        catalogue: The items.
        text_width: Dimensions of the text half.
        code_width: Dimensions of the code half.
        text: A text part fitted before on the same catalogue, to save time.

    Returns:
        float32, `(items, at most text_width + code_width)`; what is 0 for all items is left out.
    """
    spectral = _text_features(fit_text(catalogue) if text is None else text, text_width)
    codes = _codes([entry.item for entry in catalogue], code_width)
    both = np.concatenate([spectral, codes], axis=1)
    used = np.abs(both).max(axis=0, initial=0.0) > _NOTHING
    features: NDArray[np.float32] = (both[:, used] / np.sqrt(2.0)).astype(np.float32)
    return features


def _text_features(text: TextPart, width: int) -> NDArray[np.float64]:
    """Leading eigenvectors of the likeness, scaled by its eigenvalues; rows of norm 1 or 0."""
    items, kept = text.neighbours.shape
    features = np.zeros((items, width))
    if items < 2 or not text.weights.any():
        return features
    row = np.repeat(np.arange(items), kept)
    likeness = csr_matrix(
        (text.weights.ravel().astype(np.float64), (row, text.neighbours.ravel())),
        shape=(items, items),
    )
    likeness = (likeness + likeness.T) / 2
    values, vectors = _leading(likeness, min(width, items - 1))
    # An eigenvector's sign is free: the largest entry is made positive, so that runs agree.
    peak = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[peak, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    values = np.where(values > _NOTHING * max(float(values[0]), 0.0), values, 0.0)
    scaled = vectors * np.sqrt(values)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    features[:, : scaled.shape[1]] = np.where(norm > 1e-9, scaled / np.maximum(norm, 1e-9), 0.0)
    return features


def _leading(likeness: csr_matrix, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues and their vectors, largest first."""
    if likeness.shape[0] <= _DENSE:
        values, vectors = np.linalg.eigh(likeness.toarray())
    else:
        start = np.ones(likeness.shape[0])
        values, vectors = eigsh(likeness, k=count, which="LA", v0=start)
    order = np.argsort(-values, kind="stable")[:count]
    return values[order], vectors[:, order]


def _codes(items: Sequence[str], width: int) -> NDArray[np.float64]:
    """A direction for each id, norm 1; orthogonal where there is room, else drawn from the id."""
    if len(items) <= width:
        return np.eye(len(items), width)
    drawn = np.stack([_drawn(item, width) for item in items])
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _drawn(item: str, width: int) -> NDArray[np.float64]:
    digest = hashlib.blake2b(item.encode("utf-8"), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(width)
