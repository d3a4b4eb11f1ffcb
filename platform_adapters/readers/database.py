"""Rows of another system's database, read only: the adapters' one door to SQLAlchemy.

- The connection is read only by the server's own means, and one transaction sees one state.
- Rows come through a cursor of the server's, so that a large table needs little memory.
- Values come as texts, a missing one as the empty text, as a CSV export of the table would say.
- Neither messages nor names hold the password, or the user.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from platform_adapters.errors import OptionsError, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection

FETCHED_ROWS = 5_000
"""Rows fetched from the server at a time."""

CONNECT_SECONDS = 15
"""How long to wait for a server."""

_PAUSE_SECONDS = 3_600
"""How long MariaDB and MySQL wait for us while we store what we have read."""

_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "sqlite": "pysqlite"}
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Since:
    """From where on the rows of a table are wanted, and in which order they come.

    Attributes:
        columns: The row's place: the first of these columns that is not null and not zero comes
            first (times of change), then `id`. Empty: by `id` alone.
        value: Least value of the first part that is wanted.
    """

    columns: tuple[str, ...] = ()
    value: int = 0


@dataclass(frozen=True, slots=True)
class Tables:
    """An open database.

    Attributes:
        name: What it is called in messages: its URL without user and password.
        prefix: What stands before the names of its tables.
    """

    name: str
    prefix: str
    _connection: sa.Connection
    _columns: dict[str, frozenset[str]]

    def columns(self, table: str) -> frozenset[str]:
        """Names of a table's columns; empty if there is no such table, or we may not see it.

        Raises:
            ReadError: The server refused.
        """
        if table not in self._columns:
            with in_words(self.name):
                self._columns[table] = self._look_up(self.prefix + table)
        return self._columns[table]

    def _look_up(self, table: str) -> frozenset[str]:
        """The columns that our user may read: servers list no others."""
        if self._connection.dialect.name == "sqlite":
            query = sa.text("SELECT name FROM pragma_table_info(:table)")
        else:
            here = "current_schema()" if _is_postgresql(self._connection) else "DATABASE()"
            query = sa.text(
                "SELECT column_name FROM information_schema.columns "  # noqa: S608  two constants
                f"WHERE table_schema = {here} AND table_name = :table"
            )
        return frozenset(self._connection.execute(query, {"table": table}).scalars())

    def greatest(self, table: str, column: str) -> int:
        """Greatest value of a column of whole numbers; 0 for an empty table.

        Raises:
            ReadError: The server refused.
        """
        return self._number(sa.select(sa.func.max(sa.column(column))), table)

    def least_from(self, table: str, column: str, number: int) -> int:
        """Least value of a column of whole numbers in the rows from this id on; 0 if none.

        Raises:
            ReadError: The server refused.
        """
        least: sa.Select[Any] = sa.select(sa.func.min(sa.column(column)))
        return self._number(least.where(sa.column("id") >= number), table)

    def _number(self, query: sa.Select[Any], table: str) -> int:
        with in_words(self.name):
            found = self._connection.execute(query.select_from(sa.table(self.prefix + table)))
            return int(found.scalar() or 0)

    def rows(
        self,
        table: str,
        columns: Sequence[str],
        *,
        since: Since | None = None,
        equal: tuple[str, Sequence[int] | Sequence[str]] | None = None,
    ) -> Iterator[dict[str, str]]:
        """Rows of a table.

        Args:
            table: Its name without the prefix.
            columns: The columns wanted; those that the table has not are left out.
            since: Which rows and in which order; by default all, in no order.
            equal: A column and the values that it may have.

        Raises:
            ReadError: The server refused, or was lost.
        """
        names = [name for name in columns if name in self.columns(table)]
        query = self._query(table, names, since, equal)
        with in_words(self.name):
            result = self._connection.execution_options(
                stream_results=True, max_row_buffer=FETCHED_ROWS
            ).execute(query)
            try:
                for row in result:
                    yield dict(zip(names, map(text_of, row), strict=True))
            finally:
                result.close()

    def _query(
        self,
        table: str,
        names: Sequence[str],
        since: Since | None,
        equal: tuple[str, Sequence[int] | Sequence[str]] | None,
    ) -> sa.Select[Any]:
        own: sa.ColumnClause[Any] = sa.column("id")
        wanted: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
        query = sa.select(*wanted).select_from(sa.table(self.prefix + table))
        if equal is not None:
            query = query.where(sa.column(equal[0]).in_(list(equal[1])))
        if since is None:
            return query
        if not since.columns:
            return query.where(own >= since.value).order_by(own)
        present = [name for name in since.columns if name in self.columns(table)]
        parts = [sa.func.nullif(sa.column(name), 0) for name in present]
        when = sa.func.coalesce(*parts, 0)
        return query.where(when >= since.value).order_by(when, own)


def text_of(value: object) -> str:
    """A value as a CSV export would write it; the empty text for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)


@contextmanager
def open_database(url: str, prefix: str = "") -> Iterator[Tables]:
    """Open a database for reading.

    Args:
        url: SQLAlchemy URL: `postgresql+psycopg://…`, `mysql+pymysql://…` or `sqlite:///…`.
        prefix: What stands before the names of its tables, such as `mdl_`.

    Raises:
        OptionsError: The URL or the prefix cannot be used, or the driver is not installed.
        ReadError: The server cannot be reached, or refused.
    """
    if prefix and not _NAME.fullmatch(prefix):
        raise OptionsError("the table prefix may hold letters, digits and underscores only")
    parsed = parse_url(url)
    engine = _engine(parsed)
    name = public_name(parsed)
    try:
        with in_words(name), engine.connect() as connection:
            _begin(connection)
            try:
                yield Tables(name, prefix, connection, {})
            except BaseException:
                connection.invalidate()  # rows that nobody fetches would be in the way of an end
                raise
    finally:
        engine.dispose()


def is_database_url(text: str) -> bool:
    """Whether an input is meant as a database's URL; `parse_url` says whether it can be read."""
    scheme, found, _ = text.partition("://")
    return bool(found) and scheme.isascii() and scheme not in {"http", "https", "file"}


def parse_url(url: str) -> sa.URL:
    """A database's URL with the driver that reads it.

    Raises:
        OptionsError: It is none, or of a database that is not read.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # The library's own message may hold the URL, and the URL a password.
        raise OptionsError(
            "the database's URL cannot be read; expected for instance "
            "postgresql+psycopg://reader@host/moodle, with signs such as @ or / in a password "
            "written as %40 or %2F"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        known = ", ".join(f"{name}+{driver}" for name, driver in _DRIVERS.items())
        raise OptionsError(f"databases of the kind {backend!r} are not read; expected {known}")
    # One driver of each is tried; asking for another would only fail later.
    chosen = "mysql" if backend == "mariadb" else backend
    return parsed.set(drivername=f"{chosen}+{_DRIVERS[backend]}")


def public_name(url: sa.URL) -> str:
    """A URL without user, password and options: fit for messages, reports and the store."""
    return str(
        sa.URL.create(
            url.get_backend_name(), host=url.host, port=url.port, database=url.database
        ).render_as_string()
    )


def _engine(url: sa.URL) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        file = f"file:{url.database}"
        url = url.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})
    options: dict[str, Any] = {} if backend == "sqlite" else {"connect_timeout": CONNECT_SECONDS}
    try:
        engine = sa.create_engine(
            url, poolclass=sa.NullPool, connect_args=options, hide_parameters=True
        )
    except ImportError as error:
        raise OptionsError(
            f"the driver {error.name!r} for this database is not installed; install the extra "
            "`databases` (pip install 'murmuration[databases]')"
        ) from error
    if backend == "mysql":
        sa.event.listen(engine, "connect", _prepare_mysql)
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_mysql(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.execute(f"SET SESSION net_write_timeout = {_PAUSE_SECONDS}")
    cursor.close()


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _begin(connection: sa.Connection) -> None:
    """Let all that is read come from one moment, and nothing be written."""
    backend = connection.dialect.name
    if _is_postgresql(connection):
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    if backend == "mysql":
        connection.execution_options(isolation_level="REPEATABLE READ")


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """Turn a driver's errors into sentences without statements, parameters or passwords.

    Raises:
        ReadError: In place of any error of the driver.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        text = str(error.orig).strip().splitlines() or [type(error).__name__]
        raise ReadError(
            f"{name}: the database refused: {text[-1].strip()}. It must be reachable and its user "
            "may need SELECT on this table"
        ) from None
    except sa.exc.SQLAlchemyError as error:
        raise ReadError(f"{name}: the database cannot be read ({type(error).__name__})") from None
