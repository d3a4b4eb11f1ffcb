"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path

import click

from api.home import HOME_VARIABLE

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
