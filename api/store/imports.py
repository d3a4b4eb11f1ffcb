"""Imports: one row for each file read, so that a stopped one is seen and an old one skipped."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store.tables import imports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.store.database import Database
    from api.store.interactions import AddResult

RUNNING = "running"
DONE = "done"
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import of one file.

    Attributes:
        id: Number of the import.
        adapter: Name of the adapter.
        path: File as it was named.
        digest: SHA-256 of its bytes, hex.
        state: `running`, `done` or `stopped`; a `running` one whose process is gone was killed.
        stored: Rows that were new.
        duplicates: Rows that were stored already.
        report: The import's report; None until it is done.
        started_at: Unix seconds.
        ended_at: Unix seconds, or None.
    """

    id: int
    adapter: str
    path: str
    digest: str
    state: str
    stored: int
    duplicates: int
    report: dict[str, Any] | None
    started_at: int
    ended_at: int | None


def start(
    database: Database, *, adapter: str, path: str, digest: str, options: Mapping[str, Any]
) -> int:
    """Record that the import of a file begins.

    Returns:
        The import's number.

    Raises:
        StoreError: The database failed.
    """
    values = {
        "adapter": adapter,
        "path": path,
        "digest": digest,
        "options": dict(options),
        "state": RUNNING,
        "stored": 0,
        "duplicates": 0,
        "started_at": int(time.time()),
    }
    with database.write() as connection:
        made = connection.execute(sa.insert(imports).values(values)).inserted_primary_key
        return 0 if made is None else int(made[0])


def advance(connection: sa.Connection, number: int, result: AddResult) -> None:
    """Record a batch's progress, in the batch's own transaction."""
    t = imports.c
    change = sa.update(imports).where(t.id == number)
    connection.execute(
        change.values(stored=t.stored + result.added, duplicates=t.duplicates + result.duplicates)
    )


def end(
    database: Database, number: int, *, state: str, report: Mapping[str, Any] | None = None
) -> None:
    """Record how an import ended.

    Raises:
        StoreError: The database failed.
    """
    values = {"state": state, "report": report, "ended_at": int(time.time())}
    with database.write() as connection:
        connection.execute(sa.update(imports).where(imports.c.id == number).values(values))


def finished(
    database: Database, *, adapter: str, digest: str, options: Mapping[str, Any]
) -> ImportRow | None:
    """The import that has read these bytes in this way to the end, if there is one.

    Raises:
        StoreError: The database cannot be read.
    """
    t = imports.c
    query = sa.select(imports).where(t.digest == digest, t.adapter == adapter, t.state == DONE)
    with database.read() as connection:
        for row in connection.execute(query.order_by(t.id.desc())):
            if row.options == dict(options):
                return _row(row)
    return None


def latest(database: Database, *, limit: int = 20) -> list[ImportRow]:
    """The latest imports, newest first.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        query = sa.select(imports).order_by(imports.c.id.desc()).limit(limit)
        return [_row(row) for row in connection.execute(query)]


def _row(row: sa.Row[Any]) -> ImportRow:
    return ImportRow(**{name: getattr(row, name) for name in ImportRow.__slots__})
