"""`murmuration swarm request|create|sign|join`: found a swarm by files."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import click

from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.cli.swarm_members import dry_run_option, sign_change
from api.founding import Founding, FoundingError, join, read_founding, updates_of
from api.home import IDENTITY_KEY, find_home
from api.membership import accept_invitation, read_any
from api.refounding import leave_behind as put_aside
from api.settings import load_settings
from api.shared_catalogue import read_keys
from recommender.network.budget import make_training
from recommender.release.accounting import sigma_squared_for
from recommender.release.manifest import default_manifest
from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.ledger.genesis import (
    BRACKETS,
    Member,
    create_genesis,
    make_request,
    propose_anchors,
    read_request,
)
from swarm.storage.files import atomic_write

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@home_option
@click.option("--address", "addresses", multiple=True, help="Where others reach this peer.")
@click.option(
    "--bracket",
    type=click.Choice(list(BRACKETS)),
    default="",
    help="Declared number of learners; coarse on purpose (R14).",
)
@click.option("--witness", is_flag=True, help="Votes only, contributes nothing.")
@click.option("--out", type=_FILE, required=True, help="Request file to send to the founder.")
def request(
    home: Path | None, addresses: tuple[str, ...], bracket: str, out: Path, *, witness: bool
) -> None:
    """Make this platform's request to be a member, signed by its own key.

    Example: murmuration swarm request --address /ip4/203.0.113.7/tcp/4001 --out alder.request
    """
    place = find_home(home)
    settings = load_settings(place)
    data = make_request(
        place.read_key(IDENTITY_KEY),
        name=settings.platform,
        addresses=addresses or (settings.swarm.listen,),
        bracket=bracket,
        contributes=not witness,
    )
    atomic_write(out, data)
    member = read_request(data)
    click.echo(f"{member.name}  {member.id}")
    for address in member.addresses:
        click.echo(f"  reachable at {address}")
    click.echo(f"Request written to {out}; give it to whoever runs `murmuration swarm create`.")


@click.command()
@click.argument("requests", nargs=-1, required=True, type=_FILE)
@click.option("--catalogue", "catalogue_path", type=_FILE, required=True, help="Shared catalogue.")
@click.option("--name", default="murmuration", show_default=True, help="Name of the swarm.")
@click.option(
    "--recommend",
    type=click.Choice(["items", "courses"]),
    default="items",
    show_default=True,
    help="With courses, an enrolment counts as an interaction.",
)
@click.option("--epsilon", default=4.0, show_default=True, help="Per learner and lifetime.")
@click.option(
    "--anchor", "anchors", multiple=True, help="Member trusted with most of a cell (R34)."
)
@click.option("--no-anchor", is_flag=True, help="Do not take up the anchor that sizes propose.")
@click.option(
    "--network",
    is_flag=True,
    help="Also agree on rounds that train a network (docs/guides/operators.md says when).",
)
@click.option("--out", type=_FILE, required=True, help="Founding file for everybody to sign.")
def create(
    requests: tuple[Path, ...],
    catalogue_path: Path,
    name: str,
    recommend: str,
    epsilon: float,
    anchors: tuple[str, ...],
    out: Path,
    *,
    no_anchor: bool,
    network: bool,
) -> None:
    """Put founders' requests and the shared catalogue together into a founding file.

    Example: murmuration swarm create *.request --catalogue shared.csv --out swarm.founding
    """
    members = [_read_request(path) for path in requests]
    catalogue = catalogue_path.read_bytes()
    keys = read_keys(catalogue, str(catalogue_path))
    manifest = default_manifest(
        len(keys),
        codec.digest(catalogue),
        enrolled_counts=recommend == "courses",
        sigma_squared=sigma_squared_for(epsilon, Fraction(1, 1_000_000), 4_096),
    )
    if network:
        training = make_training(len(keys), manifest.rho, manifest.delta_fraction)
        manifest = replace(manifest, training=training)
    chosen = _anchors(members, anchors, no_anchor=no_anchor)
    encoded = codec.encode(manifest.to_dict())
    genesis = create_genesis(
        members,
        name=name,
        nonce=secrets.token_bytes(16),
        manifest_digest=codec.digest(encoded),
        catalogue_digest=codec.digest(catalogue),
        rho=(manifest.rho.numerator, manifest.rho.denominator),
        contribution_bytes=4 * manifest.cells,
        anchors=chosen,
        updates=updates_of(manifest),
    )
    founding = Founding(genesis, encoded, catalogue)
    founding.check(str(out))
    atomic_write(out, founding.to_bytes())
    _describe(founding)
    click.echo(f"Written to {out}. Each founder now runs: murmuration swarm sign {out}")


def _read_request(path: Path) -> Member:
    try:
        return read_request(path.read_bytes())
    except RemoteProtocolError as error:
        raise FoundingError(f"{path}: {error}") from error


def _anchors(members: list[Member], names: tuple[str, ...], *, no_anchor: bool) -> tuple[str, ...]:
    by_name = {member.name: member.id for member in members}
    if unknown := sorted(set(names) - set(by_name)):
        raise FoundingError(f"--anchor {unknown[0]}: no founder has this name")
    proposed = () if names or no_anchor else propose_anchors(members)
    for member in members:
        if member.id in proposed:
            click.echo(
                f"{member.name} declares more than two thirds of all learners and becomes an "
                "anchor: without one the cap of R34 throws away what the others came for. "
                "Signing the founding file agrees to it; --no-anchor declines."
            )
    return tuple(by_name[name] for name in names) or tuple(proposed)


def _describe(founding: Founding) -> None:
    genesis = founding.genesis
    click.echo(f"Swarm {genesis.name!r}, id {genesis.swarm_id.hex()}")
    for member in genesis.members:
        role = "anchor" if member.anchor else "member" if member.contributes else "witness"
        click.echo(f"  {member.name:<20} {role:<8} {member.bracket:<12} {member.id}")
    if genesis.updates is not None:
        click.echo(f"  trains a network: {genesis.updates.rounds} merged rounds a training")
    lies = "one or more lying members" if genesis.tolerates > 1 else "one lying member"
    if genesis.tolerates:
        click.echo(f"  tolerates {lies}; decides by {genesis.quorum} of {len(genesis.members)}")
    else:
        click.echo("  agreement assumes that no member lies (R22)")


@click.command()
@click.argument("file", type=_FILE)
@home_option
@click.option("--ledger", type=_FILE, help="Of a carry: the old swarm's exported ledger.")
@dry_run_option
def sign(file: Path, home: Path | None, ledger: Path | None, *, dry_run: bool) -> None:
    """Add this platform's signature to a founding file or a change file, after showing it.

    A change of the members with enough signatures is handed to this platform's peer.

    Example: murmuration swarm sign swarm.founding
    """
    place = find_home(home)
    change = read_any(file)
    if change is not None:
        sign_change(change, file, place, ledger, dry_run=dry_run)
        return
    founding = read_founding(file)
    _describe(founding)
    if dry_run:
        click.echo("Nothing was signed.")
        return
    signed = founding.sign(place.read_key(IDENTITY_KEY))
    atomic_write(file, signed.to_bytes())
    waiting = signed.unsigned()
    if waiting:
        click.echo(f"Signed. Still to sign: {', '.join(waiting)}")
    else:
        click.echo(f"Signed by all. Everybody now runs: murmuration swarm join {file}")


@click.command(name="join")
@click.argument("file", type=_FILE)
@home_option
@click.option(
    "--leave-behind",
    is_flag=True,
    help="Put the swarm that this home is in aside first: after it was lost, or left.",
)
@json_option
def join_command(
    file: Path, home: Path | None, json_path: Path | None, *, leave_behind: bool
) -> None:
    """Join the swarm of a founding file that all founders have signed, or by an invitation.

    Example: murmuration swarm join swarm.founding
    """
    place = find_home(home)
    change = read_any(file)
    if leave_behind and (aside := put_aside(place)):
        click.echo(f"The old swarm's files are in {aside}; spend log and marks stay (R3).")
    founding = read_founding(file) if change is None else accept_invitation(change, place)
    genesis = join(founding, place)
    click.echo(
        f"Joined {genesis.name!r} ({genesis.swarm_id.hex()[:16]}…) with "
        f"{len(genesis.members)} members. Next: murmuration peer"
    )
    if json_path:
        record = {
            "swarm": genesis.swarm_id.hex(),
            "members": [member.name for member in genesis.members],
            "joined_at": datetime.now(UTC).isoformat(),
        }
        write_json(json_path, "swarm-join", {"file": str(file)}, [record])
