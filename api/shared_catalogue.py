"""The catalogue that members of a swarm share: a CSV whose row number is an item's index.

Sorted by the bytes of `content_key`, each key once, at most 2,000 rows (R10); its digest stands
in the genesis. Titles are there for people, nothing is computed from them.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from api.errors import ApiError
from recommender.release.manifest import MAX_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from recommender.catalogue import CatalogueItem

MAX_CATALOGUE_BYTES = 2 * 1024 * 1024


class SharedCatalogueError(ApiError):
    """A shared catalogue that members could not agree on."""


def read_keys(data: bytes, name: str) -> tuple[str, ...]:
    """Content keys of a shared catalogue, in row order.

    Args:
        data: The CSV file; UTF-8 with a header that has `content_key`.
        name: What to call the file in an error.

    Raises:
        SharedCatalogueError: Not such a file, or its rows are unsorted, repeated or too many.
    """
    if len(data) > MAX_CATALOGUE_BYTES:
        raise SharedCatalogueError(
            f"{name}: {len(data)} bytes, at most {MAX_CATALOGUE_BYTES} are allowed"
        )
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))
        if "content_key" not in (rows.fieldnames or ()):
            raise SharedCatalogueError(f"{name}: line 1: expected a column named content_key")
        keys = tuple((row["content_key"] or "").strip() for row in rows)
    except (UnicodeDecodeError, csv.Error) as error:
        raise SharedCatalogueError(f"{name}: not a UTF-8 CSV file: {error}") from error
    _check_order(keys, name)
    if not 2 <= len(keys) <= MAX_ITEMS:
        raise SharedCatalogueError(
            f"{name}: {len(keys)} items, expected 2 to {MAX_ITEMS} (R10); "
            "share the items that most members offer"
        )
    return keys


def _check_order(keys: Sequence[str], name: str) -> None:
    previous = b""
    for line, key in enumerate(keys, start=2):
        encoded = key.encode()
        if encoded <= previous:
            what = "is empty" if not key else "repeats or is not in the order of its bytes"
            raise SharedCatalogueError(
                f"{name}: line {line}: content_key {key[:80]!r} {what}; "
                "sort the file by content_key, each once"
            )
        previous = encoded


def index_items(
    items: Sequence[str], catalogue: Iterable[CatalogueItem], keys: Sequence[str]
) -> NDArray[np.int32]:
    """For each platform item, its index in the shared catalogue, or -1.

    Only authored catalogue rows can be shared, never an id seen in events alone (R10).

    Args:
        items: Platform item ids.
        catalogue: The platform's catalogue.
        keys: Content keys of the shared catalogue.

    Returns:
        int32, `(items,)`.
    """
    place = {key: index for index, key in enumerate(keys)}
    shared = {row.item: place[row.content_key] for row in catalogue if row.content_key in place}
    return np.array([shared.get(item, -1) for item in items], dtype=np.int32)
