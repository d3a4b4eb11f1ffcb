"""Databases from empty, of this version, of a newer one, and of somebody else."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.store import migrate
from api.store.database import connect
from api.store.errors import StoreDamagedError, StoreUnavailableError, StoreVersionError
from api.store.store import Store
from api.store.tables import metadata


@pytest.fixture
def empty(tmp_path):
    return tmp_path / "new.sqlite"


def test_an_empty_database_gets_exactly_the_tables_that_the_code_knows(empty):
    database = connect(f"sqlite:///{empty}")
    migrate.migrate(database)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrate.current_step(connection) == migrate.LATEST
    database.close()


def test_the_latest_step_is_the_one_named():
    assert migrate.known_steps()[-1] == migrate.LATEST


def test_opening_again_keeps_what_is_stored(empty, row):
    with Store.open(f"sqlite:///{empty}") as store:
        store.add_interactions([row()])
    with Store.open(f"sqlite:///{empty}") as store:
        assert store.counts()["interactions"] == 1


def test_two_who_open_an_empty_database_at_once_both_get_it_whole(empty):
    def opened(_number):
        with Store.open(f"sqlite:///{empty}") as store:
            return store.revision()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [0, 0, 0, 0]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty):
    Store.open(f"sqlite:///{empty}").close()
    with sqlite3.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreVersionError, match=r"9999.*newer version"):
        Store.open(f"sqlite:///{empty}")
    with sqlite3.connect(empty) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    assert found == ("9999",)


def test_a_database_of_somebody_else_is_refused_and_left_alone(empty):
    with sqlite3.connect(empty) as connection:
        connection.execute("CREATE TABLE mdl_user (id INTEGER)")
    connection.close()
    with pytest.raises(StoreDamagedError, match="mdl_user"):
        Store.open(f"sqlite:///{empty}")
    with sqlite3.connect(empty) as connection:
        found = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert found == [("mdl_user",)]


def test_a_file_that_is_no_database_is_refused(empty):
    empty.write_bytes(b"not a database, however long it may be" * 100)
    with pytest.raises(StoreDamagedError, match=r"new\.sqlite.*restore it from a backup"):
        Store.open(f"sqlite:///{empty}")


@pytest.mark.parametrize("url", ["nonsense", "mongo://x", "sqlite:////no/such/folder/store.sqlite"])
def test_an_address_that_leads_nowhere_is_refused_in_words(url):
    with pytest.raises(StoreUnavailableError):
        Store.open(url)


def test_a_password_in_an_address_is_never_shown():
    with pytest.raises(StoreUnavailableError) as refusal:
        Store.open("postgresql://someone:sesame@127.0.0.1:1/none?connect_timeout=1")
    assert "sesame" not in str(refusal.value)
    assert "127.0.0.1" in str(refusal.value)
