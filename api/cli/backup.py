"""`backup` and `restore`."""

from __future__ import annotations

from pathlib import Path

import click

from api.backup import back_up
from api.backup import restore as restore_home
from api.cli.options import home_option, out_option
from api.home import Home, find_home
from api.settings import load_settings
from api.store.opening import open_store


@click.command()
@home_option
@out_option
def backup(home: Path | None, out: Path) -> None:
    """Write one file from which this home can be made again; keep it as safe as the keys in it.

    It holds no vote log and nothing fitted from exact data. The home may be in use meanwhile.

    Example: murmuration backup --out alder.backup --home alder
    """
    place = find_home(home)
    settings = load_settings(place)
    with open_store(place, settings) as store:
        has_store = back_up(place, settings, store, out)
    click.echo(f"{out}: {out.stat().st_size:,} bytes, with every key of {place.path}.")
    if not has_store:
        click.echo("The store is a database server's: back it up with its own tool as well.")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@home_option
def restore(file: Path, home: Path | None) -> None:
    """Make a home from a backup; nothing is released from it until it has been reconciled (R3).

    Example: murmuration restore alder.backup --home alder
    """
    if home is None:
        raise click.UsageError("name the folder to make: --home DIR")
    restore_home(file, Home(home))
    click.echo(
        f"Restored {home}. No release is made until the spend log is reconciled:\n"
        f"  murmuration train --home {home}\n"
        f"  murmuration peer --restored --home {home}   (if it is in a swarm)\n"
        f"  murmuration swarm reconcile --home {home}"
    )
