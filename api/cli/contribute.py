"""`murmuration contribute`: what the peer starts to make this platform's contribution."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option
from api.contributing import AbstainedError, RoundTask
from api.contributing import contribute as make
from api.founding import FoundingError
from api.home import find_home
from api.settings import load_settings
from api.store.opening import open_store
from api.training import contribute_update
from swarm.ledger.kinds import PARAMETERS, STATISTICS

if TYPE_CHECKING:
    from datetime import datetime

ABSTAINED = 3


def _digest(text: str) -> str:
    if text and re.fullmatch("[0-9a-f]{64}", text) is None:
        raise click.BadParameter("expected a digest, 64 letters and digits, or nothing")
    return text


@click.command()
@click.argument("manifest", type=click.Path(dir_okay=False, path_type=Path))
@home_option
@click.option("--round", "number", required=True, type=click.IntRange(1), help="The round.")
@click.option(
    "--kind",
    type=click.Choice([STATISTICS, PARAMETERS]),
    default=STATISTICS,
    show_default=True,
    help="What the round merges.",
)
@click.option(
    "--base",
    default="",
    callback=lambda _context, _option, text: _digest(text),
    help="Merged parameters to train from, by digest in hex.",
)
@click.option("--attempt", required=True, type=click.IntRange(1, 2), help="Its attempt.")
@click.option(
    "--as-of",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date that decides who is due.",
)
def contribute(
    manifest: Path,
    home: Path | None,
    number: int,
    attempt: int,
    as_of: datetime,
    kind: str,
    base: str,
) -> None:
    """Release this platform's due learners for a round: noised sums, once per learner.

    With --kind parameters it trains the swarm's network on them instead, for a whole training.

    Exits 0 when HOME/rounds/N/contribution.bin is there, 3 when this platform abstains, with the
    reason on the last line.

    Example: murmuration contribute MANIFEST --round 1 --attempt 1 --as-of 2026-09-01
    """
    place = find_home(home)
    if manifest.read_bytes() != place.manifest_path.read_bytes():
        raise FoundingError(
            f"{manifest} is not the manifest of the swarm that {place.path} has joined; "
            f"use {place.manifest_path}"
        )
    settings = load_settings(place)
    task = RoundTask(number, attempt, as_of.date(), base)
    try:
        with open_store(place, settings) as store:
            work = contribute_update if kind == PARAMETERS else make
            path = work(place, settings, store, task)
    except AbstainedError as reason:
        click.echo(str(reason))
        sys.exit(ABSTAINED)
    click.echo(f"Contribution to round {number} at {path}")
