"""The `murmuration` command: a table of commands, each loaded when it is called.

Loading lazily keeps `serve` free of pandas and the swarm's libraries, and `--help` fast.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import click

from api.cli.lazy import LazyGroup
from api.errors import ApiError
from platform_adapters.errors import AdapterError
from recommender.errors import RecommenderError
from swarm.errors import SwarmError

if TYPE_CHECKING:
    from collections.abc import Mapping

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: our matrices are small

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("api.cli.home:init", "Make a home: settings, keys, an empty store."),
    "adapt": ("api.cli.adapt:adapt", "Convert a platform's logs into the interaction table."),
    "ingest": ("api.cli.ingest:ingest", "Read logs into the store."),
    "sync": ("api.cli.ingest:sync", "Ingest every source of the settings and train."),
    "catalogue": ("api.cli.catalogue:catalogue", "Import or export what can be recommended."),
    "confirm": ("api.cli.confirm:confirm", "Hold back what rose until a designer agrees."),
    "consent": ("api.cli.home:consent", "Show or set what learners consent to."),
    "backup": ("api.cli.backup:backup", "Write one file to make this home again from."),
    "restore": ("api.cli.backup:restore", "Make a home from a backup."),
    "export-learner": ("api.cli.people:export_learner", "Write all that is held on a learner."),
    "erase": ("api.cli.people:erase", "Remove a learner; a receipt says what stays."),
    "keys": ("api.cli.keys:keys", "Keys for the API, links for the pages."),
    "train": ("api.cli.model:train", "Build own statistics and fit what is served."),
    "fit": ("api.cli.model:fit", "Fit HEAD and own statistics into SERVING."),
    "contribute": ("api.cli.contribute:contribute", "Release the due learners for a round."),
    "recommend": ("api.cli.model:recommend", "Show a learner's path with reasons."),
    "status": ("api.cli.home:status", "Show what a home holds and whether it is well."),
    "doctor": ("api.cli.doctor:doctor", "Look at all that can keep a home from working."),
    "training-set": ("api.cli.training_set:training_set", "Write what models are trained on."),
    "evaluate": ("api.cli.evaluate:evaluate", "Measure models on held-out interactions."),
    "compare": ("api.cli.compare:compare", "Measure platforms alone, merged and pooled."),
    "audit-privacy": ("api.cli.audit:audit_privacy", "Attack a release; print what it proves."),
    "swarm": ("api.cli.swarm:swarm", "Found a swarm, open rounds, export and verify."),
    "peer": ("api.cli.peer:peer", "Run this platform's peer."),
    "simulate": ("api.cli.simulate:simulate", "Run the protocol in simulated time, with faults."),
    "serve": ("api.cli.serve:serve", "Serve the API and the pages."),
    "demo": ("api.cli.demo:demo", "Four platforms, a swarm, a path: the whole job."),
}


@click.group(
    cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="murmuration")
def cli() -> None:
    """Private learning-path recommendation that platforms train together."""


def main() -> None:
    """Run the command line: exit 0 on success, 1 on an explained failure, 2 on wrong usage."""
    try:
        code = cli.main(standalone_mode=False)
        if type(code) is int and code:  # click hands back what a command wants to exit with
            sys.exit(code)
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
