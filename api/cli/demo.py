"""`murmuration demo`: the whole job on the sample, to a page one can open."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.options import json_option
from api.cli.output import show_table, write_json
from api.demo import script
from api.demo.table import compute_rows, describe, show_rows
from api.demo.visit import visit

if TYPE_CHECKING:
    from collections.abc import Callable

EPSILON = 4.0


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where homes and logs go; made afresh by each run.",
)
@click.option("--once", is_flag=True, help="Fetch a path and its page, then end.")
@click.option("--network", is_flag=True, help="Add the network's rows to the table.")
@json_option
def demo(folder: Path, json_path: Path | None, *, once: bool, network: bool) -> None:
    """Four platforms with four kinds of logs form a swarm and serve learning paths.

    Imports the sample's raw logs, trains, founds a swarm of four real peers, kills one of them in
    the middle of a round and starts it again, and opens each platform's API and pages. Everything
    stays on this machine. Ctrl-C ends it.

    Example: murmuration demo --once
    """
    if network and not all(find_spec(name) for name in ("torch", "opacus")):
        raise click.ClickException(
            "--network needs torch and opacus: install the extra 'train', "
            "or run `make demo ARGS=--network`, which does"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say = _clock()
    with (
        script.open_stage(folder, say) as stage,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        say("Four platforms import their raw logs and train, each for itself")
        script.import_logs(stage)
        folders = {name: home.path for name, home in stage.homes.items()}
        rows = pool.submit(compute_rows, folders, network=network)
        say("They found a swarm: four requests, one founding file, four signatures")
        script.found_swarm(stage)
        script.start_peers(stage)
        say("Four peers are connected, each to each; a round begins")
        script.run_round(stage)
        script.start_serving(stage)
        say("Each platform serves the merged model to its own learners; a learner asks for a path")
        access = {name: script.grant_access(stage, name) for name in stage.homes}
        shown = "Alder"
        say(visit(stage, shown, access[shown]))
        say("The table: every learner's last course is held out, and has to be found again")
        table = _finished(rows, stage.children.check)
        show_rows(table)
        click.echo(describe(table))
        if json_path:
            found = script.records(stage, EPSILON)
            options = {"folder": str(folder), "once": once, "network": network}
            write_json(json_path, "demo", options, [*found, *table])
        if not once:
            _stay_open(stage, script.grant_access(stage, shown).sign_in)


def _clock() -> Callable[[str], None]:
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.1f} s] {text}")

    return say


def _finished(rows: Any, check: Callable[[], None]) -> list[dict[str, object]]:  # noqa: ANN401
    while not rows.done():
        check()
        time.sleep(0.2)
    result: list[dict[str, object]] = rows.result()
    return result


def _stay_open(stage: script.Stage, sign_in: str) -> None:
    show_table(
        "Open",
        ("platform", "address"),
        [(name, f"http://127.0.0.1:{port}/ui/path") for name, port in stage.serve_ports.items()],
    )
    click.echo("Sign in once, by this address (a learner's path, and why; the swarm):")
    click.echo(f"\n  {sign_in}\n")
    click.echo("Ctrl-C ends the demo.")
    try:
        while True:
            stage.children.check()
            time.sleep(1)
    except KeyboardInterrupt:
        click.echo("Ending the peers and servers …")
