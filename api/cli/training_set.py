"""`training-set`: what models are trained on, as one table, learner by learner."""

from __future__ import annotations

import csv
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import click

from api.cli.interaction_files import existing_file, timezone_option
from api.cli.options import home_option, json_option, out_option
from api.cli.output import write_json
from api.home import find_home
from api.store.opening import open_store
from platform_adapters.learner_sequences import file_sequences
from platform_adapters.training_sets import verbs_for
from recommender.interactions import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.store.training import Purpose
    from platform_adapters.learner_sequences import LearnerSequence
    from platform_adapters.training_sets import Level

COLUMNS = ("learner", "item", "timestamp", "order", "verb", "score", "course")


@click.command()
@click.option(
    "--interactions",
    "interactions_path",
    type=existing_file,
    help="An interaction table (CSV, JSON lines or Parquet) instead of a home's store.",
)
@home_option
@click.option(
    "--purpose",
    type=click.Choice(["local", "share"]),
    default="local",
    show_default=True,
    help="Of a home: the learners who consent to this.",
)
@click.option(
    "--recommend",
    type=click.Choice(["items", "courses"]),
    default="items",
    show_default=True,
    help="Of a file: what is recommended. A home has its own setting.",
)
@timezone_option
@out_option
@json_option
def training_set(
    interactions_path: Path | None,
    home: Path | None,
    purpose: str,
    recommend: str,
    timezone: str | None,
    out: Path,
    json_path: Path | None,
) -> None:
    """Write what models are trained on: learner by learner, oldest first, in bounded memory.

    Left out are learners who do not consent (of a home), events that say nothing about learning an
    item, withdrawn events and completions that were taken back. Teachers, previews, guests and
    "logged in as" never come into a store or out of `adapt`. `evaluate` reads the result.

    Example: murmuration training-set --home school --out training.csv
    """
    with ExitStack() as stack:
        if interactions_path is not None:
            level = cast("Level", recommend)
            found = file_sequences(
                interactions_path, level=level, verbs=verbs_for(level), timezone=timezone
            )
        else:
            store = stack.enter_context(open_store(find_home(home)))
            level = store.recommend
            found = store.training_sequences(cast("Purpose", purpose))
        learners, rows = _write(found, level, out)
    click.echo(f"{rows:,} rows of {learners:,} learners: {out}", err=True)
    if json_path:
        record = {"learners": learners, "rows": rows, "recommend": level}
        write_json(json_path, "training-set", click.get_current_context().params, [record])


def _write(sequences: Iterator[LearnerSequence], level: Level, out: Path) -> tuple[int, int]:
    """Write rows of the interaction table; returns how many learners and rows there were."""
    learners = rows = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for own in sequences:
            learners, rows = learners + 1, rows + len(own)
            writer.writerows(_rows(own, level))
    return learners, rows


def _rows(own: LearnerSequence, level: Level) -> Iterator[tuple[object, ...]]:
    columns = (own.timestamp.tolist(), own.order.tolist(), own.verb.tolist(), own.score.tolist())
    for item, time, order, verb, score in zip(own.items, *columns, strict=True):
        course = item if level == "courses" else ""
        known = "" if math.isnan(score) else f"{score:.7g}"
        yield own.learner, item, time or "", order, VERBS[verb], known, course
