from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import pytest

from api.cli.adapt_output import CsvWriter
from api.cli.main import main
from api.home import Home
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
KEY = bytes(range(32))


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run `murmuration adapt …` in a folder of its own; exit code and what was printed."""
    monkeypatch.delenv("MURMURATION_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_bytes(KEY)

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["murmuration", "adapt", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def left(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()} - {"key"}


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_every_form_of_output_holds_the_same_rows(run, tmp_path, name) -> None:
    log = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
    code, text = run("xapi", log, "--out", name, "--key-file", "key", "--report", "r.json")
    assert (code, left(tmp_path)) == (0, {name, "r.json"})
    assert "16 rows = 16 events + 0 duplicates + 0 ignored + 0 rejected" in text
    again = run("table", name, "--out", "back.jsonl", "--key-file", "key")
    assert again[0] == 0
    assert run("xapi", log, "--out", "direct.jsonl", "--key-file", "key")[0] == 0
    assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "direct.jsonl").read_bytes()


def test_the_report_tells_lines_and_adds_up(run, tmp_path) -> None:
    inputs = sorted((GOLDEN / "moodle" / "logstore" / "input").glob("*.csv"))
    arguments = ("--out", "o.csv", "--catalogue-out", "c.csv", "--report", "r.json")
    code, text = run("moodle", *inputs, *arguments, "--key-file", "key", "--max-rejects", "0.2")
    assert code == 0, text
    report = json.loads((tmp_path / "r.json").read_text())
    parts = ("events", "duplicates", "ignored_rows", "rejected_rows")
    assert report["rows"] == sum(report[part] for part in parts) == 30
    assert report["duplicates"] == 1
    rejected = report["rejected"]["the row has not 21 columns as the header has"]
    assert rejected == {"count": 1, "lines": [{"file": "logstore.csv", "line": 29}]}
    assert (tmp_path / "c.csv").read_text().startswith("item,title,")


def test_without_a_key_one_is_drawn_and_that_is_said(run) -> None:
    log = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
    code, text = run("xapi", log, "--out", "o.csv")
    assert code == 0
    assert "a pseudonym key was drawn for this run and is not kept" in text


def test_a_key_may_be_written_in_hexadecimal(run, tmp_path) -> None:
    (tmp_path / "hex").write_text(KEY.hex() + "\n")
    for key in ("key", "hex"):
        log = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
        assert run("xapi", log, "--out", f"{key}.csv", "--key-file", key)[0] == 0
    assert (tmp_path / "key.csv").read_bytes() == (tmp_path / "hex.csv").read_bytes()
    assert Pseudonymiser(KEY).key_id in (tmp_path / "key.csv").read_text()


def test_a_homes_key_and_name_are_taken(run, tmp_path) -> None:
    home = Home(tmp_path / "home")
    home.create('platform = "Alder"\n')
    log = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
    assert run("xapi", log, "--out", "a.csv", "--home", home.path)[0] == 0
    key = home.key_path("pseudonym.key")
    code, text = run("xapi", log, "--out", "b.csv", "--key-file", key, "--platform", "Alder")
    assert code == 0, text
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def truncated(path: Path) -> None:
    path.write_bytes(gzip.compress(os.urandom(20_000).hex().encode())[:-300])


@pytest.mark.parametrize(
    ("adapter", "content", "options", "message"),
    [
        ("xapi", "{}\n" * 30, (), "30 of 30 rows are not what 'xapi' expects"),
        ("table", "learner,item,timestamp\na,i,2024-03-01 09:00\n", (), "--timezone Europe/Berlin"),
        (
            "table",
            "learner,item,timestamp\na,i,2024-03-01 09:00\n",
            ("--timezone", "Mars/Phobos"),
            "there is no time zone 'Mars/Phobos'",
        ),
        ("moodle", "Zeit,Name\n1,2\n", (), "log is neither a Moodle log"),
        ("openedx", truncated, (), "log is a truncated gzip file"),
        ("blackbord", "", (), "there is no adapter 'blackbord'"),
        ("table", "learner,item,order\na,i,1\n", ("--key-file", "short"), "key of 32 bytes"),
        ("table", "learner,item,order\na,i,1\n", ("--home", "nowhere"), "is not a home"),
        (
            "table",
            "learner,item,order\na,i,1\n",
            ("--catalogue-out", "c.csv"),
            "no catalogue for the adapter 'table' among the inputs",
        ),
    ],
)
def test_bad_input_is_explained_exits_1_and_leaves_nothing(
    run, tmp_path, adapter, content, options, message
) -> None:
    (tmp_path / "short").write_bytes(b"x")
    log = tmp_path / "log"
    content(log) if callable(content) else log.write_text(content)
    code, text = run(adapter, log, "--out", "o.csv", *options)
    assert code == 1
    assert message in text
    assert "Traceback" not in text
    assert left(tmp_path) == {"log", "short"}


def test_a_failed_run_leaves_an_earlier_output_as_it_was(run, tmp_path) -> None:
    (tmp_path / "o.csv").write_text("earlier")
    (tmp_path / "log").write_text("{}\n")
    assert run("xapi", "log", "--out", "o.csv")[0] == 1
    assert (tmp_path / "o.csv").read_text() == "earlier"


def test_too_many_rejects_still_write_the_report_that_tells_why(run, tmp_path) -> None:
    (tmp_path / "log").write_text("{}\n")
    assert run("xapi", "log", "--out", "o.csv", "--report", "r.json")[0] == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["rejected_rows"] == 1
    assert "1 of 1 rows" in report["stopped"]


def test_an_output_that_cannot_be_written_is_named(run, tmp_path) -> None:
    log = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
    code, text = run("xapi", log, "--out", "nowhere/o.csv", "--key-file", "key")
    assert code == 1
    assert "nowhere/o.csv cannot be written" in text
    assert left(tmp_path) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_explained() -> None:
    with pytest.raises(OSError, match="No space"), Path("/dev/full").open("wb", 0) as full:
        CsvWriter(full, ("a",)).write({"a": 1})


@pytest.mark.parametrize(
    "arguments", [(), ("xapi",), ("xapi", "log"), ("xapi", "l", "--out", "o.xls")]
)
def test_wrong_usage_exits_2(run, arguments) -> None:
    assert run(*arguments)[0] == 2


def test_the_list_names_every_adapter_and_what_it_was_tried_on(run) -> None:
    code, text = run("--list")
    assert code == 0
    for name in ADAPTERS:
        assert f"\n{name:12}reads " in f"\n{text}"
    assert text.count("tried on: ") == len(ADAPTERS)


def test_a_folder_stands_for_its_files_and_json_has_the_frame_of_all_commands(
    run, tmp_path
) -> None:
    folder = GOLDEN / "moodle" / "logstore" / "input"
    code, text = run("moodle", folder, "--out", "o.csv", "--json", "j.json", "--max-rejects", "0.2")
    assert code == 0, text
    document = json.loads((tmp_path / "j.json").read_text())
    assert document["schema"] == "murmuration.adapt/1"
    assert document["records"][0]["rows"] == 30


def test_detection_names_each_file_and_fails_if_one_is_unknown(run, tmp_path) -> None:
    (tmp_path / "recipe.csv").write_text("flour,eggs\n1,2\n")
    known = GOLDEN / "kolibri" / "sessions" / "input" / "session.csv"
    code, text = run("--detect", known, "--json", "d.json")
    assert code == 0
    assert "session.csv: kolibri, a log: it looks like Kolibri's export of session logs" in text
    assert "next: murmuration adapt kolibri session.csv --out interactions.csv" in text
    assert json.loads((tmp_path / "d.json").read_text())["records"][0]["adapter"] == "kolibri"
    code, text = run("--detect", known, "recipe.csv")
    assert code == 1
    assert "murmuration adapt table --guess recipe.csv" in text


def test_a_guess_becomes_a_map_that_reads_the_table(run, tmp_path) -> None:
    (tmp_path / "marks.csv").write_text("student,page,date\nana,cells,2024-03-01T09:00:00Z\n")
    code, text = run("table", "--guess", "marks.csv")
    assert code == 0
    assert "student  ->  learner" in text
    assert "ana" not in text.replace("Adapting", "")
    assert run("table", "--guess", "marks.csv")[0] == 1, "an edited map is not written over"
    code, text = run("table", "marks.csv", "--map", "marks.csv.map.toml", "--out", "o.csv")
    assert (code, "1 rows = 1 events" in text) == (0, True)
    assert run("xapi", "marks.csv", "--map", "marks.csv.map.toml", "--out", "o.csv")[0] == 1


def test_a_catalogue_alone_needs_no_log_and_no_key(run, tmp_path) -> None:
    package = GOLDEN / "cartridge" / "scorm" / "input" / "fire.zip"
    code, text = run("cartridge", package, "--catalogue-out", "c.csv")
    assert code == 0
    assert "pseudonym key" not in text
    assert (tmp_path / "c.csv").read_text().count("\n") == 5


def test_merged_accounts_and_staff_are_lists_on_the_command_line(run, tmp_path) -> None:
    rows = "learner,item,order\nold,i,1\nnew,j,2\nteacher,i,3\n"
    (tmp_path / "log.csv").write_text(rows)
    (tmp_path / "accounts.csv").write_text("old_id,new_id\nold,new\n")
    (tmp_path / "staff.txt").write_text("teacher\n")
    options = ("--accounts", "accounts.csv", "--staff", "staff.txt", "--key-file", "key")
    code, text = run("table", "log.csv", "--out", "o.csv", *options)
    assert code == 0
    assert "3 rows = 2 events + 0 duplicates + 1 ignored" in text
    learners = {line.split(",")[1] for line in (tmp_path / "o.csv").read_text().splitlines()[1:]}
    assert learners == {Pseudonymiser(KEY).pseudonym("new")}


def test_a_time_after_tomorrow_is_refused(run, tmp_path) -> None:
    (tmp_path / "log.csv").write_text(
        "learner,item,timestamp\na,i,2099-01-01T00:00:00Z\na,i,2024-01-01T00:00:00Z\n"
    )
    code, text = run("table", "log.csv", "--out", "o.csv", "--max-rejects", "1")
    assert code == 0
    assert "rejected 1: the time is after tomorrow" in text
