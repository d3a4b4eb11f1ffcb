"""What `evaluate` and `compare` read: an interaction table and, if given, its catalogue."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import numpy as np
from click.core import ParameterSource

from platform_adapters.catalogues.table import read_catalogue
from platform_adapters.training_sets import read_table, verbs_for
from recommender.catalogue import CatalogueItem
from recommender.errors import EvaluationError
from recommender.statistics.fit import recommendable
from recommender.trial import check_delta, largest_delta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from platform_adapters.training_sets import Level, RowTable
    from recommender.interactions import Interactions

NOTICE = "Figures about real learners, made without privacy: not for publication."


@dataclass(frozen=True, eq=False)
class Material:
    """Files read for a measurement.

    Attributes:
        table: The interaction table.
        level: Whether items or courses are recommended.
        verbs: Verbs that count.
        entries: What may be recommended, in the order of every `Interactions` made here.
        has_catalogue: Whether a catalogue was given.
    """

    table: RowTable
    level: Level
    verbs: tuple[str, ...]
    entries: list[CatalogueItem]
    has_catalogue: bool

    def interactions(self, table: RowTable | None = None, part: object = None) -> Interactions:
        """The rows, a part of them, or those of another table, indexed by `entries`."""
        rows = self.table if table is None else table
        return rows.interactions(
            level=self.level,
            verbs=self.verbs,
            part=part,
            item_ids=[entry.item for entry in self.entries],
        )


def read_material(
    path: Path,
    catalogue_path: Path | None,
    recommend: str,
    timezone: str | None = None,
    test: RowTable | None = None,
    part: str | None = None,
) -> Material:
    """Read an interaction table and its catalogue.

    Items of the catalogue come first, in its order, then items that only the rows know, in the
    order of their ids.

    Args:
        path: The interaction table.
        catalogue_path: The catalogue table, or None.
        recommend: `items`, `courses`, or `auto`: courses where the catalogue, or without one every
            row, is about courses alone.
        timezone: Zone of local times.
        test: Rows of a test file; their items are candidates too.
        part: A column by which rows are parted, such as the platform.

    Raises:
        ReadError: The table cannot be read.
        CatalogueError: The catalogue cannot be read.
    """
    table = read_table(path, timezone=timezone, part=part)
    listed = list(read_catalogue(catalogue_path)) if catalogue_path else []
    level = _level(table, listed, recommend)
    verbs = verbs_for(level)
    entries = recommendable(listed, level)
    known = {entry.item for entry in entries}
    for rows in (table, test):
        if rows is not None:
            found = rows.item_ids(level=level, verbs=verbs)
            entries.extend(CatalogueItem(item) for item in found if item not in known)
            known.update(found)
    return Material(table, level, verbs, entries, catalogue_path is not None)


def _level(table: RowTable, listed: Sequence[CatalogueItem], recommend: str) -> Level:
    if recommend != "auto":
        return cast("Level", recommend)
    if listed:
        return "courses" if all(entry.type == "course" for entry in listed) else "items"
    return "courses" if table.is_about_courses else "items"


def with_learners(interactions: Interactions, learner_ids: Sequence[str]) -> Interactions:
    """The rows indexed by `learner_ids`, which hold all learners of the rows."""
    place = {name: index for index, name in enumerate(learner_ids)}
    index = np.array([place[name] for name in interactions.learner_ids], dtype=np.int32)
    learner = index[interactions.learner] if index.size else interactions.learner
    return replace(interactions, learner_ids=tuple(learner_ids), learner=learner)


def read_negatives(
    path: Path, learner_ids: Sequence[str], item_ids: Sequence[str]
) -> dict[int, NDArray[np.int32]]:
    """Read a file of negatives: a CSV with the columns `learner` and `item`.

    Returns:
        Item indices by learner index; learners without rows in the interactions are left out.

    Raises:
        EvaluationError: A column is missing, or an item is in no table.
    """
    learners = {name: index for index, name in enumerate(learner_ids)}
    items = {name: index for index, name in enumerate(item_ids)}
    found: dict[int, list[int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not {"learner", "item"} <= set(reader.fieldnames or ()):
            raise EvaluationError(f"{path.name}, line 1: expected the columns learner and item")
        for row in reader:
            if row["item"] not in items:
                raise EvaluationError(
                    f"{path.name}, line {reader.line_num}: unknown item {row['item']!r}"
                )
            if row["learner"] in learners:
                found.setdefault(learners[row["learner"]], []).append(items[row["item"]])
    return {learner: np.array(each, dtype=np.int32) for learner, each in found.items()}


def parse_epsilons(
    context: click.Context, parameter: click.Parameter, text: str
) -> tuple[float, ...]:
    """Parse numbers above 0 or `inf`, separated by commas; anything else is wrong usage."""
    numbers = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if not number > 0:
            raise click.BadParameter(
                f"{part!r} is no epsilon: give numbers above 0, or inf", context, parameter
            )
        numbers.append(number)
    return tuple(numbers)


def parse_cut_offs(
    context: click.Context, parameter: click.Parameter, text: str
) -> tuple[int, ...]:
    """Parse whole numbers from 1, separated by commas; anything else is wrong usage."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= 1 for part in parts):
        raise click.BadParameter(
            f"{text!r} are no cut-offs: give whole numbers from 1, such as 5,10", context, parameter
        )
    return tuple(sorted({int(part) for part in parts}))


def parse_delta(context: click.Context, parameter: click.Parameter, text: str) -> Fraction:
    """Parse a number above 0 and below 1, kept exact; anything else is wrong usage."""
    try:
        delta = Fraction(text)
    except (ValueError, ZeroDivisionError):
        delta = Fraction(0)
    if not 0 < delta < 1:
        raise click.BadParameter(
            f"{text!r} is no delta: give a number above 0 and below 1", context, parameter
        )
    return delta


def delta_within_rule(delta: Fraction, learners: int) -> Fraction:
    """The delta given, refused where R15 forbids it; the default gives way where it would be.

    Args:
        delta: As the running command parsed it.
        learners: Of the largest release.

    Raises:
        EvaluationError: A delta was given that is above the rule.
    """
    given = click.get_current_context().get_parameter_source("delta")
    if given is not ParameterSource.DEFAULT:
        check_delta(delta, learners)
    return min(delta, largest_delta(learners))


epsilon_option = click.option(
    "--epsilon",
    "epsilons",
    callback=parse_epsilons,
    default="4,inf",
    show_default=True,
    metavar="E[,E...]",
    help="Privacy of one release; inf is none.",
)
delta_option = click.option(
    "--delta", callback=parse_delta, default="1e-6", show_default=True, metavar="D"
)
at_option = click.option(
    "--at",
    callback=parse_cut_offs,
    default="5,10",
    show_default=True,
    metavar="K[,K...]",
    help="Cut-offs of the figures.",
)
ties_option = click.option(
    "--ties",
    type=click.Choice(["set", "one"]),
    default="set",
    show_default=True,
    help="Several items at a learner's last time: hold the set out, or one of them.",
)
prior_option = click.option(
    "--prior",
    type=click.Choice(["network", "none"]),
    default="network",
    show_default=True,
    help="How noised pairs are denoised: by a small network where torch is installed, or plainly.",
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
recommend_option = click.option(
    "--recommend",
    type=click.Choice(["auto", "items", "courses"]),
    default="auto",
    show_default=True,
    help="What is recommended; auto is courses where nothing else is there.",
)
timezone_option = click.option(
    "--timezone", help="Zone of local times, such as Europe/Berlin. Never guessed."
)
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)
interactions_option = click.option(
    "--interactions",
    "interactions_path",
    type=existing_file,
    required=True,
    help="Interaction table: CSV, JSON lines or Parquet.",
)
catalogue_option = click.option(
    "--catalogue",
    "catalogue_path",
    type=existing_file,
    help="Catalogue table: texts, content keys and the course order.",
)
