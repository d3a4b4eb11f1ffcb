"""`ingest` with a column map, merged accounts and people who are no learners."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from api.cli.main import main
from api.home import PSEUDONYM_KEY, Home
from api.store.opening import open_store
from platform_adapters.pseudonyms import Pseudonymiser

if TYPE_CHECKING:
    from pathlib import Path

MAP = '[columns]\nlearner = "who"\nitem = "what"\ntimestamp = "when"\n'
ROWS = "who,what,when\nold,cells,2024-03-01T09:00:00Z\nnew,osmosis,2024-03-02T09:00:00Z\n"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["murmuration", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    assert call("init", "--home", "home", "--platform", "p")[0] == 0
    (tmp_path / "log.csv").write_text(ROWS)
    (tmp_path / "map.toml").write_text(MAP)
    return call


def learners(home: Path) -> set[str]:
    with open_store(Home(home)) as store:
        return set(store.training_interactions("local").learner_ids)


def test_merged_accounts_are_one_learner_in_the_store(run, tmp_path) -> None:
    (tmp_path / "accounts.csv").write_text("old_id,new_id\nold,new\n")
    options = ("--map", "map.toml", "--accounts", "accounts.csv", "--home", "home")
    code, text = run("ingest", "table", "log.csv", *options)
    assert code == 0, text
    key = Home(tmp_path / "home").read_key(PSEUDONYM_KEY)
    assert learners(tmp_path / "home") == {Pseudonymiser(key).pseudonym("new")}


def test_what_came_in_before_the_merger_is_the_learners_too(run, tmp_path) -> None:
    options = ("--map", "map.toml", "--home", "home")
    assert run("ingest", "table", "log.csv", *options)[0] == 0
    assert len(learners(tmp_path / "home")) == 2
    (tmp_path / "accounts.csv").write_text("old_id,new_id\nold,new\nnobody,new\n")
    code, text = run("ingest", "table", "log.csv", *options, "--accounts", "accounts.csv")
    assert code == 0, text
    assert "1 old accounts that were known here became their learner's" in text
    assert "2 rows = 0 events + 2 duplicates" in text
    assert len(learners(tmp_path / "home")) == 1


def test_a_nightly_source_names_its_map_and_its_staff(run, tmp_path) -> None:
    (tmp_path / "home" / "staff.txt").write_text("old\n")
    for name in ("log.csv", "map.toml"):
        (tmp_path / name).rename(tmp_path / "home" / name)
    with (tmp_path / "home" / "settings.toml").open("a") as settings:
        settings.write(
            '\n[[sources]]\nadapter = "table"\ninputs = ["log.csv"]\nmap = "map.toml"\n'
            'staff = "staff.txt"\n'
        )
    code, text = run("sync", "--no-train", "--home", "home")
    assert code == 0, text
    assert "2 rows = 1 events + 0 duplicates + 1 ignored" in text


def test_a_file_where_the_adapter_should_stand_is_told_apart(run) -> None:
    code, text = run("ingest", "log.csv", "--home", "home")
    assert code == 1
    assert "It is a file of no format that is known here" in text
    assert run("ingest", "table", "--home", "home")[0] == 2
