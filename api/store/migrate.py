"""Bring a database to the tables that this version knows.

- A database at the right step is recognised by one query, without loading Alembic.
- A migration runs in one transaction under a lock: whole or not at all, by one process.
- A database of a newer version is refused, never touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store import errors

if TYPE_CHECKING:
    from alembic.config import Config

    from api.store.database import Database

LATEST = "0003"
"""The step that this version needs; a test compares it with the files in `migrations`."""

_ADVISORY_LOCK = 0x4D55524D  # "MURM": PostgreSQL wants a number
_FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Run the migrations that are missing.

    Raises:
        StoreVersionError: The database is of a newer version.
        StoreDamagedError: It holds tables of something else.
        StoreError: The database cannot be read or written.
    """
    with database.read() as connection:
        if current_step(connection) == LATEST:
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        step = current_step(connection)  # another process may have been faster
        if step != LATEST:
            _refuse_strangers(connection, step, database.name)
            _upgrade(connection)


def current_step(connection: sa.Connection) -> str | None:
    """The database's step; None where no migration has run."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    table = sa.table("alembic_version", sa.column("version_num", sa.Text))
    return connection.execute(sa.select(table.c.version_num)).scalar()


def config() -> Config:
    """Alembic's configuration; it needs no file."""
    from alembic.config import Config  # noqa: PLC0415 - 200 ms that a migrated store need not pay

    made = Config()
    made.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return made


def known_steps() -> tuple[str, ...]:
    """Every step of this version, oldest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    revisions = ScriptDirectory.from_config(config()).walk_revisions()
    return tuple(reversed([revision.revision for revision in revisions]))


def _refuse_strangers(connection: sa.Connection, step: str | None, name: str) -> None:
    if step is None:
        tables = sorted(sa.inspect(connection).get_table_names())
        if tables:
            raise errors.StoreDamagedError(
                f"{name}: this database holds other tables ({', '.join(tables[:3])}); "
                "give the store a database of its own"
            )
    elif step not in known_steps():
        raise errors.StoreVersionError(
            f"{name}: the store is at step {step}, this version knows up to {LATEST}; "
            "install the newer version of murmuration that wrote it"
        )


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - as above

    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, LATEST)
