"""`murmuration compare`: what each platform gains by merging."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import click

from api.cli.interaction_files import (
    NOTICE,
    Material,
    at_option,
    catalogue_option,
    delta_option,
    delta_within_rule,
    epsilon_option,
    interactions_option,
    prior_option,
    read_material,
    recommend_option,
    seed_option,
    ties_option,
    timezone_option,
)
from api.cli.options import json_option, names_of
from api.cli.output import progress, show_table, write_json
from recommender.comparison import MODES, Options, compare_platforms, count_records
from recommender.comparison_table import table_rows
from recommender.models import BASELINES
from recommender.trial import largest_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    from recommender.evaluation import Ties
    from recommender.interactions import Interactions
    from recommender.statistics.covariates import PriorKind


@click.command()
@interactions_option
@click.option(
    "--platform-column",
    required=True,
    metavar="COL",
    help="Column of the interaction table that names each row's platform.",
)
@catalogue_option
@epsilon_option
@delta_option
@click.option(
    "--modes",
    callback=names_of("mode", MODES),
    default=",".join(MODES),
    show_default=True,
    metavar="MODE[,MODE...]",
    help="Each platform alone, merged openly or with shared noise, pooled in one place.",
)
@click.option(
    "--baselines",
    callback=names_of("baseline", tuple(BASELINES), nothing=""),
    default="popularity,course-order",
    show_default=True,
    metavar="NAME[,NAME...]",
    help=f"Models of each platform alone, any of {', '.join(BASELINES)}.",
)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="PLATFORM",
    help="A platform trusted with most of a sum; by default one above two thirds of all by size.",
)
@click.option(
    "--max-targets",
    type=click.IntRange(min=1),
    help="Measure at most this many learners of a platform, drawn by the seed.",
)
@ties_option
@prior_option
@at_option
@recommend_option
@timezone_option
@seed_option
@json_option
def compare(
    interactions_path: Path,
    platform_column: str,
    catalogue_path: Path | None,
    epsilons: tuple[float, ...],
    delta: Fraction,
    modes: tuple[str, ...],
    baselines: tuple[str, ...],
    anchors: tuple[str, ...],
    max_targets: int | None,
    ties: str,
    prior: str,
    at: tuple[int, ...],
    recommend: str,
    timezone: str | None,
    seed: int,
    json_path: Path | None,
) -> None:
    """Measure each platform alone, merged in each mode, and pooled, on the same held-out items.

    The platforms' items must carry the same ids, or content keys in the catalogue.

    Example: murmuration compare --interactions all.parquet --platform-column platform --epsilon 4
    """
    material = read_material(
        interactions_path, catalogue_path, recommend, timezone, part=platform_column
    )
    platforms, material = _platforms(material, platform_column)
    options = Options(
        verbs=material.verbs,
        epsilons=epsilons,
        modes=modes,
        baselines=baselines,
        delta=delta_within_rule(delta, largest_release(platforms, modes)),
        ties=cast("Ties", ties),
        at=at,
        seed=seed,
        max_targets=max_targets,
        anchors=anchors or None,
        prior=cast("PriorKind", prior),
    )
    click.echo(NOTICE, err=True)
    with progress(count_records(len(platforms), options), "Comparing") as ticker:
        records = compare_platforms(
            platforms,
            material.entries if material.has_catalogue else None,
            options,
            lambda record: ticker.advance(note=f"{record['platform']}, {record['mode']}"),
        )
    for record in records:
        if "error" in record:
            click.echo(f"{record['platform']}, {record['mode']}: {record['error']}", err=True)
    show_comparison(records, max(at))
    if json_path:
        write_json(json_path, "compare", click.get_current_context().params, records)


def _platforms(material: Material, column: str) -> tuple[dict[str, Interactions], Material]:
    """Rows by platform, over items that share a content key where they have one."""
    names = material.table.parts
    if names is None:
        raise click.UsageError(f"--platform-column {column!r} is no column of the table")
    keys = {entry.item: entry.content_key for entry in material.entries if entry.content_key}
    if keys:
        first = {keys.get(entry.item, entry.item): entry for entry in reversed(material.entries)}
        shared = dict.fromkeys(keys.get(entry.item, entry.item) for entry in material.entries)
        material.table.name_items(keys)
        material = replace(material, entries=[replace(first[item], item=item) for item in shared])
    return {str(name): material.interactions(part=name) for name in names}, material


def show_comparison(records: Sequence[Mapping[str, object]], k: int) -> None:
    """Print the comparison's table: hit rate and standard error by platform."""
    rows = table_rows(records, k)
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    cells = [
        [
            row.label,
            *(
                f"{row.cells[name].value:.3f} ± {_spread(row.cells[name].standard_error)}"
                if name in row.cells
                else ""
                for name in names
            ),
        ]
        for row in rows
    ]
    targets = {name: row.cells[name].targets for row in rows for name in row.cells}
    columns = ["", *(f"{name} (n {targets[name]:,})" for name in names)]
    caption = (
        f"HR@{k} with its standard error over n held-out learners; * is the mean weighted by "
        "learners. Alone, exact: without the floor of 10 learners a pair that serving keeps."
    )
    show_table("What merging gives", columns, cells, caption=caption)


def _spread(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
