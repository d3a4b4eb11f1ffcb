"""Imports: one row for each file read.

- A file whose import was stopped or killed goes on under the same number, so that its final
  counts are those of an import that was never stopped.
- An import whose input turned out to be unusable is taken back: nothing of it is kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store.revision import bump
from api.store.tables import imports, interactions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.store.database import Database

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
    """Record that the import of a file begins, or goes on after it was stopped or killed.

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
    t = imports.c
    query = sa.select(imports).where(t.digest == digest, t.adapter == adapter, t.state != DONE)
    with database.write() as connection:
        for row in connection.execute(query):
            if row.options == values["options"]:
                again = sa.update(imports).where(t.id == row.id)
                connection.execute(again.values(state=RUNNING, path=path, duplicates=0))
                return int(row.id)
        made = connection.execute(sa.insert(imports).values(values)).inserted_primary_key
        return 0 if made is None else int(made[0])


def advance(connection: sa.Connection, number: int, added: int, duplicates: int) -> None:
    """Record a batch's progress, in the batch's own transaction."""
    t = imports.c
    change = sa.update(imports).where(t.id == number)
    connection.execute(change.values(stored=t.stored + added, duplicates=t.duplicates + duplicates))


def stored(database: Database, number: int) -> int:
    """Rows that an import has added so far, earlier runs of it included.

    Raises:
        StoreError: The database cannot be read.
    """
    query = sa.select(imports.c.stored).where(imports.c.id == number)
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def take_back(database: Database, number: int) -> int:
    """Remove every row that an import has added.

    Returns:
        Number of rows removed.

    Raises:
        StoreError: The database failed; nothing was removed.
    """
    with database.write() as connection:
        gone = connection.execute(
            sa.delete(interactions).where(interactions.c.import_id == number)
        ).rowcount
        change = sa.update(imports).where(imports.c.id == number)
        connection.execute(
            change.values(state=STOPPED, stored=0, duplicates=0, ended_at=int(time.time()))
        )
        if gone:
            bump(connection)
        return int(gone)


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
    return _newest_done(database, imports.c.digest == digest, adapter, options)


def last(
    database: Database, *, adapter: str, path: str, options: Mapping[str, Any]
) -> ImportRow | None:
    """The latest import of this source, read in this way, that came to its end.

    Raises:
        StoreError: The database cannot be read.
    """
    return _newest_done(database, imports.c.path == path, adapter, options)


def _newest_done(
    database: Database, source: sa.ColumnElement[bool], adapter: str, options: Mapping[str, Any]
) -> ImportRow | None:
    t = imports.c
    query = sa.select(imports).where(source, t.adapter == adapter, t.state == DONE)
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
