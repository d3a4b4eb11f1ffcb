"""The demo's table: what each platform reaches alone and merged, measured on its own store.

Runs beside the swarm in a process of its own, on the very code that contributes and fits.
"""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from api.cli.output import show_table
from api.demo.sample import shared_catalogue
from api.home import Home
from api.shared_catalogue import index_items, read_keys
from api.store.opening import open_store
from recommender.catalogue import CatalogueItem
from recommender.comparison import Options, compare_for_table
from recommender.comparison_table import EVERYBODY, table_rows
from recommender.statistics.sequences import COURSE_VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recommender.comparison_table import Cell
    from recommender.interactions import Interactions

AT = 10
MAX_TARGETS = 5_000
SEED = 0


def compute_rows(homes: Mapping[str, Path], *, network: bool = False) -> list[dict[str, object]]:
    """Measure popularity, course order, alone, merged and pooled for every platform.

    Args:
        homes: Home folders by platform name.
        network: Whether to train and measure the network too; needs the extra `train`.

    Returns:
        Records as `murmuration compare` gives them.
    """
    os.nice(5)  # the swarm beside us goes first
    path = shared_catalogue()
    data = path.read_bytes()
    keys = read_keys(data, str(path))
    entries = [
        CatalogueItem(
            row["content_key"], title=row["title"], description=row["description"], type="course"
        )
        for row in csv.DictReader(data.decode().splitlines())
    ]
    sets = {name: _read(Home(folder), keys) for name, folder in homes.items()}
    options = Options(
        verbs=COURSE_VERBS,
        ties="one",
        at=(AT,),
        seed=SEED,
        max_targets=MAX_TARGETS,
        network=network,
    )
    records, _ = compare_for_table(sets, entries, options)
    return records


def _read(home: Home, keys: Sequence[str]) -> Interactions:
    """A platform's interactions, its items named by shared content keys."""
    with open_store(home) as store:
        interactions = store.training_interactions("local")
        place = index_items(interactions.item_ids, store.catalogue(), keys)
    item = place[interactions.item]
    kept = item >= 0
    return replace(
        interactions,
        item_ids=tuple(keys),
        learner=interactions.learner[kept],
        item=item[kept].astype(np.int32),
        timestamp=interactions.timestamp[kept],
        order=interactions.order[kept],
        verb=interactions.verb[kept],
        score=interactions.score[kept],
    )


def show_rows(records: Sequence[Mapping[str, object]]) -> None:
    """Print the table: hit rate of the first ten, with n and standard error."""
    rows = table_rows(records, AT)
    names = [name for name in rows[0].cells if name != EVERYBODY]
    targets = {name: rows[0].cells[name].targets for name in names}
    show_table(
        f"HR@{AT}: how often a learner's held-out course is among the first {AT} of 238",
        ("", *(f"{name} (n={targets[name]:,})" for name in names)),
        [(row.label, *(_cell(row.cells.get(name)) for name in names)) for row in rows],
        caption=(
            "± is one standard error. Non-private figures are for this demo, not for publication. "
            "The split into platforms is random (the source names no provider), so this shows what "
            "merging gives to platforms that differ in size only; text is rendered and says little."
        ),
    )


def describe(records: Sequence[Mapping[str, object]]) -> str:
    """One sentence of what merging gave."""
    by_label = {row.label: row.cells for row in table_rows(records, AT)}
    alone, merged = by_label["alone, exact"], by_label["merged (open), epsilon 4"]
    gains = ", ".join(
        f"{name} {merged[name].value / alone[name].value:.2f}x"
        for name in merged
        if name != EVERYBODY and alone[name].value > 0
    )
    return f"Merged at epsilon 4 against the strongest model alone: {gains}."


def _cell(cell: Cell | None) -> str:
    return "-" if cell is None else f"{cell.value:.3f} ±{cell.standard_error:.3f}"
