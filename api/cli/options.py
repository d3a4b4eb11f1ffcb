"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.home import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def names_of(
    what: str, known: Sequence[str], nothing: str | None = None
) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """The callback of an option that takes names out of a list, separated by commas.

    Args:
        what: What one of them is called.
        known: The list; any other name is wrong usage.
        nothing: Text that stands for none of them, if any may be meant.
    """

    def read(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
        if text == nothing:
            return ()
        names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
        for name in names:
            if name not in known:
                sentence = f"unknown {what} {name!r}; known: {', '.join(known)}"
                raise click.BadParameter(sentence, context, parameter)
        return names

    return read


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=HOME_VARIABLE,
    help=f"The platform's folder; also {HOME_VARIABLE}.",
)
json_option = click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the machine-readable result to this file; - is standard output.",
)
out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write.",
)
