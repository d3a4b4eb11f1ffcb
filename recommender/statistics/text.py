"""How alike items are by their texts: TF-IDF of characters, used by `fit` alone.

G = .5 cos(title, 1 to 3 characters) + .5 cos(title and 600 characters of description, 2 to 4)
+ .5 max(cos of the latter's 128 leading directions, 0), above 1,000 items
+ .1 [same publisher], zero diagonal. Characters rather than words need no language, no stemmer
and no list of stop words. This file alone imports scikit-learn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.statistics.serving_parts import TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from recommender.catalogue import CatalogueItem

NEIGHBOURS = 128
DESCRIPTION_CHARACTERS = 600
PUBLISHER_BONUS = 0.1
DIRECTIONS = 128
BROAD = 1_000
"""Items above which topics are told apart by leading directions, too (Deerwester et al. 1990)."""

_BLOCK = 1024
_MARKUP = re.compile(r"<[^>]{0,200}>")


def fit_text(catalogue: Sequence[CatalogueItem], neighbours: int = NEIGHBOURS) -> TextPart:
    """Find each item's nearest items by text.

    Items without text have no neighbours. Where all texts are equal none is nearer than another,
    and ties go to the catalogue's order.

    Args:
        catalogue: The items, in the model's order.
        neighbours: How many are kept for each.
    """
    size = len(catalogue)
    kept = max(min(neighbours, size - 1), 0)
    nearest = np.zeros((size, kept), dtype=np.int32)
    likeness = np.zeros((size, kept), dtype=np.float32)
    if kept == 0:
        return TextPart(nearest, likeness)
    titles = [_clean(entry.title) for entry in catalogue]
    texts = [_clean(f"{entry.title} {entry.description}")[: _limit(entry)] for entry in catalogue]
    whole = _tfidf(texts, (2, 4), 0.2)
    found = (_tfidf(titles, (1, 3), 0.3), whole, _leading(whole) if size > BROAD else None)
    views = [view for view in found if view is not None]
    publishers = _publishers(catalogue)
    for first in range(0, size, _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, size))
        block = _likeness(views, publishers, rows, size)
        order = np.argsort(-block, axis=1, kind="stable")[:, :kept]
        nearest[rows] = order
        likeness[rows] = np.take_along_axis(block, order, axis=1)
    return TextPart(nearest, likeness)


def _likeness(
    views: Sequence[csr_matrix | NDArray[np.float32]],
    publishers: NDArray[np.int64],
    rows: NDArray[np.int64],
    size: int,
) -> NDArray[np.float32]:
    """Rows of G; float32, `(rows, size)`."""
    block = np.zeros((rows.size, size), dtype=np.float32)
    for view in views:
        alike = view[rows] @ view.T  # rows have norm 1 or 0
        block += 0.5 * (
            np.maximum(alike, 0.0) if isinstance(alike, np.ndarray) else alike.toarray()
        )
    same = (publishers[rows][:, None] == publishers[None, :]) & (publishers[rows][:, None] >= 0)
    block += PUBLISHER_BONUS * same
    block[np.arange(rows.size), rows] = 0.0
    return block


def _tfidf(texts: Sequence[str], characters: tuple[int, int], most: float) -> csr_matrix | None:
    """TF-IDF rows of norm 1 (Salton and Buckley 1988); None if the texts tell nothing apart."""
    vectoriser = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=characters,
        sublinear_tf=True,
        min_df=2,
        max_df=max(most, 2 / len(texts)),
        dtype=np.float32,
    )
    try:
        return vectoriser.fit_transform(texts)
    except ValueError:  # nothing occurs twice, or everything nearly everywhere
        return None


def _leading(view: csr_matrix | None) -> NDArray[np.float32] | None:
    """Rows in the 128 leading directions, of norm 1 or 0; float32, `(items, 128)`."""
    if view is None or min(view.shape) <= DIRECTIONS:
        return None
    rows = TruncatedSVD(DIRECTIONS, n_iter=2, random_state=0).fit_transform(view)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(
        rows, norm, out=np.zeros_like(rows), where=norm > 1e-6
    ).astype(np.float32)
    return scaled


def _publishers(catalogue: Sequence[CatalogueItem]) -> NDArray[np.int64]:
    """A number for each publisher, -1 where it is not known."""
    numbers: dict[str, int] = {}
    return np.array(
        [
            numbers.setdefault(entry.publisher, len(numbers)) if entry.publisher else -1
            for entry in catalogue
        ],
        dtype=np.int64,
    )


def _clean(text: str) -> str:
    return _MARKUP.sub(" ", text).lower().strip()


def _limit(entry: CatalogueItem) -> int:
    return len(entry.title) + 1 + DESCRIPTION_CHARACTERS
