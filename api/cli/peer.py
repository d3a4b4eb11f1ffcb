"""`murmuration peer`: this platform's member of the swarm."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option
from api.home import IDENTITY_KEY, find_home
from api.identity import has_forgotten_votes, settle_identity
from api.membership import read_invitation
from api.settings import load_settings
from swarm.errors import KeyRotatedError, SwarmError
from swarm.peer.logs import set_up_logs
from swarm.peer.supervise import (
    CRASHED,
    EXPLAINED,
    MAY_PASS,
    Supervisor,
    end_with_supervisor,
    may_pass,
)

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home
    from swarm.peer.config import PeerConfig

logger = logging.getLogger("swarm.peer")


@click.command()
@home_option
@click.option("--listen", help="Address to listen on, instead of the settings' swarm.listen.")
@click.option(
    "--supervise/--no-supervise",
    default=True,
    show_default=True,
    help="Start the peer again if it dies unexpectedly.",
)
@click.option(
    "--restored",
    is_flag=True,
    help="The disk comes from a backup, or the vote log is lost or damaged: take no part until "
    "two more heights are decided (R26).",
)
@click.option("--supervised", is_flag=True, hidden=True)
def peer(
    home: Path | None, listen: str | None, *, supervise: bool, restored: bool, supervised: bool
) -> None:
    """Run this platform's peer until SIGTERM or Ctrl-C; it resumes where it stopped.

    Example: murmuration peer --home alder --listen /ip4/0.0.0.0/tcp/4001
    """
    place = find_home(home)
    settings = load_settings(place)
    listen = listen or settings.swarm.listen
    set_up_logs(as_json=settings.log == "json")
    if supervised:
        end_with_supervisor()
        sys.exit(_run_supervised(place, listen, restored=restored))
    if supervise:
        sys.exit(Supervisor(_inner_command(place, listen, restored=restored)).run())
    _run(place, listen, restored=restored)


def _inner_command(home: Home, listen: str, *, restored: bool) -> list[str]:
    start = "from api.cli.main import main; main()"
    where = ["--home", str(home.path.absolute()), "--listen", listen]
    more = ["--restored"] if restored else []
    return [sys.executable, "-c", start, "peer", "--supervised", *where, *more]


def _run(home: Home, listen: str, *, restored: bool) -> None:
    from swarm.peer.process import run_peer  # noqa: PLC0415 - loads the networking library

    while True:
        settle_identity(home)
        try:
            run_peer(_configure(home, listen, restored=restored))
        except KeyRotatedError as error:
            logger.info("%s", error)
        else:
            return


def _configure(home: Home, listen: str, *, restored: bool) -> PeerConfig:
    from swarm.peer.config import PeerConfig  # noqa: PLC0415 - the supervisor stays small
    from swarm.state import NodeConfig  # noqa: PLC0415

    settings = load_settings(home)
    invitation = read_invitation(home)
    return PeerConfig(
        home=home.path.absolute(),
        seed=home.read_key(IDENTITY_KEY),
        listen=listen,
        contribute_command=settings.swarm.contribute_argv(home),
        fit_command=settings.swarm.fit_argv(home),
        addresses=settings.swarm.addresses,
        contacts=invitation.contacts if invitation else (),
        node=NodeConfig(
            restored=restored or has_forgotten_votes(home),
            checkpoint=invitation.content.seen if invitation else None,
        ),
    )


def _run_supervised(home: Home, listen: str, *, restored: bool) -> int:
    """Run, and say by the exit code whether starting again can help."""
    try:
        _run(home, listen, restored=restored)
    except SwarmError as error:
        click.echo(f"Error: {error}", err=True)
        return MAY_PASS if may_pass(error) else EXPLAINED
    except Exception:
        logger.exception("unexpected end")
        return CRASHED
    return 0
