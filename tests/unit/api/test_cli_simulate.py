"""`murmuration simulate` on the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from api.cli import simulate as command
from swarm.simulation.world import Outcome


@pytest.fixture
def run():
    def invoke(*arguments: str):
        return CliRunner().invoke(command.simulate, arguments)

    return invoke


def test_seeds_are_run_and_summed_up(run, tmp_path):
    path = tmp_path / "runs.json"
    result = run("--seeds", "3..4", "--rounds", "1", "--faults", "none", "--json", str(path))
    assert result.exit_code == 0, result.output
    assert "seed 3: 1.1 merged (4 in)" in result.output
    assert "2 seeds, 2 rounds merged, 0 attempts void, 0 violations, 0 stalls" in result.output
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["schema"] == "murmuration.simulate/1"
    assert [record["seed"] for record in written["records"]] == [3, 4]


def test_the_same_seed_prints_the_same(run):
    arguments = ("--seeds", "5..5", "--rounds", "1", "--liars", "1", "--faults", "loss,crash")
    assert run(*arguments).output == run(*arguments).output


def test_what_was_injected_is_counted(run):
    output = run("--seeds", "1..3", "--liars", "1", "--lies", "silent", "--faults", "loss").output
    (silence,) = [line for line in output.splitlines() if line.startswith("lie: silence")]
    assert int(silence.split()[-1]) == 3
    assert any(line.startswith("loss ") for line in output.splitlines())
    assert "two faces" not in output


def test_more_liars_than_tolerated_are_announced(run):
    result = run("--members", "3", "--seeds", "1..1", "--rounds", "1", "--liars", "1")
    assert "3 members tolerate 0 liars" in result.output


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(1, ((1, 1, "void", 0),), 2, 9, "disagreement", False, "", 3, ()), "VIOLATION"),
        (Outcome(1, (), 2, 9, "", True, "", 3, ()), "FAILED stalled; no round"),
        (
            Outcome(1, ((2, 1, "merged", 3),), 2, 9, "", False, "", 3, (), ("m01",)),
            "FAILED left out: m01; 2.1 merged (3 in)",
        ),
    ],
)
def test_a_failed_seed_is_named_and_the_exit_code_is_1(run, monkeypatch, outcome, expected):
    monkeypatch.setattr(command, "run_seed", lambda seed, scenario: outcome)
    result = run("--seeds", "1..1")
    assert result.exit_code == 1
    assert expected in result.output
    assert "seeds that failed: 1" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seeds", "5"),
        ("--seeds", "5..4"),
        ("--seeds", "a..b"),
        ("--faults", "flood"),
        ("--lies", "white"),
        ("--liars", "4"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Invalid value" in result.output


def test_no_faults_can_be_asked_for(run):
    assert run("--seeds", "1..1", "--rounds", "1", "--faults", "none").exit_code == 0
