"""Rows of an SQLite database, read and never written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from platform_adapters.contract import Record


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A database, read only; what its schema says is not trusted to run anything."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def sqlite_tables(path: Path) -> list[str]:
    """Names of tables and views.

    Raises:
        ReadError: It is no database, or is damaged.
    """
    return [str(row["name"]) for _, row in read_sqlite(path, {"sqlite_master": _TABLES})]


_TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"


def read_sqlite(path: Path, queries: Mapping[str, str]) -> Iterator[Record]:
    """Rows of several queries one after the other, numbered from 1.

    Args:
        path: The database.
        queries: From the table that a query needs to the query; one whose table is not there is
            passed over.

    Raises:
        ReadError: It is no database, is damaged, or lacks a column.
    """
    number = 0
    try:
        with closing(open_sqlite(path)) as connection:
            tables = {name for (name,) in connection.execute(_TABLES)} | {"sqlite_master"}
            for table, query in queries.items():
                if table not in tables:
                    continue
                cursor = connection.execute(query)
                names = [column[0] for column in cursor.description]
                for values in cursor:
                    number += 1
                    yield number, dict(zip(names, values, strict=True))
    except sqlite3.Error as error:
        raise ReadError(
            f"{path.name} cannot be read as an SQLite database ({error}); stop the program that "
            "writes it, or copy it with its -wal file, and unpack it if it is packed"
        ) from error
