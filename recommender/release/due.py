"""Who enters a release: a rule over one learner's own events and public constants (R2).

Consent and the released mark are the store's to know; everything else that decides is here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from recommender.release.manifest import Manifest, verb_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.interactions import Interactions
    from recommender.release.vector import LearnerEvents


def is_due(events: LearnerEvents, manifest: Manifest, as_of: date) -> bool:
    """Tell whether a learner's one release is now.

    A learner is due with at least `min_items` distinct head items, once `keep` are reached or no
    event of any kind happened since `quiet_days` before the round's date.

    Args:
        events: All of the learner's own events.
        manifest: The public constants.
        as_of: The round's date, UTC.
    """
    allowed = set(verb_indices(manifest))
    visited = {
        item
        for item, verb in zip(events.item.tolist(), events.verb.tolist(), strict=True)
        if item >= 0 and verb in allowed
    }
    if len(visited) < manifest.min_items:
        return False
    return len(visited) >= manifest.keep or int(events.timestamp.max()) < quiet_since(
        manifest, as_of
    )


def due_learners(
    interactions: Interactions, item_to_head: NDArray[np.int32], manifest: Manifest, as_of: date
) -> NDArray[np.bool_]:
    """Tell for every learner at once what `is_due` tells for one.

    Args:
        interactions: The platform's interactions.
        item_to_head: For each of `interactions.item_ids`, its index in the shared catalogue, or
            -1; int32, `(item_ids,)`.
        manifest: The public constants.
        as_of: The round's date, UTC.

    Returns:
        bool, one entry for each of `interactions.learner_ids`.
    """
    count = len(interactions.learner_ids)
    last = np.full(count, np.iinfo(np.int64).min, dtype=np.int64)
    np.maximum.at(last, interactions.learner, interactions.timestamp)
    head = item_to_head[interactions.item].astype(np.int64)
    visit = np.isin(interactions.verb, np.array(verb_indices(manifest), dtype=np.int8)) & (
        head >= 0
    )
    distinct = np.unique(interactions.learner[visit] * np.int64(manifest.items) + head[visit])
    items = np.bincount(distinct // manifest.items, minlength=count)
    ready = (items >= manifest.keep) | (last < quiet_since(manifest, as_of))
    return ready & (items >= manifest.min_items)


def quiet_since(manifest: Manifest, as_of: date) -> int:
    """First second of the quiet days, `quiet_days` before the date begins; unix seconds."""
    begin = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    return int((begin - timedelta(days=manifest.quiet_days)).timestamp())
