"""The store's revision: it grows with every change that can change an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store.tables import meta

if TYPE_CHECKING:
    from api.store.database import Database

_NAME = "revision"


def bump(connection: sa.Connection) -> None:
    """Raise the revision, in the transaction of the change."""
    connection.execute(sa.update(meta).where(meta.c.name == _NAME).values(value=meta.c.value + 1))


def read(database: Database) -> int:
    """The revision now.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        query = sa.select(meta.c.value).where(meta.c.name == _NAME)
        return int(connection.execute(query).scalar_one())
