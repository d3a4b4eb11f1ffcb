"""A database's reading without a server: the golden dump in a SQLite file."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from platform_adapters.contract import NAMED, AdaptOptions, Interaction
from platform_adapters.engines.moodle_feed import Cursor, open_feed
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.values import event_id, event_namespace

DUMP = Path(__file__).resolve().parents[2] / "golden/moodle/dump"


@pytest.fixture
def url(tmp_path):
    path = tmp_path / "moodle.sqlite"
    with closing(sqlite3.connect(path)) as made, made:
        for file in (DUMP / "input").glob("*.csv"):
            with file.open(encoding="utf-8", newline="") as opened:
                header, *rows = csv.reader(opened)
            kinds = [f"{name} NUMERIC" for name in header]  # what is no number stays a text
            made.execute(f"CREATE TABLE {file.stem} ({', '.join(kinds)})")
            marks = ", ".join("?" * len(header))
            values = [[None if cell == "NULL" else cell for cell in row] for row in rows]
            made.executemany(f"INSERT INTO {file.stem} VALUES ({marks})", values)  # noqa: S608
    return f"sqlite:///{path}"


def outcomes(feed, limit=None):
    found = []
    for count, (line, record) in enumerate(feed.records(), 1):
        try:
            found.append(feed.session.convert(record, line))
        except RecordError as error:
            found.append(str(error))
        if count == limit:
            break
    return found


def events(found):
    names = [row.event_id for row in found if isinstance(row, Interaction)]
    return {event_id(event_namespace("golden"), name.removeprefix(NAMED)) for name in names}


def read(url, cursor=None, limit=None):
    with open_feed(url, "mdl_", AdaptOptions("golden"), cursor or Cursor()) as feed:
        return outcomes(feed, limit), feed.cursor


def golden():
    lines = (DUMP / "expected/outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["event_id"] for row in map(json.loads, lines) if row["outcome"] == "interaction"}


def test_a_database_tells_what_the_dump_of_its_tables_tells(url) -> None:
    found, cursor = read(url)
    assert events(found) == golden()
    assert cursor.table == ""
    assert cursor.after["logstore_standard_log"] == 214


def test_reading_again_adds_nothing_however_far_back_it_begins(url) -> None:
    first, cursor = read(url)
    again, _ = read(url, Cursor(**json.loads(json.dumps(cursor.to_dict()))))
    assert events(again) <= events(first)


@pytest.mark.parametrize("limit", [1, 3, 8, 17, 30, 45])
def test_wherever_a_reading_is_interrupted_it_goes_on_there(url, limit) -> None:
    first, cursor = read(url, limit=limit)
    rest, _ = read(url, Cursor(**json.loads(json.dumps(cursor.to_dict()))))
    whole, _ = read(url)
    assert events(first) | events(rest) == golden()
    assert limit == 1 or len(rest) < len(whole), "what was read is not read again"


def test_rows_of_the_log_that_come_while_it_is_read_are_left_for_the_next_time(url) -> None:
    path = url.removeprefix("sqlite:///")
    with open_feed(url, "mdl_", AdaptOptions("golden"), Cursor()) as feed:
        feed.cursor = Cursor(feed.cursor.after, feed.cursor.since, feed.cursor.table, 210)
        found = outcomes(feed)
    assert events(found) < golden()
    later, _ = read(f"sqlite:///{path}", feed.cursor)
    assert events(found) | events(later) == golden()


def test_what_a_learner_typed_into_a_scorm_package_is_not_even_fetched(url) -> None:
    with open_feed(url, "mdl_", AdaptOptions("golden"), Cursor()) as feed:
        rows = [record for _, record in feed.records() if record[0] == "scorm_scoes_track"]
    assert len(rows) == 6
    assert not any("typed" in row["value"] for _, row in rows)


def test_a_database_without_the_log_says_which_table_was_looked_for(url) -> None:
    with (
        pytest.raises(ReadError, match="no table other_logstore_standard_log"),
        open_feed(url, "other_", AdaptOptions("golden"), Cursor()),
    ):
        pass


def test_the_catalogue_comes_along_with_addresses_if_the_site_is_named(url) -> None:
    with open_feed(url, "mdl_", AdaptOptions("golden"), Cursor()) as feed:
        items = feed.catalogue("https://moodle.example.org")
    assert items[1].item == "module:340"
    assert items[1].url == "https://moodle.example.org/mod/page/view.php?id=340"
