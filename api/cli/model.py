"""`murmuration train|fit|recommend`: fit what is served, and ask it for a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.fitting import Fitted
from api.fitting import fit as fit_home
from api.home import Home, find_home
from api.local_mix import explain
from api.settings import load_settings
from api.store.opening import open_store
from recommender.statistics.local import LEARNER_FLOOR, PAIR_FLOOR

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@home_option
@json_option
def train(home: Path | None, json_path: Path | None) -> None:
    """Build the platform's own exact statistics and fit what it serves.

    Example: murmuration train --home HOME
    """
    _fit(find_home(home), json_path, "train")


@click.command()
@home_option
@click.option("--explain", "explained", is_flag=True, help="Show which parts the mix weighs.")
@json_option
def fit(home: Path | None, explained: bool, json_path: Path | None) -> None:
    """Fit HEAD and own statistics into SERVING; the peer starts this after a merge.

    Example: murmuration fit --home HOME --explain
    """
    _fit(find_home(home), json_path, "fit", explained=explained)


def _fit(home: Home, json_path: Path | None, command: str, *, explained: bool = False) -> None:
    settings = load_settings(home)
    with open_store(home, settings) as store:
        fitted = fit_home(home, settings, store)
    _report(fitted)
    if explained:
        for line in explain(fitted.mix):
            click.echo(f"  {line}")
    if json_path:
        record = {
            "digest": fitted.digest,
            "round": fitted.round,
            "items": fitted.items,
            "uses_own": fitted.uses_own,
            "shares": fitted.shares,
        }
        write_json(json_path, command, {"home": str(home.path)}, [record])


def _report(fitted: Fitted) -> None:
    source = f"the merged model of round {fitted.round}" if fitted.round else "no merged model yet"
    click.echo(f"Serving {fitted.digest[:16]}…: {fitted.items} items, {source}.")
    if not fitted.items:
        click.echo("The catalogue is empty: run `murmuration catalogue import`, then train again.")
    elif not fitted.uses_own:
        click.echo(
            f"Own exact statistics are not used: below {LEARNER_FLOOR} consenting learners, or no "
            f"pair of items with {PAIR_FLOOR} learners behind it (R17)."
        )
    if fitted.round and not fitted.shares:
        click.echo(
            "Members are not held to their shares, only within R34's cap: fewer than three of them "
            "have contributed, or a contribution is missing here until the peer fetches it again."
        )


@click.command()
@click.argument("learner")
@home_option
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Time that there is.")
@json_option
def recommend(
    learner: str, home: Path | None, limit: int, minutes: float | None, json_path: Path | None
) -> None:
    """Show a learner's path with the reason for each step.

    LEARNER is the platform's own id or a pseudonym of this home.

    Example: murmuration recommend 4711 --minutes 90
    """
    from api.cli.recommend import show_path  # noqa: PLC0415 (the API's parts load with it)

    show_path(find_home(home), learner, limit=limit, minutes=minutes, json_path=json_path)
