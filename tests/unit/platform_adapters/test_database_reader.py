from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.readers.database import Since, is_database_url, open_database


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.sqlite"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE mdl_grades (id, score REAL, note, timemodified, timecreated)")
        rows = [(1, 7.5, "Ana", 30, 5), (2, None, None, None, 20), (3, 1.0, "Bo", 0, 40)]
        made.executemany("INSERT INTO mdl_grades VALUES (?, ?, ?, ?, ?)", rows)
    return path


@pytest.fixture
def tables(file):
    with open_database(f"sqlite:///{file}", "mdl_") as opened:
        yield opened


def test_values_come_as_texts_and_missing_ones_empty(tables) -> None:
    assert list(tables.rows("grades", ("id", "score", "note"))) == [
        {"id": "1", "score": "7.5", "note": "Ana"},
        {"id": "2", "score": "", "note": ""},
        {"id": "3", "score": "1.0", "note": "Bo"},
    ]


def test_a_column_that_the_table_lacks_is_left_out_and_a_missing_table_has_none(tables) -> None:
    assert next(tables.rows("grades", ("id", "overridden"))) == {"id": "1"}
    assert tables.columns("no_such_table") == frozenset()


def test_rows_come_by_id_or_by_their_time_of_change(tables) -> None:
    def ids(since):
        return [row["id"] for row in tables.rows("grades", ("id",), since=since)]

    assert ids(Since(value=2)) == ["2", "3"]
    changed = ("timemodified", "timecreated")
    assert ids(Since(changed)) == ["2", "1", "3"]
    assert ids(Since(changed, 30)) == ["1", "3"]


def test_only_rows_with_given_values_come_if_asked_for(tables) -> None:
    found = tables.rows("grades", ("id",), equal=("note", ("Bo", "Cy")))
    assert [row["id"] for row in found] == ["3"]


def test_nothing_can_be_written(file, tables) -> None:
    import sqlalchemy as sa  # noqa: PLC0415  only here, to try what the reader never does

    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        tables._connection.exec_driver_sql("DELETE FROM mdl_grades")
    assert file.stat().st_size > 0


def test_a_missing_database_is_named_without_user_and_password(tmp_path) -> None:
    with (
        pytest.raises(ReadError, match=r"nowhere\.sqlite: the database refused") as found,
        open_database(f"sqlite:///{tmp_path}/nowhere.sqlite"),
    ):
        pass
    assert not (tmp_path / "nowhere.sqlite").exists()
    assert "SELECT *" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "prefix", "words"),
    [
        ("oracle://ana:hush@host/db", "", "'oracle' are not read"),
        ("postgresql+psycopg://ana:hush@host:port/db", "", "cannot be read"),
        ("sqlite:///x", "mdl_; DROP TABLE", "prefix"),
    ],
)
def test_a_wrong_url_or_prefix_is_refused_without_repeating_the_password(
    url, prefix, words
) -> None:
    with pytest.raises(OptionsError, match=words) as found, open_database(url, prefix):
        pass
    assert "hush" not in str(found.value)


def test_urls_of_databases_are_told_from_files_and_other_addresses() -> None:
    assert is_database_url("mysql+pymysql://host/moodle")
    assert is_database_url("postgresql://host/moodle")
    assert is_database_url("oracle://ana:hush@host/moodle"), "or it would be named as a file"
    assert not is_database_url("https://lrs.example.org/xAPI")
    assert not is_database_url("exports/mdl_log.csv")
