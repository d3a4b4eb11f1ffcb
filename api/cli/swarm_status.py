"""`murmuration swarm round` and `swarm status`: ask the peer for a round, and look at it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from api.cli.options import home_option, json_option
from api.cli.output import progress, show_table, write_json
from api.errors import ApiError
from api.home import Home, find_home
from api.promotion_report import agreed_rises, read_report
from api.settings_errors import SettingsError
from api.store.errors import StoreError
from api.store.opening import open_store
from api.swarm_health import examine, is_running, one_line
from swarm.ledger.genesis import read_genesis
from swarm.ledger.kinds import PARAMETERS, STATISTICS
from swarm.peer.inbox import drop_request

if TYPE_CHECKING:
    from pathlib import Path

_POLL_SECONDS = 0.2


class PeerError(ApiError):
    """The peer of this home does not run, or does not answer."""


def read_status(home: Home) -> dict[str, Any]:
    """What the peer last said about itself.

    Raises:
        PeerError: It never ran, or its file is damaged.
    """
    try:
        status: dict[str, Any] = json.loads(home.status_path.read_bytes())
    except FileNotFoundError as error:
        raise PeerError(
            f"{home.path}: the peer has never run here; start it with "
            f"`murmuration peer --home {home.path}`"
        ) from error
    except json.JSONDecodeError as error:
        raise PeerError(f"{home.status_path}: damaged; the running peer replaces it") from error
    return status


@click.command(name="round")
@home_option
@click.option(
    "--kind",
    type=click.Choice([STATISTICS, PARAMETERS]),
    default=STATISTICS,
    show_default=True,
    help="What is merged: sums over learners, or updates of the swarm's network.",
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Default: today, UTC.")
@click.option(
    "--close-after",
    default=60,
    show_default=True,
    type=click.IntRange(2, 86_400),
    help="Seconds that members have before the round may close without them.",
)
@click.option("--wait", is_flag=True, help="Wait until the round is decided.")
@json_option
def open_round(
    home: Path | None,
    kind: str,
    as_of: datetime | None,
    close_after: int,
    json_path: Path | None,
    *,
    wait: bool,
) -> None:
    """Ask this platform's peer to open a round.

    Example: murmuration swarm round --close-after 600 --wait
    """
    place = find_home(home)
    status = read_status(place)
    if not is_running(status):
        raise PeerError(f"the peer does not run; start it: murmuration peer --home {place.path}")
    if kind == PARAMETERS and read_genesis(place.genesis_path.read_bytes())[0].updates is None:
        raise PeerError(
            "the founders agreed on no training; a swarm that trains a network is made by "
            "`murmuration swarm create --network`"
        )
    before = {(entry["round"], entry["attempt"]) for entry in status["rounds"]}
    day = as_of.date() if as_of else datetime.now(UTC).date()
    drop_request(
        place.inbox_dir,
        kind=kind,
        as_of=day.isoformat(),
        close_after_seconds=close_after,
    )
    click.echo("Asked for a round." if kind == STATISTICS else f"Asked for a round of {kind}.")
    if not wait:
        return
    entry = _wait_for_round(place, before, 2 * close_after + 120)
    click.echo(
        f"Round {entry['round']} {entry['outcome']}: in {', '.join(entry['in']) or 'nobody'}"
    )
    if json_path:
        write_json(json_path, "swarm-round", {"as_of": day.isoformat()}, [entry])
    if entry["outcome"] != "merged":
        raise PeerError(f"round {entry['round']} was void; the old model stays")


def _wait_for_round(
    home: Home, before: set[tuple[int, int]], timeout_seconds: float
) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_seconds
    with progress(None, "Round") as ticker:
        while time.monotonic() < deadline:
            status = read_status(home)
            ticker.advance(0, note=status["state"])
            for entry in status["rounds"]:
                is_new = (entry["round"], entry["attempt"]) not in before
                if is_new and entry["outcome"] != "open":
                    return dict(entry)
            time.sleep(_POLL_SECONDS)
    raise PeerError("the round is still open; `murmuration swarm status` shows who is missing")


def _agreed(home: Home) -> frozenset[str]:
    """Rises that a designer has agreed to; none where the store does not answer."""
    report = read_report(home)
    if report is None or not report.risen:
        return frozenset()
    try:
        with open_store(home) as store:
            return agreed_rises(home, store)
    except (SettingsError, StoreError):
        return frozenset()


@click.command()
@home_option
@click.option(
    "--monitor",
    is_flag=True,
    help="One line and the exit code of a monitoring plugin: 0 ok, 1 warning, 2 critical.",
)
@json_option
def status(home: Path | None, json_path: Path | None, *, monitor: bool) -> None:
    """Show members, rounds and model; exit 1 if the peer does not run or cannot decide.

    Example: murmuration swarm status --json -
    """
    place = find_home(home)
    content = _read_for_monitor(place) if monitor else read_status(place)
    running = is_running(content)
    findings = examine(place, content, agreed=_agreed(place))
    if json_path:
        problems = [asdict(finding) for finding in findings]
        record = {**content, "running": running, "problems": problems}
        write_json(json_path, "swarm-status", {}, [record])
    if monitor:
        code, line = one_line(findings)
        click.echo(line)
        raise click.exceptions.Exit(code)
    if json_path is None or str(json_path) != "-":
        _print_status(content, running=running)
        for finding in findings:
            click.echo(f"{finding.level.capitalize()}: {finding.text} [{finding.name}]")
    for finding in findings:
        if finding.level == "critical":
            raise PeerError(finding.text)


def _read_for_monitor(place: Home) -> dict[str, Any]:
    """The status; a peer that has never run is critical, too."""
    try:
        return read_status(place)
    except PeerError as error:
        click.echo(f"CRITICAL {error}")
        raise click.exceptions.Exit(2) from error


def _print_status(content: dict[str, Any], *, running: bool) -> None:
    head = content["head"]
    click.echo(f"Swarm {content['swarm'][:16]}…  as {content['name']} ({content['member']})")
    click.echo(f"Peer {content['state'] if running else 'stopped'}, height {content['height']}")
    if content["tolerates"]:
        click.echo(f"Tolerates {content['tolerates']} lying member(s), quorum {content['quorum']}")
    else:
        click.echo("Agreement assumes that no member lies (R22).")
    if head:
        click.echo(f"Model {head['digest'][:16]}… from round {head['round']}")
    else:
        click.echo("No merged model yet.")
    if network := content.get("network"):
        click.echo(f"Network {network['digest'][:16]}… from round {network['round']}, not served")
    show_table(
        "Members",
        ("name", "role", "learners", "connected", "last seen"),
        [_member_row(member, content["member"]) for member in content["members"]],
    )
    if content["rounds"]:
        show_table(
            "Rounds",
            ("round", "kind", "as of", "outcome", "in", "out"),
            [_round_row(entry) for entry in content["rounds"][-10:]],
        )


def _member_row(member: dict[str, Any], me: str) -> tuple[str, ...]:
    role = "anchor" if member["anchor"] else "member" if member["contributes"] else "witness"
    seen = "this platform" if member["id"] == me else "yes" if member["connected"] else "away"
    return member["name"], role, member["bracket"] or "-", seen, member["last_seen"] or "-"


def _round_row(entry: dict[str, Any]) -> tuple[str, ...]:
    out = "; ".join(f"{who['member']}: {who['reason']}" for who in entry["out"])
    number = f"{entry['round']}.{entry['attempt']}"
    inside = ", ".join(entry["in"]) or "-"
    return number, entry["kind"], entry["as_of"], entry["outcome"], inside, out or "-"
