"""`keys create|list|revoke|link`: who may call the API and open the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.home import find_home
from api.people import declare_all_released, rotate_pseudonym_key
from api.security.keys import SCOPES, create_key
from api.security.sign_in import ROLES, create_sign_in_link
from api.settings import load_settings
from api.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def keys() -> None:
    """Keys for the API, links for the pages."""


@keys.command()
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it allows; repeat it for several.",
)
@click.option("--name", default="default", show_default=True, help="What it is for.")
@home_option
@json_option
def create(scopes: tuple[str, ...], name: str, home: Path | None, json_path: Path | None) -> None:
    """Make a key and print it: it is shown once. Two of a name may be live, to change over.

    Example: murmuration keys create --scope paths:read --name moodle --home alder
    """
    with open_store(find_home(home)) as store:
        token = create_key(store, scopes, name=name)
    click.echo(token)
    click.echo("This is the only time that the key is shown; the store has its hash.", err=True)
    if json_path is not None:
        record = {"key": token, "id": token.split("_")[1], "name": name, "scopes": list(scopes)}
        write_json(json_path, "keys-create", {"name": name}, [record])


@keys.command("list")
@home_option
@json_option
def list_keys(home: Path | None, json_path: Path | None) -> None:
    """Show every key: id, name, scopes, when it was made and revoked; never a secret.

    Example: murmuration keys list --home alder
    """
    with open_store(find_home(home)) as store:
        rows = store.keys()
    for row in rows:
        ended = "live" if row.revoked_at is None else f"revoked {_day(row.revoked_at)}"
        made = _day(row.created_at)
        click.echo(f"{row.id}  {row.name}  {','.join(row.scopes)}  made {made}  {ended}")
    if not rows:
        click.echo("There is no key yet: `murmuration keys create --scope paths:read`.")
    if json_path is not None:
        records: list[dict[str, object]] = [
            {
                "id": row.id,
                "name": row.name,
                "scopes": list(row.scopes),
                "created_at": row.created_at,
                "revoked_at": row.revoked_at,
            }
            for row in rows
        ]
        write_json(json_path, "keys-list", {}, records)


@keys.command()
@click.argument("key_id")
@home_option
def revoke(key_id: str, home: Path | None) -> None:
    """Revoke a key at once and for good; KEY_ID is the part between the underscores.

    Example: murmuration keys revoke abcdefgh --home alder
    """
    with open_store(find_home(home)) as store:
        if not store.revoke_key(key_id):
            raise click.ClickException(
                f"no live key has the id {key_id!r}; `murmuration keys list` shows them"
            )
    click.echo(f"Revoked {key_id}.")


@keys.command("rotate-pseudonym")
@home_option
def rotate_pseudonym(home: Path | None) -> None:
    """Draw another pseudonym key and rename every learner, released marks included (R3).

    Stop `serve` and imports first, and start them again afterwards. If it is interrupted, every
    other command refuses until it has been run again. Back up the keys afterwards.

    Example: murmuration keys rotate-pseudonym --home alder
    """
    place = find_home(home, check_keys=False)
    with open_store(place) as store:
        renamed = rotate_pseudonym_key(place, store)
    click.echo(f"Renamed {renamed:,} entries; nobody was lost. Back up {place.keys_dir} now.")


@keys.command("declare-released")
@home_option
@click.confirmation_option(
    prompt="Nobody known here until now will ever be in a release again. Go on?"
)
def declare_released(home: Path | None) -> None:
    """After a lost pseudonym key: let every learner known until now count as released (R3).

    Draws a new key if there is none. Learners whose first event comes later can be released.

    Example: murmuration keys declare-released --home alder
    """
    place = find_home(home, check_keys=False)
    with open_store(place) as store:
        declare_all_released(place, store)
    click.echo("All learners known until now count as released.")


@keys.command()
@click.option("--role", type=click.Choice(list(ROLES)), default="designer", show_default=True)
@click.option(
    "--minutes", type=click.IntRange(1, 1440), default=15, show_default=True, help="How long."
)
@home_option
def link(role: str, minutes: int, home: Path | None) -> None:
    """Print a link that signs in to the pages once.

    Example: murmuration keys link --role designer --home alder
    """
    place = find_home(home)
    settings = load_settings(place)
    with open_store(place, settings) as store:
        token = create_sign_in_link(store, role, minutes)
    click.echo(f"http://{settings.serve.host}:{settings.serve.port}/ui/sign-in?token={token}")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d")
