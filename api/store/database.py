"""The door to the database: engine, pragmas, transactions, errors in sentences.

- SQLite: write-ahead log; a writer takes the lock when its transaction begins, so that it waits
  its turn instead of failing half-way; foreign keys are on.
- Durable transactions reach the disk before they return (R26's spirit at home: consent, marks,
  imports); logs of recommendations may lose their last second in a power cut, never in a crash.
- Every driver error leaves here as a `StoreError` that says what to do.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from api.store import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT_SECONDS = 10.0
"""How long a writer waits for another; an import holds the lock well under a second at a time."""
_MODE = "murmuration_mode"


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and what is said about it in messages.

    Attributes:
        engine: SQLAlchemy's engine.
        name: The file's path, or the URL without its password.
    """

    engine: sa.Engine
    name: str

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the database.

        Raises:
            StoreError: The database cannot be read.
        """
        options = {_MODE: "read"}
        if self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"  # as SQLite reads anyway
        with translated(self.name), self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction: all of it is stored, or nothing.

        Args:
            durable: Whether it must survive a power cut the moment this returns.

        Raises:
            StoreError: The database cannot be written; nothing of the transaction is stored.
        """
        mode = "durable" if durable else "relaxed"
        with translated(self.name), self.engine.connect() as connection:
            connection.execution_options(**{_MODE: mode})
            with connection.begin():
                yield connection

    def check(self) -> None:
        """Check that the database is whole, as far as a quick look can tell.

        Raises:
            StoreDamagedError: It is not.
            StoreError: It cannot be read.
        """
        if self.engine.dialect.name != "sqlite":
            return  # a server checks its own pages
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise errors.StoreDamagedError(
                f"{self.name}: the file is damaged ({found}); restore it from a backup"
            )

    def copy_to(self, path: Path) -> None:
        """Copy a SQLite database as one transaction would see it; it may be in use.

        Raises:
            StoreError: It cannot be read, or the copy not written.
        """
        with (
            translated(self.name),
            closing(sqlite3.connect(self.name)) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def connect(url: str, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Database:
    """Open the engine of a URL; the database is first touched when used.

    Args:
        url: SQLAlchemy URL, such as `sqlite:////var/lib/x/store.sqlite` or
            `postgresql+psycopg://host/name`.
        busy_timeout_seconds: How long a writer waits for another.

    Raises:
        StoreUnavailableError: The URL is not one, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        name = parsed.database or "" if _is_sqlite(parsed) else parsed.render_as_string()
        if _is_sqlite(parsed):
            engine = _sqlite_engine(parsed, busy_timeout_seconds)
        else:
            engine = sa.create_engine(parsed, pool_pre_ping=True)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise errors.StoreUnavailableError(
            f"database_url cannot be used: {error}; leave it empty for SQLite, or install the "
            "extra `postgres` and give postgresql+psycopg://USER@HOST/NAME"
        ) from error
    return Database(engine, name)


def _is_sqlite(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite_engine(url: sa.URL, busy_timeout_seconds: float) -> sa.Engine:
    if url.database and url.database != ":memory:":
        _claim_file(Path(url.database))
    engine = sa.create_engine(url, connect_args={"timeout": busy_timeout_seconds})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _claim_file(path: Path) -> None:
    """Create the file readable by its owner alone; SQLite gives its side files the same mode."""
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise errors.StoreUnavailableError(
            f"{path}: the store cannot be opened ({error.strerror or error}); "
            "check the folder and its permissions"
        ) from error


def _prepare_sqlite(dbapi_connection: DBAPIConnection, _record: object) -> None:
    # The driver's own transaction control would commit behind our back around DDL.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",  # KiB
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get(_MODE, "read")
    driver = connection.connection.driver_connection
    if driver is None:  # pragma: no cover - only after the pool has dropped the connection
        raise errors.StoreUnavailableError("the database connection was lost; try again")
    if mode == "read":
        driver.execute("BEGIN")
        return
    driver.execute(f"PRAGMA synchronous = {'FULL' if mode == 'durable' else 'NORMAL'}")
    driver.execute("BEGIN IMMEDIATE")


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn driver errors into sentences.

    Args:
        name: What to call the database.

    Raises:
        StoreError: In place of any error of the driver.
    """
    try:
        yield
    except sa.exc.DataError as error:
        raise errors.RowRefusedError(
            f"a value does not fit its column ({error.orig}); nothing of its batch was stored"
        ) from error
    except sa.exc.DBAPIError as error:
        raise _in_words(error.orig, name) from error
    except sqlite3.Error as error:
        raise _in_words(error, name) from error
    except UnicodeEncodeError as error:
        raise errors.RowRefusedError(
            "a text holds half a surrogate pair and is no Unicode; nothing of its batch was stored"
        ) from error
    except OverflowError as error:
        raise errors.RowRefusedError(
            "a value does not fit its column (more than 64 bits); nothing of its batch was stored"
        ) from error


def _in_words(error: BaseException | None, name: str) -> errors.StoreError:
    code = str(getattr(error, "sqlite_errorname", ""))
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return errors.StoreBusyError(
            f"{name}: another process is writing to the store and did not finish in time; "
            "wait for it (an import?) and run this again"
        )
    if code.startswith("SQLITE_FULL") or getattr(error, "sqlstate", "") == "53100":
        return errors.StoreFullError(
            f"{name}: the disk is full; what was stored before is kept. "
            "Free some space and run this again: it goes on where it stopped"
        )
    if code.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return errors.StoreUnavailableError(
            f"{name}: the disk refused ({text}); what was stored before is kept. "
            "Check free space, file size limits and permissions, then run this again"
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return errors.StoreDamagedError(
            f"{name}: the file is damaged or not a store ({text}); restore it from a backup"
        )
    return errors.StoreUnavailableError(f"{name}: the database refused: {text}")


def raw_insert(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    """Insert rows at the driver's own speed; rows that are there already are left as they are.

    Args:
        connection: Connection in a transaction.
        table: Table to fill.
        columns: Names of its columns, in the order of a row.
        rows: Values as the driver takes them.

    Returns:
        Number of rows that were new.
    """
    if not rows:
        return 0
    names = [table.c[column] for column in columns]
    insert = insert_or_ignore(connection, table).values({c: sa.bindparam(c.name) for c in names})
    sql = _positional(connection, insert, columns)
    return int(connection.exec_driver_sql(sql, list(rows)).rowcount)


def insert_or_ignore(
    connection: sa.Connection, table: sa.Table
) -> sqlite.Insert | postgresql.Insert:
    """`INSERT … ON CONFLICT DO NOTHING` in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def upsert(
    connection: sa.Connection, table: sa.Table, update: Sequence[str]
) -> sqlite.Insert | postgresql.Insert:
    """`INSERT … ON CONFLICT (primary key) DO UPDATE` of the columns named."""
    key = list(table.primary_key.columns)
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else None
    if insert is not None:
        changed = {name: insert.excluded[name] for name in update}
        return insert.on_conflict_do_update(index_elements=key, set_=changed)
    other = postgresql.insert(table)
    changed = {name: other.excluded[name] for name in update}
    return other.on_conflict_do_update(index_elements=key, set_=changed)


def _positional(connection: sa.Connection, insert: sa.Insert, columns: Sequence[str]) -> str:
    """The statement's text for rows as plain tuples: no per-row work above the driver."""
    style = "qmark" if connection.dialect.name == "sqlite" else "format"
    make_dialect: Any = type(connection.dialect)
    dialect: sa.Dialect = make_dialect(paramstyle=style)
    compiled = insert.compile(dialect=dialect)
    if tuple(compiled.positiontup or ()) != tuple(columns):
        raise ValueError(f"columns must be in the table's order: {compiled.positiontup}")
    return str(compiled)
