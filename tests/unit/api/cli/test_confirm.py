"""`murmuration confirm` (R35): what a designer or operator does without the pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from click.testing import CliRunner

from api.cli.main import cli
from api.errors import ApiError
from api.promotion_report import Carrier, Report, Risen, write_report
from api.store.opening import open_store
from tests.unit.api.cli.conftest import SCHEMAS
from tests.unit.api.homes import make_home

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home

TOLD = "2026-11-24T10:00:00+00:00"
CARRIERS = (Carrier("Cedar", 0.96), Carrier("Elm", 0.1))
RISEN = Risen("biology-2", 0.41, 0.03, 4.2, 9.1, 0.5, CARRIERS, 3, TOLD)
REPORT = Report("ab" * 32, 3, 18, 3, (RISEN,), "", TOLD)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    place = make_home(tmp_path_factory.mktemp("home") / "birch", fitted=False)
    write_report(place, REPORT)
    with open_store(place) as store:
        store.record_rises(["biology-2"], REPORT.model)
    return place


def run(home: Home, *words: str) -> str:
    ran = CliRunner().invoke(cli, ["confirm", *words, "--home", str(home.path)])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_what_rose_is_held_back_agreed_to_and_undone(home: Home, tmp_path: Path) -> None:
    shown = run(home, "list")
    assert "Courses that hold back: none" in shown
    assert "Cedar 96%" in shown
    assert "Held back now: 1 items." in run(home, "on", "biology")
    assert "Held back now: 0 items." in run(home, "agree", "biology-2")
    assert "Undone for 1 items." in run(home, "undo", "biology-2")
    run(home, "list", "--json", str(tmp_path / "out.json"))
    document = json.loads((tmp_path / "out.json").read_text())
    jsonschema.validate(document, json.loads((SCHEMAS / "confirm-list.json").read_text()))
    [record] = document["records"]
    assert record["courses"] == ["biology"]
    assert record["held"] == [{"item": "biology-2", "why": "undone"}]
    assert record["risen"][0]["carriers"][0]["name"] == "Cedar"
    assert record["log"][0]["who"].startswith("command line")
    assert "Held back now: 0 items." in run(home, "off", "biology")


def test_what_the_catalogue_lacks_is_refused_by_name(home: Home) -> None:
    with pytest.raises(ApiError, match="no item 'nowhere'"):
        run(home, "agree", "nowhere")
    with pytest.raises(ApiError, match="no course 'nowhere'"):
        run(home, "on", "nowhere")
