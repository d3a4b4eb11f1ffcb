"""`murmuration evaluate`: how well models find the items that learners took next."""

from __future__ import annotations

import math
import resource
import sys
import time
from pathlib import Path
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
    existing_file,
    interactions_option,
    prior_option,
    read_material,
    read_negatives,
    recommend_option,
    seed_option,
    ties_option,
    timezone_option,
    with_learners,
)
from api.cli.options import json_option, names_of
from api.cli.output import progress, show_table, write_json
from platform_adapters.training_sets import read_table
from recommender.errors import RecommenderError
from recommender.evaluation import Split, given_test, leave_last_out
from recommender.evaluation import evaluate as rank
from recommender.metrics import summarise
from recommender.models import BASELINES, MODEL_NAMES, Training, fit_model
from recommender.trial import privacy_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from platform_adapters.training_sets import RowTable
    from recommender.evaluation import Ties
    from recommender.statistics.covariates import PriorKind


def parse_negatives(context: click.Context, parameter: click.Parameter, text: str) -> str:
    """Check that negatives are `full`, a number above 0, or a file; else it is wrong usage."""
    if text == "full" or (text.isdecimal() and int(text) > 0) or Path(text).is_file():
        return text
    raise click.BadParameter(
        f"{text!r} is neither 'full', a number above 0, nor a file", context, parameter
    )


@click.command()
@interactions_option
@click.option(
    "--test",
    "test_path",
    type=existing_file,
    help="Interaction table of held-out rows; without it each learner's last new item is held out.",
)
@catalogue_option
@click.option(
    "--model",
    "models",
    callback=names_of("model", MODEL_NAMES),
    default="popularity,course-order,statistics",
    show_default=True,
    metavar="NAME[,NAME...]",
    help=f"Any of {', '.join(MODEL_NAMES)}.",
)
@epsilon_option
@delta_option
@click.option(
    "--negatives",
    callback=parse_negatives,
    default="full",
    show_default=True,
    metavar="full|N|FILE",
    help="Rank against all items, N drawn ones, or those of a CSV with learner and item.",
)
@ties_option
@prior_option
@at_option
@recommend_option
@timezone_option
@seed_option
@json_option
def evaluate(
    interactions_path: Path,
    test_path: Path | None,
    catalogue_path: Path | None,
    models: tuple[str, ...],
    epsilons: tuple[float, ...],
    delta: Fraction,
    negatives: str,
    ties: str,
    prior: str,
    at: tuple[int, ...],
    recommend: str,
    timezone: str | None,
    seed: int,
    json_path: Path | None,
) -> None:
    """Hold items out, rank them with each model, and print how often they are found.

    Example: murmuration evaluate --interactions events.parquet --model statistics,ease --epsilon 4
    """
    test = read_table(test_path, timezone=timezone) if test_path else None
    material = read_material(interactions_path, catalogue_path, recommend, timezone, test)
    if test is None:
        split = leave_last_out(
            material.interactions(), material.verbs, ties=cast("Ties", ties), seed=seed
        )
    else:
        split = _test_split(material, test)
    against = _negatives(negatives, split)
    click.echo(NOTICE, err=True)
    delta = delta_within_rule(delta, len(split.train.learner_ids))
    plan = [(name, e) for name in models for e in _epsilons_of(name, epsilons)]
    records = []
    with progress(len(plan), "Evaluating") as ticker:
        for name, epsilon in plan:
            training = _training(material, split, (epsilon, delta), seed, cast("PriorKind", prior))
            records.append(_record(name, training, split, at, (negatives, against)))
            ticker.advance(note=name)
    _show(records, max(at))
    if json_path:
        parameters = click.get_current_context().params
        write_json(json_path, "evaluate", parameters, records)


def _epsilons_of(name: str, epsilons: Sequence[float]) -> Iterator[float]:
    """Baselines have no private form: they are given once, without privacy."""
    yield from (math.inf,) if name in BASELINES else epsilons


def _test_split(material: Material, test: RowTable) -> Split:
    train, held_out = material.interactions(), material.interactions(test)
    learner_ids = tuple(dict.fromkeys((*train.learner_ids, *held_out.learner_ids)))
    return given_test(
        with_learners(train, learner_ids), with_learners(held_out, learner_ids), material.verbs
    )


def _negatives(text: str, split: Split) -> int | Mapping[int, NDArray[np.int32]] | None:
    if text == "full":
        return None
    if text.isdecimal():
        return int(text)
    return read_negatives(Path(text), split.train.learner_ids, split.train.item_ids)


def _training(
    material: Material,
    split: Split,
    privacy: tuple[float, Fraction],
    seed: int,
    prior: PriorKind,
) -> Training:
    epsilon, delta = privacy
    return Training(
        split.train,
        material.verbs,
        material.entries if material.has_catalogue else None,
        epsilon,
        delta,
        seed,
        prior,
        split.ties,
    )


def _record(
    name: str,
    training: Training,
    split: Split,
    at: Sequence[int],
    negatives: tuple[str, int | Mapping[int, NDArray[np.int32]] | None],
) -> dict[str, object]:
    """Fit, rank and summarise one model; what cannot run gives its reason as `error`."""
    facts: dict[str, object] = {
        "model": name,
        **privacy_for(training.epsilon, training.delta).record(),
        "seed": training.seed,
        "learners": len(split.train.learner_ids),
        "items": training.items,
        "interactions": len(split.train),
        "targets": len(split.known),
        "skipped": split.skipped,
        "split": split.name,
        "ties": split.ties,
        "negatives": negatives[0],
    }
    try:
        began = time.perf_counter()
        model = fit_model(name, training)
        trained = time.perf_counter()
        outcome = rank(
            model,
            split,
            training.items,
            negatives=negatives[1],
            seed=training.seed,
            depth=max(at),
        )
    except RecommenderError as error:
        return {**facts, "error": str(error)}
    order = getattr(model, "source", None)
    constants = getattr(model, "constants", None)
    return {
        **facts,
        **getattr(model, "privacy", {}),  # a network names its own noise
        **({} if order is None else {"order": order}),
        **({} if constants is None else {"tuned": constants}),
        **summarise(outcome, at),
        "train_seconds": trained - began,
        "score_seconds": time.perf_counter() - trained,
        "parameters": model.parameters,
        "peak_rss_mb": _peak_rss_mb(),
    }


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _spread(error: object) -> str:
    """A standard error, which a single learner has not."""
    return "-" if not isinstance(error, float) or math.isnan(error) else f"{error:.3f}"


def _show(records: Sequence[Mapping[str, object]], k: int) -> None:
    rows = []
    for record in records:
        name = str(record["model"])
        if "order" in record:
            name += f" ({record['order']})"
        if "error" in record:
            click.echo(f"{name}: {record['error']}", err=True)
            continue
        rows.append(
            (
                name,
                f"{record['epsilon']:g}",
                f"{record['sigma']:.4g}",
                f"{record[f'hit_rate@{k}']:.3f} ± {_spread(record[f'hit_rate@{k}_se'])}",
                f"{record[f'ndcg@{k}']:.3f}",
                f"{record['mrr']:.3f}",
                f"{record['coverage']:.2f}",
            )
        )
    first = records[0]
    columns = ("model", "epsilon", "sigma", f"HR@{k} ± s.e.", f"NDCG@{k}", "MRR", "coverage")
    caption = (
        f"{first['targets']:,} learners with a held-out item, {first['skipped']:,} skipped; split "
        f"{first['split']}, ties {first['ties']}, negatives {first['negatives']}."
    )
    show_table("How often the held-out item is found", columns, rows, caption=caption)
