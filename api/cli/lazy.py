"""A group of commands that are imported only when they are called.

It keeps `serve` free of pandas and the swarm's libraries, `--help` fast, and every command usable
where another's extra is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRAS = {
    "libp2p": "swarm",
    "trio": "swarm",
    "torch": "train",
    "opacus": "train",
    "implicit": "train",
    "psycopg": "postgres",
}
"""Which extra brings a library that may be missing."""


class LazyGroup(click.Group):
    """A group with a table: command name to `module:attribute` and one line of help."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command.

        Raises:
            click.ClickException: An extra is not installed.
        """
        del ctx
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            extra = EXTRAS.get((error.name or "").split(".")[0])
            if extra is None:
                raise
            raise click.ClickException(
                f"{cmd_name!r} needs {error.name}: pip install -c constraints.txt '.[{extra}]'"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])
