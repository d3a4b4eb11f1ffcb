"""Exports of platforms as a stranger has them: one command, every row accounted for."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from api.store.opening import open_store

GOLDEN = Path(__file__).parents[3] / "golden"
EXPORTS = {
    "openedx": GOLDEN / "openedx" / "inputs" / "input",
    "canvas-data": GOLDEN / "canvas-data" / "tables" / "input",
    "canvas-api": GOLDEN / "canvas-api" / "ubc2022" / "input",
    "caliper": GOLDEN / "caliper" / "canvas" / "input",
    "xapi": GOLDEN / "xapi" / "producers" / "input",
    "sakai": GOLDEN / "sakai" / "gradebook" / "input",
    "ilias": GOLDEN / "ilias" / "tests" / "input",
    "blackboard": GOLDEN / "blackboard" / "grades" / "input",
}


@pytest.mark.parametrize("adapter", EXPORTS)
def test_a_folder_of_exports_goes_in_with_one_command_and_adds_up(
    adapter, home, run, result, tmp_path
):
    command = (
        "ingest",
        adapter,
        EXPORTS[adapter],
        "--home",
        home.path,
        "--max-rejects",
        "0.3",
        "--timezone",
        "UTC",
    )
    out = tmp_path / "result.json"
    run(*command, "--json", out)
    records = result()
    for one in records:
        parts = ("events", "duplicates", "ignored_rows", "rejected_rows")
        assert one["rows"] == sum(one[part] for part in parts)
    with open_store(home) as store:
        stored = len(list(store.interaction_rows()))
    assert stored == sum(one["events"] for one in records) > 0
    run(*command, "--json", out)
    assert sum(one["events"] for one in result()) == 0


def test_a_kolibri_session_that_went_on_after_an_import_is_taken_as_it_is_now(
    home, run, result, tmp_path
):
    database, out = tmp_path / "db.sqlite3", tmp_path / "result.json"
    shutil.copy(next((GOLDEN / "kolibri").glob("*/input/*.sqlite3")), database)
    command = ("ingest", "kolibri", database, "--home", home.path, "--json", out)
    run(*command)
    events = sum(one["events"] for one in result())
    with sqlite3.connect(database) as connection:
        changed = connection.execute(
            "UPDATE logger_contentsessionlog SET progress = 0.875, time_spent = 4321.0, "
            "end_timestamp = '2025-01-01 00:00:00.000000(UTC)' WHERE progress < 0.8 AND user_id "
            "NOT IN (SELECT user_id FROM kolibriauth_role)"
        ).rowcount
    connection.close()
    assert changed
    run(*command)
    assert (sum(one["events"] for one in result()), events > 0) == (0, True)
    with open_store(home) as store:
        rows = list(store.interaction_rows())
    assert len(rows) == events
    grown = [row for row in rows if row.progress == 0.875]
    assert grown
    assert {(row.verb, row.duration_seconds) for row in grown} == {("progressed", 4321.0)}
