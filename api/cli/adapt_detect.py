"""`adapt --detect`: which format a file is of, and why; `adapt --list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from api.cli.output import write_json
from platform_adapters.detect import detect
from platform_adapters.errors import ReadError
from platform_adapters.format import ROWS
from platform_adapters.readers.glimpse import look
from platform_adapters.registry import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platform_adapters.detect import Guess

_NEAR = 0.75
"""Share of a sign's names from which on a second format is worth a word."""

_NEXT = {
    "log": "murmuration adapt {name} {file} --out interactions.csv",
    "side": "name it beside the log that it belongs to",
    "catalogue": "murmuration adapt {name} {file} --catalogue-out catalogue.csv",
}


def print_list(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the adapters and end."""
    if not wanted or context.resilient_parsing:
        return
    for adapter in ADAPTERS.values():
        click.echo(f"{adapter.name:12}reads {adapter.summary}")
        click.echo(f"{'':12}tried on: {adapter.tried_on}")
        for example in adapter.examples():
            click.echo(f"{'':12}example: {example}")
    context.exit()


def detect_files(paths: Sequence[Path], json_path: Path | None) -> int:
    """Say of each file what it is and why.

    Returns:
        How many files are of no known format.
    """
    records = [_detect_one(path) for path in paths]
    if json_path is not None:
        names = {"inputs": [path.name for path in paths]}
        write_json(json_path, "adapt-detect", names, records)
    return sum(not record["adapter"] for record in records)


def _detect_one(path: Path) -> dict[str, Any]:
    try:
        guesses = detect(path, ADAPTERS.values())
    except ReadError as error:
        click.echo(f"{path.name}: {error}")
        return {"file": path.name, "adapter": None, "why": str(error)}
    best = guesses[0] if guesses and guesses[0].fits else None
    others = [guess for guess in guesses if guess is not best]
    if best is None:
        _print_unknown(path, others)
    else:
        _print_known(path, best, others)
    return {
        "file": path.name,
        "adapter": best.format.name if best else None,
        "role": best.sign.role if best else None,
        "why": best.why if best else "no format fits",
        "others": [{"adapter": guess.format.name, "why": guess.why} for guess in others[:3]],
    }


def _print_known(path: Path, best: Guess, others: Sequence[Guess]) -> None:
    click.echo(f"{path.name}: {best.format.name}, a {best.sign.role}: {best.why}")
    click.echo(f"  next: {_NEXT[best.sign.role].format(name=best.format.name, file=path.name)}")
    if best.sign.example:
        click.echo(f"  it says: {best.sign.example}")
    near = (g for g in others if g.share >= _NEAR and g.format is not best.format)
    rival = next(near, None)
    if rival is not None:
        click.echo(f"  or {rival.format.name}: {rival.why}")


def _print_unknown(path: Path, near: Sequence[Guess]) -> None:
    click.echo(f"{path.name}: no format that is known here")
    for guess in near[:2]:
        click.echo(f"  nearest is {guess.format.name}: {guess.why}")
    if look(path).kind in ROWS:
        click.echo(f"  a table of any kind: murmuration adapt table --guess {path.name}")
