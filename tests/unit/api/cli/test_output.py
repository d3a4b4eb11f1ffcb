from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import pytest

from api.cli.output import plain, progress, show_table, write_json


def test_a_result_file_has_its_envelope_and_infinity_is_a_word(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, "evaluate", {"at": (5, 10), "file": Path("x")}, [{"epsilon": math.inf}])
    document = json.loads(path.read_text())
    assert document["schema"] == "murmuration.evaluate/1"
    assert document["args"] == {"at": [5, 10], "file": "x"}
    assert document["records"] == [{"epsilon": "inf"}]
    assert document["environment"]["packages"]["numpy"] == np.__version__
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_values_become_plain_json():
    assert plain(np.float32(0.5)) == 0.5
    assert plain(np.int64(3)) == 3
    assert plain(np.bool_(True)) is True
    assert plain(math.nan) is None
    assert plain(-math.inf) == "-inf"
    assert plain(Fraction(1, 4)) == 0.25
    assert plain({"a": [1, (None, "x")]}) == {"a": [1, [None, "x"]]}


def test_a_dash_is_standard_output(capsys):
    write_json(Path("-"), "compare", {}, [])
    assert json.loads(capsys.readouterr().out)["schema"] == "murmuration.compare/1"


def test_a_file_that_cannot_be_written_is_an_explained_failure(tmp_path):
    with pytest.raises(click.ClickException, match="cannot write"):
        write_json(tmp_path / "missing" / "result.json", "evaluate", {}, [])


def test_away_from_a_terminal_progress_is_plain_lines_on_standard_error(capsys):
    with progress(3, "Reading") as ticker:
        ticker.advance(2)
        assert ticker.done == 2
    captured = capsys.readouterr()
    assert captured.err == "Reading: 2 of 3 done\n"
    assert captured.out == ""


def test_a_table_away_from_a_terminal_is_never_cut(capsys):
    names = [f"column {number}" for number in range(12)]
    show_table("Title", names, [["x" * 20, *("0.123 ± 0.004",) * 11]], caption="What it is.")
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert printed.count("0.123 ± 0.004") == 11
    assert "What it is." in printed


def test_on_a_terminal_progress_is_a_bar(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress(3, "Reading") as ticker:
        ticker.advance(3, note="the last file")
    assert "Reading: the last file" in capsys.readouterr().err


def test_plain_lines_come_now_and_then_while_the_work_goes_on(monkeypatch, capsys):
    monkeypatch.setattr("api.cli.output._PLAIN_EVERY_SECONDS", 0.0)
    with progress(None, "Reading") as ticker:
        ticker.advance(2, note="rows")
    assert capsys.readouterr().err == "Reading: 2 rows\nReading: 2 done\n"
