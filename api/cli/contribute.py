"""`murmuration contribute`: what the peer starts to make this platform's contribution."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from datetime import datetime

ABSTAINED = 3


@click.command()
@click.argument("manifest", type=click.Path(dir_okay=False, path_type=Path))
@home_option
@click.option("--round", "number", required=True, type=click.IntRange(1), help="The round.")
@click.option("--attempt", required=True, type=click.IntRange(1, 2), help="Its attempt.")
@click.option(
    "--as-of",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date that decides who is due.",
)
def contribute(
    manifest: Path, home: Path | None, number: int, attempt: int, as_of: datetime
) -> None:
    """Release this platform's due learners for a round: noised sums, once per learner.

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
    try:
        with open_store(place, settings) as store:
            path = make(place, settings, store, RoundTask(number, attempt, as_of.date()))
    except AbstainedError as reason:
        click.echo(str(reason))
        sys.exit(ABSTAINED)
    click.echo(f"Contribution to round {number} at {path}")
