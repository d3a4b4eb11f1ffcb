"""`adapt table --guess`: a proposal for what the columns of an unknown table mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platform_adapters.column_guess import guess_columns, map_text
from platform_adapters.errors import OptionsError
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path


def guess_map(path: Path, target: Path | None) -> None:
    """Print a proposal, with the reason for each column, and write it as a map.

    Args:
        path: The table.
        target: Where the map goes; None: beside nothing, into `<name>.map.toml` here.
    """
    guess = guess_columns(path)
    for proposal in guess.proposals:
        samples = ", ".join(proposal.samples) or "(empty)"
        click.echo(f"{proposal.column}  ->  {proposal.ours or '(not read)'}")
        click.echo(f"    because of {proposal.why}" if proposal.ours else f"    {proposal.why}")
        click.echo(f"    such as {samples}")
    for question in guess.open:
        click.echo(f"You must decide: {question}")
    target = target or path.with_name(f"{path.name}.map.toml")
    if target.exists():
        raise OptionsError(f"{target} exists; move it away, or name another with --map")
    atomic_write(target, map_text(guess, path.name).encode())
    click.echo(
        f"Written: {target}. Read it, then: murmuration adapt table {path.name} --map {target}"
    )
