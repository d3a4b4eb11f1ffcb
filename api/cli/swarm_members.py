"""`murmuration swarm invite|remove|leave|rotate-key|move|anchor`: change the members (R27).

Each makes a change file, or with `--dry-run` only says what would happen; `swarm sign` adds
signatures, and hands a change with enough of them to this platform's peer.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.options import home_option
from api.home import KEY_BYTES, NEXT_IDENTITY_KEY, Home, find_home
from api.identity import own_member
from api.ledger import read_ledger
from api.membership import ChangeError, ChangeFile, approve, draft, is_complete, new_change
from api.membership_text import describe
from api.refounding import check_carry, find_carry
from swarm.errors import RemoteProtocolError
from swarm.ledger.carry import write_carry
from swarm.ledger.genesis import make_request, read_request
from swarm.ledger.membership import ADD, ANCHOR, CARRY, MOVE, REMOVE, ROTATE
from swarm.peer.inbox import drop_change
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm.ledger.genesis import Member
    from swarm.ledger.membership import Change

_FILE = click.Path(dir_okay=False, path_type=Path)
_Command = Any

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what will happen, and change nothing."
)


def _out(required: bool = True) -> Callable[[_Command], _Command]:
    return click.option("--out", type=_FILE, required=required, help="Change file to pass round.")


_reason = click.option("--reason", default="", help="For those who are to sign, and the ledger.")


@click.command()
@click.argument("request", type=_FILE)
@home_option
@_reason
@_out()
@dry_run_option
def invite(request: Path, home: Path | None, reason: str, out: Path, *, dry_run: bool) -> None:
    """Make an invitation of a platform's request; a quorum of members signs it.

    The request is made by `murmuration swarm request` at the newcomer, with --witness for one that
    only votes. The signed invitation is what it joins with.

    Example: murmuration swarm invite hazel.request --out hazel.invitation
    """
    place = find_home(home)
    data = request.read_bytes()
    try:
        newcomer = read_request(data)
    except RemoteProtocolError as error:
        raise ChangeError(f"{request}: {error}") from error
    change = new_change(ADD, newcomer.id, request=data, reason=reason)
    _make(place, change, out, dry_run=dry_run)


@click.command()
@click.argument("name")
@home_option
@_reason
@click.option("--drop", is_flag=True, help="Take its contributions out of the model (R29).")
@_out()
@dry_run_option
def remove(
    name: str, home: Path | None, reason: str, out: Path, *, drop: bool, dry_run: bool
) -> None:
    """Make a change that removes a member; a quorum of members signs it.

    Example: murmuration swarm remove hazel --reason "two peers on one key" --out hazel.removal
    """
    place = find_home(home)
    member = _named(place, name)
    change = new_change(REMOVE, member.id, flag=drop, reason=reason)
    _make(place, change, out, dry_run=dry_run)


@click.command()
@home_option
@_reason
@click.option("--drop", is_flag=True, help="Take our contributions out of the model (R29).")
@dry_run_option
def leave(home: Path | None, reason: str, *, drop: bool, dry_run: bool) -> None:
    """Leave the swarm; this platform's own signature is enough.

    What it knows itself, and the last merged model, it goes on serving.

    Example: murmuration swarm leave --drop --dry-run
    """
    place = find_home(home)
    change = new_change(REMOVE, _me(place).id, flag=drop, reason=reason)
    _make(place, change, None, dry_run=dry_run)


@click.command(name="rotate-key")
@home_option
@_reason
@click.option("--of", "name", default="", help="Another member that has lost its key; needs --key.")
@click.option("--key", "request", type=_FILE, help="Request that the new key has signed.")
@_out()
@dry_run_option
def rotate_key(
    home: Path | None, reason: str, name: str, request: Path | None, out: Path, *, dry_run: bool
) -> None:
    """Replace this platform's identity key, or that of a member that has lost its own.

    Makes the next key in keys/; the peer goes on under it once the ledger says so. For a lost key
    the member makes a new home and a request, and another member makes the change.

    Example: murmuration swarm rotate-key --out alder.rotation
    """
    place = find_home(home)
    if bool(name) != (request is not None):
        raise click.UsageError("give --of NAME and --key REQUEST together, or neither")
    if request is not None:
        member, data = _named(place, name), request.read_bytes()
    else:
        member = _me(place)
        data = _next_request(place, member, keep=not dry_run)
    change = new_change(ROTATE, member.id, request=data, reason=reason)
    _make(place, change, out, dry_run=dry_run)


@click.command()
@home_option
@click.option("--address", "addresses", multiple=True, required=True, help="Where we are reached.")
@dry_run_option
def move(home: Path | None, addresses: tuple[str, ...], *, dry_run: bool) -> None:
    """Tell all members another address of this platform; its own signature is enough.

    Example: murmuration swarm move --address /dns4/peer.alder.example/tcp/4001
    """
    place = find_home(home)
    change = new_change(MOVE, _me(place).id, addresses=addresses)
    _make(place, change, None, dry_run=dry_run)


@click.command()
@click.argument("name")
@home_option
@click.option("--off", is_flag=True, help="It is an anchor no more.")
@_reason
@_out()
@dry_run_option
def anchor(
    name: str, home: Path | None, reason: str, out: Path, *, off: bool, dry_run: bool
) -> None:
    """Make a change that trusts a member with most of a cell, or no more (R34); a quorum signs.

    Example: murmuration swarm anchor dogwood --out dogwood.anchor
    """
    place = find_home(home)
    change = new_change(ANCHOR, _named(place, name).id, flag=not off, reason=reason)
    _make(place, change, out, dry_run=dry_run)


@click.command()
@home_option
@click.option("--ledger", type=_FILE, help="Exported ledger of the old swarm, if not left here.")
@_out()
@dry_run_option
def carry(home: Path | None, ledger: Path | None, out: Path, *, dry_run: bool) -> None:
    """Make a change that takes over what the swarm before this one had merged; a quorum signs.

    For a swarm founded anew after too many members were lost for good, before its first round.

    Example: murmuration swarm carry --out old.carry
    """
    place = find_home(home)
    found = find_carry(place, None if ledger is None else ledger.read_bytes())
    change = new_change(CARRY, found.swarm.hex(), request=write_carry(found))
    _make(place, change, out, dry_run=dry_run)


def sign_change(
    file: ChangeFile, path: Path, home: Home, export: Path | None, *, dry_run: bool
) -> None:
    """Show a change, add this platform's signature, hand it in once there are enough."""
    check_carry(home, file.content, None if export is None else export.read_bytes())
    ledger = read_ledger(home)
    signed = approve(file, home)
    for line in describe(ledger, file.content, signed.approvals):
        click.echo(line)
    if dry_run:
        click.echo("Nothing was signed.")
        return
    atomic_write(path, signed.to_bytes())
    _hand_in(home, signed, path)


def _make(home: Home, change: Change, out: Path | None, *, dry_run: bool) -> None:
    drafted = draft(home, change)
    signed = approve(drafted, home)
    for line in describe(read_ledger(home), drafted.content, signed.approvals):
        click.echo(line)
    if dry_run:
        click.echo("Nothing was changed.")
        return
    if out is not None:
        atomic_write(out, signed.to_bytes())
    _hand_in(home, signed, out)


def _hand_in(home: Home, file: ChangeFile, path: Path | None) -> None:
    if is_complete(file, read_ledger(home).roster):
        drop_change(home.inbox_dir, file.change, file.approvals)
        click.echo("Handed to this platform's peer; `murmuration swarm status` shows the members.")
        if file.content.kind == ADD:
            click.echo(f"The newcomer runs: murmuration swarm join {path}, then murmuration peer")
    else:
        click.echo(f"Other members now run: murmuration swarm sign {path}")


def _next_request(home: Home, member: Member, *, keep: bool) -> bytes:
    path = home.key_path(NEXT_IDENTITY_KEY)
    seed = home.read_key(NEXT_IDENTITY_KEY) if path.exists() else secrets.token_bytes(KEY_BYTES)
    if keep and not path.exists():
        atomic_write(path, seed, mode=0o600)
    fields = replace(member, anchor=False)
    return make_request(
        seed,
        name=fields.name,
        addresses=fields.addresses,
        bracket=fields.bracket,
        contributes=fields.contributes,
    )


def _me(home: Home) -> Member:
    member = read_ledger(home).roster.by_id.get(own_member(home))
    if member is None:
        raise ChangeError(f"{home.path}: this platform is no member of the swarm at present")
    return member


def _named(home: Home, name: str) -> Member:
    members = read_ledger(home).roster.members
    found = [member for member in members if name in {member.name, member.id}]
    if not found:
        names = ", ".join(member.name for member in members)
        raise ChangeError(f"no member is called {name!r}; there are {names}")
    return found[0]
