"""Kolibri: what the golden folders do not show, and a real one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions, Interaction
from platform_adapters.errors import ReadError
from platform_adapters.formats.kolibri.words import ALIASES, COLUMNS
from platform_adapters.registry import ADAPTERS
from tests.kolibri_server import School, kolibri

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "kolibri"
KOLIBRI = ADAPTERS["kolibri"]


def read(path: Path) -> list:
    return list(KOLIBRI.read(path, AdaptOptions("golden")))


def test_exports_in_three_languages_say_the_same() -> None:
    english, arabic = (
        [row for row in read(next((GOLDEN / case / "input").iterdir())) if type(row) is Interaction]
        for case in ("sessions", "sessions_arabic")
    )
    assert [(r.learner, r.item, r.timestamp, r.progress) for r in english] == [
        (r.learner, r.item, r.timestamp, r.progress) for r in arabic
    ]


def test_a_translated_column_has_one_meaning() -> None:
    assert set(ALIASES.values()) == set(COLUMNS)
    assert not set(ALIASES) & set(COLUMNS)


def test_a_database_that_is_cut_off_is_refused_with_advice(tmp_path) -> None:
    path = tmp_path / "db.sqlite3"
    whole = (GOLDEN / "database" / "input" / "db.sqlite3").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match="copy it with its -wal file"):
        read(path)


def test_the_database_is_only_read(tmp_path) -> None:
    path = tmp_path / "db.sqlite3"
    path.write_bytes((GOLDEN / "database" / "input" / "db.sqlite3").read_bytes())
    path.chmod(0o444)
    before = path.read_bytes()
    assert read(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["db.sqlite3"]


def test_a_coach_of_one_class_is_no_learner_anywhere(tmp_path) -> None:
    path = tmp_path / "db.sqlite3"
    path.write_bytes((GOLDEN / "database" / "input" / "db.sqlite3").read_bytes())
    with closing(sqlite3.connect(path)) as database:
        staff = {row[0] for row in database.execute("SELECT user_id FROM kolibriauth_role")}
    assert staff
    assert not staff & {row.learner for row in read(path) if type(row) is Interaction}


def test_of_a_channels_own_database_nothing_is_hidden_for_not_being_here(tmp_path) -> None:
    path = tmp_path / "channel.sqlite3"
    path.write_bytes((GOLDEN / "database" / "input" / "db.sqlite3").read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE content_contentnode SET available = 0")
    assert all(item.hidden for item in KOLIBRI.read_catalogue(path))
    with closing(sqlite3.connect(path)) as database, database:
        for table in ("attemptlog", "contentsessionlog", "contentsummarylog", "masterylog"):
            database.execute(f"DROP TABLE logger_{table}")
    items = list(KOLIBRI.read_catalogue(path))
    assert [item.title for item in items if item.hidden] == ["For teachers"]
    assert KOLIBRI.catalogues([path]) == [path]
    assert KOLIBRI.split([path])[0] == []


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> School:
    return School(kolibri(), tmp_path_factory.mktemp("kolibri"))


def expected(case: str, *, without: tuple[str, ...]) -> list[dict]:
    text = (GOLDEN / case / "expected" / "outcomes.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in row.items() if k not in without} for row in rows]


@pytest.mark.server
@pytest.mark.parametrize(
    ("case", "kind", "language"),
    [
        ("sessions", "session", "en"),
        ("sessions_arabic", "session", "ar"),
        ("summaries_german", "summary", "de"),
    ],
)
def test_a_real_kolibri_exports_what_the_golden_file_holds(school, case, kind, language) -> None:
    real = school.export(kind, language).read_text(encoding="utf-8")
    assert real == next((GOLDEN / case / "input").iterdir()).read_text(encoding="utf-8")


@pytest.mark.server
def test_a_real_kolibris_database_gives_the_golden_events_and_catalogue(school) -> None:
    found = [row for row in read(school.database) if type(row) is Interaction]
    golden = read(GOLDEN / "database" / "input" / "db.sqlite3")
    assert sorted((r.item, r.timestamp, r.verb, r.source) for r in found) == sorted(
        (r.item, r.timestamp, r.verb, r.source) for r in golden if type(r) is Interaction
    )
    titles = [item.title for item in KOLIBRI.read_catalogue(school.database)]
    assert titles == ["Cell walls", "Name the parts", "Osmosis", "For teachers"]
