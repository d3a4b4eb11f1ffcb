"""`murmuration evaluate` and `compare`, from a file to a table and a JSON file."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

from api.cli.compare import compare
from api.cli.evaluate import evaluate
from recommender.errors import EvaluationError
from recommender.trial import check_delta, largest_delta
from tests.unit.recommender.rows import clusters, interactions

START = 1_400_000_000
SCHEMAS = Path(__file__).parents[3] / "schemas"


def write_rows(path: Path, *platforms, verb="viewed", course=False) -> Path:
    """One table of all platforms' rows; learner ids start with the platform's name."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["platform", "learner", "item", "timestamp", "verb", "course"])
        for name, log in platforms:
            for who, what, when in zip(log.learner, log.item, log.timestamp, strict=True):
                item = log.item_ids[what]
                row = [name, f"{name}-{who}", item, START + int(when), verb, item if course else ""]
                writer.writerow(row)
    return path


def run(command, *arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def checked(path: Path, name: str) -> list[dict]:
    document = json.loads(path.read_text())
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    return document["records"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("log") / "events.csv", ("a", clusters(200)))


def test_a_delta_above_the_rule_is_refused_and_the_default_gives_way(log, tmp_path):
    done = run(evaluate, "--interactions", log, "--model", "statistics", "--delta", "1e-3")
    assert isinstance(done.exception, EvaluationError)
    assert "R15" in str(done.exception)
    assert "--delta 0.0001 or less" in str(done.exception)
    out = tmp_path / "result.json"
    allowed = ("--delta", "0.0001", "--epsilon", "1", "--json", out)
    done = run(evaluate, "--interactions", log, "--model", "statistics", *allowed)
    assert done.exit_code == 0, done.output
    assert checked(out, "evaluate")[0]["delta"] == 0.0001


def test_the_largest_delta_falls_with_the_bracket_of_learners():
    assert largest_delta(99_999) == Fraction(1, 1_000_000)
    assert largest_delta(100_000) == Fraction(1, 10_000_000)
    check_delta(Fraction(1, 1_000), 99)
    with pytest.raises(EvaluationError, match="100 learners"):
        check_delta(Fraction(1, 1_000), 100)


def test_evaluate_prints_a_table_and_writes_records_of_its_schema(log, tmp_path):
    out = tmp_path / "result.json"
    done = run(
        evaluate,
        *("--interactions", log, "--model", "popularity,ease,network,statistics"),
        *("--epsilon", "4,inf", "--at", "3,5", "--json", out),
    )
    assert done.exit_code == 0, done.output
    assert "not for publication" in done.output
    assert "statistics" in done.stdout
    records = checked(out, "evaluate")
    assert [(record["model"], record["epsilon"]) for record in records] == [
        ("popularity", "inf"),
        ("ease", "inf"),
        ("network", 4.0),
        ("network", "inf"),
        ("statistics", 4.0),
        ("statistics", "inf"),
    ]
    assert records[2]["sampler"] == "statistical"
    assert records[3]["sampler"] == "none"
    assert records[5]["hit_rate@3"] > records[0]["hit_rate@3"] + 0.3
    assert records[5]["targets"] == 200
    assert records[5]["sampler"] == "none"


def test_evaluate_takes_a_test_file_a_catalogue_and_negatives(tmp_path):
    train = interactions([[0, 1], [2, 3], [0, 4]], 6)
    log = write_rows(tmp_path / "train.csv", ("a", train))
    test = write_rows(tmp_path / "test.csv", ("a", interactions([[5], [3], [1]], 6)))
    catalogue = tmp_path / "catalogue.csv"
    lines = ["item,title,position,type"]
    lines += [f"item-{number},Lesson {number},{number},page" for number in range(6)]
    catalogue.write_text("\n".join(lines))
    negatives = tmp_path / "negatives.csv"
    negatives.write_text("learner,item\na-0,item-2\na-2,item-3\nnobody,item-3\n")
    out = tmp_path / "result.json"
    done = run(
        evaluate,
        *("--interactions", log, "--test", test, "--catalogue", catalogue, "--at", 1),
        *("--negatives", negatives, "--model", "course-order", "--json", out),
    )
    assert done.exit_code == 0, done.output
    (record,) = checked(out, "evaluate")
    assert record["split"] == "test-file"
    assert record["order"] == "catalogue"
    assert (record["targets"], record["skipped"]) == (2, 1)
    # After item 1 comes 2, a negative, before 5; after item 4 comes 1 before 3, from the top.
    assert record["hit_rate@1"] == 0.5


def test_evaluate_finds_courses_by_itself(tmp_path):
    log = write_rows(tmp_path / "courses.csv", ("a", clusters(60)), verb="enrolled", course=True)
    done = run(evaluate, "--interactions", log, "--model", "popularity")
    assert done.exit_code == 0, done.output
    with pytest.raises(EvaluationError, match="no row has a verb"):
        CliRunner().invoke(
            evaluate,
            ["--interactions", str(log), "--recommend", "items"],
            catch_exceptions=False,
        )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--epsilon", "0", "epsilon"),
        ("--epsilon", "-1", "epsilon"),
        ("--epsilon", "nan", "epsilon"),
        ("--epsilon", "four", "epsilon"),
        ("--delta", "0", "delta"),
        ("--delta", "1", "delta"),
        ("--delta", "small", "delta"),
        ("--at", "0", "cut-offs"),
        ("--at", "5,x", "cut-offs"),
        ("--model", "magic", "unknown model"),
        ("--ties", "all", "set"),
        ("--negatives", "nowhere.csv", "neither"),
        ("--negatives", "0", "neither"),
        ("--seed", "-1", "seed"),
    ],
)
def test_wrong_usage_of_evaluate_is_exit_2_with_a_sentence(log, option, value, says):
    done = run(evaluate, "--interactions", log, option, value)
    assert done.exit_code == 2
    assert says in done.output


def test_negatives_of_unknown_items_or_without_columns_are_refused(log, tmp_path):
    path = tmp_path / "negatives.csv"
    for text, says in (("learner,item\na-0,none\n", "line 2"), ("who,what\n", "columns")):
        path.write_text(text)
        with pytest.raises(EvaluationError, match=says):
            CliRunner().invoke(
                evaluate,
                ["--interactions", str(log), "--negatives", str(path)],
                catch_exceptions=False,
            )


def test_compare_prints_a_table_and_writes_records_of_its_schema(tmp_path):
    log = write_rows(
        tmp_path / "all.csv",
        ("elm", clusters(60, seed=1)),
        ("oak", clusters(400, seed=2)),
        ("yew", clusters(400, seed=3)),
    )
    out = tmp_path / "result.json"
    done = run(
        compare,
        *("--interactions", log, "--platform-column", "platform", "--epsilon", "4"),
        *("--at", 3, "--max-targets", 100, "--json", out),
    )
    assert done.exit_code == 0, done.output
    assert "merged (open), epsilon 4" in done.stdout
    assert "at least 4 contributors" in done.output  # secure mode with three members
    records = checked(out, "compare")
    assert {record["platform"] for record in records} == {"elm", "oak", "yew", "*"}
    assert all(record["targets"] <= 300 for record in records if "error" not in record)


def test_compare_refuses_a_delta_above_the_rule_for_its_largest_platform(tmp_path):
    log = write_rows(
        tmp_path / "log.csv", ("a", clusters(120, seed=1)), ("b", clusters(30, seed=2))
    )
    asked = ("--interactions", log, "--platform-column", "platform", "--epsilon", "4")
    done = run(compare, *asked, "--modes", "open", "--delta", "1e-3")
    assert isinstance(done.exception, EvaluationError)
    assert "--delta 0.0001 or less" in str(done.exception)


def test_compare_knows_items_by_their_content_keys(tmp_path):
    rows = ["platform,learner,item,timestamp,verb"]
    catalogue = ["item,title,content_key,type"]
    rng = np.random.default_rng(0)
    for name in ("elm", "oak"):
        for item in range(6):
            catalogue.append(f"{name}:{item},Lesson {item},key-{item},page")
        for learner in range(60):
            for step, item in enumerate(rng.permutation(6)[:3]):
                rows.append(f"{name},{name}-{learner},{name}:{item},{START + step},viewed")
    (tmp_path / "all.csv").write_text("\n".join(rows))
    (tmp_path / "catalogue.csv").write_text("\n".join(catalogue))
    out = tmp_path / "result.json"
    done = run(
        compare,
        *("--interactions", tmp_path / "all.csv", "--platform-column", "platform"),
        *("--catalogue", tmp_path / "catalogue.csv", "--modes", "local,pooled", "--json", out),
    )
    assert done.exit_code == 0, done.output
    assert {record["items"] for record in checked(out, "compare")} == {6}


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--platform-column", "home", "is no column"),
        ("--modes", "alone", "unknown mode"),
        ("--baselines", "magic", "unknown baseline"),
        ("--max-targets", "0", "max-targets"),
        ("--epsilon", "0", "epsilon"),
    ],
)
def test_wrong_usage_of_compare_is_exit_2_with_a_sentence(log, option, value, says):
    arguments = ["--interactions", log, "--platform-column", "platform", option, value]
    done = run(compare, *arguments)
    assert done.exit_code == 2
    assert says in done.output
