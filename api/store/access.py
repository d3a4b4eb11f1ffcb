"""Rows of API keys and sign-in links; only hashes are stored (`api.security` makes the secrets)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store import errors
from api.store.tables import api_keys, sign_in_links

if TYPE_CHECKING:
    from api.store.database import Database

MAX_LIVE_KEYS = 2


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One API key as stored.

    Attributes:
        id: Public part of the token.
        name: What the key is for.
        hash: SHA-256 of the secret part.
        scopes: What it allows, sorted.
        created_at: Unix seconds.
        revoked_at: Unix seconds; None while it is live.
    """

    id: str
    name: str
    hash: bytes
    scopes: tuple[str, ...]
    created_at: int
    revoked_at: int | None


def add_key(database: Database, key: KeyRow) -> None:
    """Store a key.

    Raises:
        RowRefusedError: Two keys of this name are live already.
        StoreError: The database failed.
    """
    t = api_keys.c
    live = sa.select(sa.func.count()).where(t.name == key.name, t.revoked_at.is_(None))
    with database.write() as connection:
        if connection.execute(live).scalar_one() >= MAX_LIVE_KEYS:
            raise errors.RowRefusedError(
                f"two keys named {key.name!r} are live already; revoke the old one first "
                "(`murmuration keys list`), or choose another --name"
            )
        values = {
            "id": key.id,
            "name": key.name,
            "hash": key.hash,
            "scopes": " ".join(key.scopes),
            "created_at": key.created_at,
        }
        connection.execute(sa.insert(api_keys).values(values))


def read_keys(database: Database, *, key_id: str | None = None) -> list[KeyRow]:
    """Keys, revoked ones included, oldest first.

    Args:
        database: Where from.
        key_id: Only this one.

    Raises:
        StoreError: The database cannot be read.
    """
    t = api_keys.c
    query = sa.select(api_keys).order_by(t.created_at, t.id)
    if key_id is not None:
        query = query.where(t.id == key_id)
    with database.read() as connection:
        return [
            KeyRow(r.id, r.name, r.hash, tuple(r.scopes.split()), r.created_at, r.revoked_at)
            for r in connection.execute(query)
        ]


def revoke_key(database: Database, key_id: str) -> bool:
    """Revoke a key for good.

    Returns:
        Whether it was live.

    Raises:
        StoreError: The database failed.
    """
    t = api_keys.c
    change = sa.update(api_keys).where(t.id == key_id, t.revoked_at.is_(None))
    with database.write() as connection:
        return bool(connection.execute(change.values(revoked_at=int(time.time()))).rowcount)


def add_link(database: Database, *, digest: bytes, role: str, expires_at: int, now: int) -> None:
    """Store a one-time link and forget those that have expired.

    Raises:
        StoreError: The database failed.
    """
    t = sign_in_links.c
    with database.write() as connection:
        connection.execute(sa.delete(sign_in_links).where(t.expires_at <= now))
        values = {"hash": digest, "role": role, "expires_at": expires_at}
        connection.execute(sa.insert(sign_in_links).values(values))


def use_link(database: Database, *, digest: bytes, now: int) -> str | None:
    """Use up a one-time link.

    Returns:
        Its role; None if there is no such link, or it is used or expired.

    Raises:
        StoreError: The database failed; the link is still good.
    """
    t = sign_in_links.c
    good = (t.hash == digest, t.used_at.is_(None), t.expires_at > now)
    with database.write() as connection:
        # One statement decides, so that two who come at once cannot both get in.
        used = connection.execute(sa.update(sign_in_links).where(*good).values(used_at=now))
        if used.rowcount != 1:
            return None
        query = sa.select(t.role).where(t.hash == digest)
        return str(connection.execute(query).scalar_one())
