"""`serve`: API and pages of one home, on uvicorn with uvloop and httptools."""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import TYPE_CHECKING

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.cli.options import home_option
from api.home import HOME_VARIABLE, Home, find_home
from api.locks import home_lock
from api.security.sign_in import create_sign_in_link
from api.settings import load_settings
from api.store.opening import open_store
from swarm.peer.logs import JsonLines

if TYPE_CHECKING:
    from pathlib import Path

SIGN_IN_MINUTES = 30
BACKLOG = 2048
GRACE_SECONDS = 10


@click.command()
@home_option
@click.option("--host", help="Address to listen on, instead of the settings'.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes any free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--sign-in", is_flag=True, help="Print a link that signs in to the pages once.")
def serve(
    home: Path | None, host: str | None, port: int | None, workers: int, sign_in: bool
) -> None:
    """Serve the API under /v1 and the pages under /ui until stopped.

    Listens on loopback unless told otherwise; put a TLS proxy in front of it.

    Example: murmuration serve --home alder --port 8420 --sign-in
    """
    place = find_home(home)
    settings = load_settings(place).serve
    listening = listen(host or settings.host, settings.port if port is None else port)
    address = base_url(listening)
    os.environ[HOME_VARIABLE] = str(place.path.absolute())  # for workers, which are new processes
    click.echo(f"Serving {place.path} at {address}/ui/ (API: {address}/v1, {address}/openapi.json)")
    if sign_in:
        click.echo(f"Sign in once, within {SIGN_IN_MINUTES} minutes: {sign_in_url(place, address)}")
    with home_lock(place, "keys", alone=False):  # pseudonyms do not change while they are served
        _run(listening, workers)
    click.echo("Stopped.")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Args:
        host: Address or name.
        port: TCP port; 0 takes any free one.

    Raises:
        click.ClickException: The port is in use, or the address is not ours.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host!r}: {error.strerror}") from error
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise click.ClickException(_why_not(host, port, error)) from error
    made.set_inheritable(True)
    return made


def base_url(listening: socket.socket) -> str:
    """Where a browser on this machine finds the server."""
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def sign_in_url(home: Home, address: str) -> str:
    """A link that signs in to the pages once, as designer and operator."""
    with open_store(home) as store:
        token = create_sign_in_link(store, "both", SIGN_IN_MINUTES)
    return f"{address}/ui/sign-in?token={token}"


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program; stop that one, or choose "
            "another port with --port (0 takes any free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs administrator's rights; choose one above 1023 with --port"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


def _run(listening: socket.socket, workers: int) -> None:
    """Serve until a signal comes; requests under way are finished first."""
    config = uvicorn.Config(
        "api.cli.serve:worker_app",
        factory=True,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,  # ours has no query strings, where pages carry pseudonyms
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    try:
        if workers == 1:
            server.run(sockets=[listening])
        else:
            Multiprocess(config, sockets=[listening]).run()
    except KeyboardInterrupt:
        return


def worker_app() -> object:
    """The application of the home that the environment names; one call a worker process."""
    place = find_home(None)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if load_settings(place).log == "json":
        logging.getLogger().handlers[0].setFormatter(JsonLines())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return create_app(place)
