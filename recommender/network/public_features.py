"""Frozen features of the shared catalogue's items, the same at every member (numpy only).

Words of title and description are hashed with a sign to a few places and weighted by rarity
(Weinberger et al. 2009); the other places are the item itself. Nothing is fitted, so that no
rounding of one machine can turn an axis round, and no learner's data enter (R6).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from recommender.release.training import CODE_FEATURES, TEXT_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD = re.compile(r"\w\w+")


def public_features(keys: Sequence[str], texts: Sequence[str]) -> NDArray[np.float32]:
    """Features of every item of a shared catalogue.

    Args:
        keys: Content keys, in row order.
        texts: Title and description of each.

    Returns:
        float32, `(items, count_features(items))`; rows have norm at most 1.
    """
    both = np.concatenate([_words(texts), _codes(keys)], axis=1)
    features: NDArray[np.float32] = (both / math.sqrt(2)).astype(np.float32)
    return features


def _words(texts: Sequence[str]) -> NDArray[np.float64]:
    counts = [Counter(_WORD.findall(text.casefold())) for text in texts]
    spread = Counter(word for row in counts for word in row)
    features = np.zeros((len(texts), TEXT_FEATURES))
    for row, words in enumerate(counts):
        for word in sorted(words):
            place, sign = _place(word, TEXT_FEATURES)
            rarity = math.log(len(texts) / spread[word])
            features[row, place] += sign * (1 + math.log(words[word])) * rarity
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(
        features, norm, where=norm > 0, out=np.zeros_like(features)
    )
    return unit


def _codes(keys: Sequence[str]) -> NDArray[np.float64]:
    if len(keys) <= CODE_FEATURES:
        return np.eye(len(keys))
    codes = np.zeros((len(keys), CODE_FEATURES))
    for row, key in enumerate(keys):
        for copy in range(4):  # few collide in all four places
            place, sign = _place(f"{copy} {key}", CODE_FEATURES)
            codes[row, place] += sign / 2
    norm = np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1.0)
    unit: NDArray[np.float64] = codes / norm
    return unit


def _place(text: str, places: int) -> tuple[int, int]:
    number = int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")
    return number // 2 % places, 1 - 2 * (number % 2)
