"""The network beside the statistics in a comparison: trained in one place, measured on each.

Its opponent is the pooled release of the statistics: both see all learners and spend one epsilon.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError
from recommender.models import NETWORK, fit_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from recommender.interactions import Interactions
    from recommender.models import FittedModel, Training


def network_records(
    platforms: Sequence[str],
    training: Training,
    facts: Mapping[str, object],
    measure: Callable[[int, Mapping[str, object], FittedModel], dict[str, object]],
) -> Iterator[dict[str, object]]:
    """Train the network on all platforms' rows in one place, and measure it on each.

    Args:
        platforms: Their names.
        training: Rows of all platforms, and how to train.
        facts: Fields of every record.
        measure: Ranks a platform's held-out items, given its index.
    """
    try:
        model = fit_model(NETWORK, training)
    except EvaluationError as error:
        yield from ({"platform": name, **facts, "error": str(error)} for name in platforms)
        return
    told = {**facts, **getattr(model, "privacy", {}), "parameters": model.parameters}
    for index in range(len(platforms)):
        yield measure(index, told, model)


def pool_learners(platforms: Sequence[Interactions]) -> Interactions:
    """All rows in one; learners of different platforms are different learners.

    Raises:
        EvaluationError: The platforms' items differ.
    """
    first = platforms[0]
    if any(rows.item_ids != first.item_ids for rows in platforms):
        raise EvaluationError("all platforms must be indexed by the same items")
    sizes = np.array([len(rows.learner_ids) for rows in platforms])
    before = np.cumsum(sizes) - sizes
    learner = [rows.learner + shift for rows, shift in zip(platforms, before, strict=True)]
    return replace(
        first,
        learner_ids=tuple(
            f"{place}:{name}" for place, rows in enumerate(platforms) for name in rows.learner_ids
        ),
        learner=np.concatenate(learner).astype(np.int32),
        item=np.concatenate([rows.item for rows in platforms]),
        timestamp=np.concatenate([rows.timestamp for rows in platforms]),
        order=np.concatenate([rows.order for rows in platforms]),
        verb=np.concatenate([rows.verb for rows in platforms]),
        score=np.concatenate([rows.score for rows in platforms]),
    )
