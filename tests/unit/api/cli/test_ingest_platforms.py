"""Exports of platforms as a stranger has them: one command, every row accounted for."""

from __future__ import annotations

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
}


@pytest.mark.parametrize("adapter", EXPORTS)
def test_a_folder_of_exports_goes_in_with_one_command_and_adds_up(
    adapter, home, run, result, tmp_path
):
    command = ("ingest", adapter, EXPORTS[adapter], "--home", home.path, "--max-rejects", "0.2")
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
