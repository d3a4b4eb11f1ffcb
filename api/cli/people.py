"""`erase` and `export-learner`: what a learner may ask for."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option, out_option
from api.cli.output import plain, write_json
from api.home import find_home
from api.people import erase as erase_learner
from api.people import export as export_everything
from api.settings import load_settings
from api.store.opening import open_store
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("learner")
@home_option
@json_option
def erase(learner: str, home: Path | None, json_path: Path | None) -> None:
    """Remove a learner and print a receipt that says what stays, and why.

    LEARNER is the platform's own id. If the learner was in a release, a keyed hash stays, so that
    the same person enrolled again is not released twice (R3).

    Example: murmuration erase 4711 --home alder
    """
    place = find_home(home)
    with open_store(place, load_settings(place)) as store:
        receipt = erase_learner(place, store, learner)
    removed = ", ".join(f"{name} {count:,}" for name, count in receipt.rows.items() if count)
    click.echo(f"Removed: {removed or 'nothing was stored'}.")
    for sentence in receipt.sentences:
        click.echo(sentence)
    if json_path is not None:
        # The id was typed by who asked; the file need not say it again.
        write_json(json_path, "erase", {}, [asdict(receipt)])


@click.command("export-learner")
@click.argument("learner")
@home_option
@out_option
def export_learner(learner: str, home: Path | None, out: Path) -> None:
    """Write everything that this home holds about a learner to a JSON file.

    Example: murmuration export-learner 4711 --out 4711.json --home alder
    """
    place = find_home(home)
    with open_store(place, load_settings(place)) as store:
        found = export_everything(place, store, learner)
    text = json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n"
    atomic_write(out, text.encode(), mode=0o600)
    rows = len(found["interactions"])
    click.echo(f"{out}: {rows:,} interactions; readable by you alone, as it should stay.")
