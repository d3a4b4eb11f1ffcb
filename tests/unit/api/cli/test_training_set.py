"""`training-set`, as an operator calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from platform_adapters.training_sets import verbs_for

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_files_rows_come_learner_by_learner_oldest_first(tmp_path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        "learner,item,timestamp,verb,score,course\n"
        "b,two,2024-03-02T09:00:00Z,scored,0.9,c\n"
        "a,one,2024-03-01T10:00:00Z,viewed,,c\n"
        "b,one,2024-03-01T09:00:00Z,viewed,,c\n"
        "b,c,2024-03-01T08:00:00Z,enrolled,,c\n"
    )
    out, report = tmp_path / "out.csv", tmp_path / "report.json"
    run("training-set", "--interactions", table, "--out", out, "--json", report)
    found = [(r["learner"], r["item"], r["verb"], r["score"]) for r in rows(out)]
    assert found == [
        ("a", "one", "viewed", ""),
        ("b", "one", "viewed", ""),
        ("b", "two", "scored", "0.9"),
    ]
    record = {"learners": 2, "rows": 3, "recommend": "items"}
    assert json.loads(report.read_text())["records"] == [record]
    run("training-set", "--interactions", table, "--out", out, "--recommend", "courses")
    assert [(r["learner"], r["item"], r["course"]) for r in rows(out)] == [("b", "c", "c")]


@pytest.mark.parametrize("through_store", [False, True])
def test_teachers_guests_and_whoever_is_logged_in_as_another_never_get_in(
    tmp_path, through_store
) -> None:
    log = GOLDEN / "moodle" / "logstore" / "input"
    home, out, table = (tmp_path / name for name in ("home", "out.csv", "table.csv"))
    run("init", "--home", home, "--platform", "moo")
    if through_store:
        run("ingest", "moodle", *sorted(log.iterdir()), "--home", home, "--max-rejects", "1")
        run("training-set", "--home", home, "--out", out)
    else:
        files = sorted(log.iterdir())
        run("adapt", "moodle", *files, "--home", home, "--out", table, "--max-rejects", "1")
        run("training-set", "--interactions", table, "--out", out)
    expected = (GOLDEN / "moodle" / "logstore" / "expected" / "outcomes.jsonl").read_text()
    outcomes = [json.loads(line) for line in expected.splitlines()]
    ignored = {str(one.get("reason")) for one in outcomes}
    assert {
        "somebody logged in as the learner",
        "guest or server",
        "a teacher's preview",
    } <= ignored
    learning = {
        one["learner"]
        for one in outcomes
        if one["outcome"] == "interaction"
        and one["verb"] in verbs_for("items")
        and one["item"] != one.get("course")
    }
    assert len({row["learner"] for row in rows(out)}) == len(learning) > 0


def test_what_was_written_is_read_by_evaluate(tmp_path) -> None:
    table, out = tmp_path / "table.csv", tmp_path / "out.csv"
    lines = [f"l{n},i{(n + k) % 7},{1_709_283_600 + k},viewed" for n in range(30) for k in range(4)]
    table.write_text("\n".join(["learner,item,timestamp,verb", *lines]) + "\n")
    run("training-set", "--interactions", table, "--out", out)
    records = []
    for source in (table, out):
        report = tmp_path / "report.json"
        run(
            *("evaluate", "--interactions", source, "--model", "popularity,markov"),
            *("--epsilon", "inf", "--json", report),
        )
        found = json.loads(report.read_text())["records"]
        records.append([(r["model"], r["hit_rate@10"], r["learners"]) for r in found])
    assert records[0] == records[1]
