"""The `murmuration` command: a table of commands, each loaded when it is called.

Loading lazily keeps `serve` free of pandas and the swarm's libraries, and `--help` fast.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from api.errors import ApiError
from platform_adapters.errors import AdapterError
from recommender.errors import RecommenderError
from swarm.errors import SwarmError

if TYPE_CHECKING:
    from collections.abc import Mapping

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: our matrices are small

COMMANDS: Mapping[str, str] = {
    "init": "api.cli.home:init",
    "adapt": "api.cli.adapt:adapt",
    "ingest": "api.cli.ingest:ingest",
    "sync": "api.cli.ingest:sync",
    "catalogue": "api.cli.catalogue:catalogue",
    "consent": "api.cli.home:consent",
    "keys": "api.cli.keys:keys",
    "train": "api.cli.model:train",
    "fit": "api.cli.model:fit",
    "contribute": "api.cli.contribute:contribute",
    "recommend": "api.cli.model:recommend",
    "status": "api.cli.home:status",
    "evaluate": "api.cli.evaluate:evaluate",
    "compare": "api.cli.compare:compare",
    "swarm": "api.cli.swarm:swarm",
    "peer": "api.cli.peer:peer",
    "simulate": "api.cli.simulate:simulate",
    "serve": "api.cli.serve:serve",
    "demo": "api.cli.demo:demo",
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table above."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command."""
        del ctx
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="murmuration")
def cli() -> None:
    """Private learning-path recommendation that platforms train together."""


def main() -> None:
    """Run the command line: exit 0 on success, 1 on an explained failure, 2 on wrong usage."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("Interrupted; what was stored so far is kept, and a rerun goes on.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (ApiError, AdapterError, RecommenderError, SwarmError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {where}{error.strerror or error}{_remedy(error)}", err=True)
        sys.exit(1)


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "; nothing was lost: free some space and run the command again"
    if error.errno == errno.EACCES:
        return "; run as the user that owns the home"
    return ""
