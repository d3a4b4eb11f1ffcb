"""What `murmuration recommend` prints: the same path as the API and the page give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.cli.output import write_json
from api.paths import PathAsk
from api.services import open_services

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home


def show_path(
    home: Home, learner: str, *, limit: int, minutes: float | None, json_path: Path | None
) -> None:
    """Print a learner's path with the reason for each step.

    Raises:
        ApiError: The learner id cannot be used, or the home cannot be opened.
    """
    services = open_services(home)
    try:
        result = services.paths.answer(PathAsk(learner, limit=limit, minutes=minutes, trusted=True))
    finally:
        services.store.close()
    path = result.path
    if path.fallback:
        click.echo("Nothing is known of this learner: a general path.")
    if path.complete:
        click.echo("Nothing is left to recommend: the learner has done it all.")
    records = []
    for step in path.steps:
        title = result.catalogue.title(result.catalogue.index[step.item])
        length = f" ({step.minutes:.0f} min)" if step.minutes is not None else ""
        click.echo(f"{step.rank}. {title}{length}")
        for reason in step.reasons:
            click.echo(f"   {reason.text}")
        reasons = [{"code": reason.code, "text": reason.text} for reason in step.reasons]
        records.append({"rank": step.rank, "item": step.item, "reasons": reasons})
    for warning in path.warnings:
        click.echo(f"Warning: {warning}")
    if json_path:
        args = {"limit": limit, "minutes": minutes}
        write_json(json_path, "recommend", args, records)
