"""Founding, looking at and verifying a swarm from the command line."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import cli, main
from api.errors import ApiError
from api.fitting import fit
from api.founding import FoundingError
from api.home import Home
from api.ledger import read_ledger
from api.settings import load_settings
from api.store.opening import open_store
from swarm.errors import LedgerError, StorageError
from swarm.peer.config import blocks_path
from swarm.peer.inbox import read_request, waiting

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = "content_key,title\nurn:a,A\nurn:b,B\nurn:c,C\n"


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def ok(*args: str | Path) -> str:
    result = run(*args)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.fixture
def homes(tmp_path: Path) -> list[Home]:
    places = [Home(tmp_path / name) for name in ("alder", "birch", "cedar", "dogwood")]
    for place in places:
        ok("init", "--home", place.path, "--platform", place.path.name, "--share", "opt-out")
    return places


@pytest.fixture
def founding(tmp_path: Path, homes: list[Home]) -> Path:
    brackets = ("< 100", "< 1,000", "< 10,000", "< 100,000")
    requests = []
    for place, bracket in zip(homes, brackets, strict=True):
        out = tmp_path / f"{place.path.name}.request"
        ok("swarm", "request", "--home", place.path, "--bracket", bracket, "--out", out)
        requests.append(out)
    shared = tmp_path / "shared.csv"
    shared.write_text(CATALOGUE)
    out = tmp_path / "swarm.founding"
    said = ok("swarm", "create", *requests, "--catalogue", shared, "--out", out)
    assert "dogwood declares more than two thirds" in said
    return out


@pytest.fixture
def joined(founding: Path, homes: list[Home]) -> list[Home]:
    for place in homes:
        ok("swarm", "sign", founding, "--home", place.path)
    for place in homes:
        ok("swarm", "join", founding, "--home", place.path)
    return homes


def test_who_has_not_signed_is_named_until_all_have(founding: Path, homes: list[Home]) -> None:
    said = ok("swarm", "sign", founding, "--home", homes[0].path)
    assert "Still to sign:" in said
    assert all(place.path.name in said.split("Still to sign:")[1] for place in homes[1:])
    refused = run("swarm", "join", founding, "--home", homes[0].path)
    assert isinstance(refused.exception, LedgerError)
    assert "lacks the signature" in str(refused.exception)


def test_joining_says_so_and_writes_json(founding: Path, homes: list[Home], tmp_path: Path) -> None:
    for place in homes:
        ok("swarm", "sign", founding, "--home", place.path)
    out = tmp_path / "join.json"
    ok("swarm", "join", founding, "--home", homes[0].path, "--json", out)
    record = json.loads(out.read_text())["records"][0]
    assert sorted(record["members"]) == ["alder", "birch", "cedar", "dogwood"]


def test_a_damaged_request_is_named(tmp_path: Path, homes: list[Home]) -> None:
    bad = tmp_path / "bad.request"
    bad.write_bytes(b"not a request")
    shared = tmp_path / "shared.csv"
    shared.write_text(CATALOGUE)
    result = run("swarm", "create", bad, "--catalogue", shared, "--out", tmp_path / "out")
    assert isinstance(result.exception, FoundingError)
    assert str(bad) in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_an_unknown_anchor_is_refused(tmp_path: Path, homes: list[Home]) -> None:
    out = tmp_path / "alder.request"
    ok("swarm", "request", "--home", homes[0].path, "--out", out)
    shared = tmp_path / "shared.csv"
    shared.write_text(CATALOGUE)
    result = run(
        "swarm", "create", out, "--catalogue", shared, "--anchor", "oak", "--out", tmp_path / "f"
    )
    assert isinstance(result.exception, FoundingError)
    assert "oak" in str(result.exception)


def test_a_small_swarm_is_told_that_nobody_may_lie(tmp_path: Path, homes: list[Home]) -> None:
    requests = []
    for place in homes[:3]:
        requests.append(tmp_path / f"{place.path.name}.request")
        ok("swarm", "request", "--home", place.path, "--out", requests[-1])
    shared = tmp_path / "shared.csv"
    shared.write_text(CATALOGUE)
    said = ok("swarm", "create", *requests, "--catalogue", shared, "--out", tmp_path / "f")
    assert "agreement assumes that no member lies" in said


def status_of(home: Home, **changes: Any) -> None:
    member = {"anchor": False, "contributes": True, "bracket": "", "last_seen": None}
    status = {
        "schema": "murmuration.status/1",
        "swarm": "ab" * 32,
        "name": "alder",
        "member": "a",
        "state": "idle",
        "height": 3,
        "head": None,
        "quorum": 3,
        "tolerates": 1,
        "members": [
            {"id": name, "name": name, "connected": name != "d", "addresses": [], **member}
            for name in "abcd"
        ],
        "rounds": [],
        "warnings": [],
        "port": 4001,
        "pid": os.getpid(),
        "updated_at": datetime.now(UTC).isoformat(),
    }
    home.status_path.write_text(json.dumps({**status, **changes}))


def test_a_status_tells_by_its_exit_code_whether_all_is_well(joined: list[Home]) -> None:
    home = joined[0]
    never = run("swarm", "status", "--home", home.path)
    assert isinstance(never.exception, ApiError)
    assert "murmuration peer" in str(never.exception)
    status_of(home)
    said = ok("swarm", "status", "--home", home.path)
    assert "away" in said
    status_of(home, pid=2**22 + 1)
    stopped = run("swarm", "status", "--home", home.path)
    assert "does not run" in str(stopped.exception)
    status_of(home, quorum=4)
    lonely = run("swarm", "status", "--home", home.path)
    assert "3 are needed to decide" in str(lonely.exception)


def test_monitoring_and_the_health_check_of_a_container_get_the_exit_code_of_the_process(
    joined: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the whole command line: click hands such codes back, and they were once lost there."""

    def code() -> int:
        words = ["murmuration", "swarm", "status", "--monitor", "--home", str(joined[0].path)]
        monkeypatch.setattr(sys, "argv", words)
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    assert code() == 2  # never started
    status_of(joined[0])
    assert code() == 1  # a member is away
    status_of(joined[0], pid=2**22 + 1)
    assert code() == 2


def test_a_round_is_asked_for_through_the_inbox(joined: list[Home]) -> None:
    home = joined[0]
    refused = run("swarm", "round", "--home", home.path)
    assert isinstance(refused.exception, ApiError)
    assert waiting(home.inbox_dir) == []
    status_of(home)
    ok("swarm", "round", "--home", home.path, "--as-of", "2026-09-01", "--close-after", "9")
    [path] = waiting(home.inbox_dir)
    request = read_request(path)
    assert (request.kind, request.as_of, request.close_after_seconds) == (
        "statistics",
        "2026-09-01",
        9,
    )


def test_a_swarm_without_a_training_opens_no_round_of_parameters(joined: list[Home]) -> None:
    home = joined[0]
    status_of(home)
    refused = run("swarm", "round", "--home", home.path, "--kind", "parameters")
    assert "swarm create --network" in str(refused.exception)
    assert waiting(home.inbox_dir) == []


def test_founders_can_agree_on_a_training_and_ask_for_its_rounds(
    tmp_path: Path, founding: Path, homes: list[Home]
) -> None:
    del founding  # its requests and catalogue are used again
    requests, shared = sorted(tmp_path.glob("*.request")), tmp_path / "shared.csv"
    out = tmp_path / "other.founding"
    said = ok("swarm", "create", *requests, "--catalogue", shared, "--network", "--out", out)
    assert "trains a network: 4 merged rounds a training" in said
    for place in homes:
        ok("swarm", "sign", out, "--home", place.path)
    home = homes[0]
    ok("swarm", "join", out, "--home", home.path)
    merged = {
        "round": 2,
        "attempt": 1,
        "kind": "parameters",
        "as_of": "2026-09-01",
        "reason": "",
        "outcome": "merged",
        "in": ["b", "c"],
        "out": [],
        "digest": "cd" * 32,
        "height": 9,
    }
    pointer = {"digest": "cd" * 32, "round": 2, "height": 9, "moved_at": "2026-09-01T00:00:00Z"}
    status_of(home, rounds=[merged], network=pointer)
    shown = ok("swarm", "status", "--home", home.path)
    assert "Network cdcdcdcdcdcdcdcd… from round 2, not served" in shown
    assert "parameters" in shown
    ok("swarm", "round", "--home", home.path, "--kind", "parameters")
    [path] = waiting(home.inbox_dir)
    assert read_request(path).kind == "parameters"
    assert "training" in ok("swarm", "budget", "--home", home.path, "--explain")


def test_a_new_ledger_exports_verifies_and_knows_its_hash(
    joined: list[Home], tmp_path: Path
) -> None:
    out = tmp_path / "ledger.cbor"
    ok("swarm", "export", "--home", joined[0].path, "--out", out)
    swarm_id = read_ledger(joined[0]).tip.hex()
    assert "internally consistent" in ok("swarm", "verify", out)
    assert "authentic" in ok("swarm", "verify", out, "--genesis", swarm_id)
    other = run("swarm", "verify", out, "--genesis", "00" * 32)
    assert isinstance(other.exception, LedgerError)
    assert run("swarm", "verify", out, "--genesis", "nonsense").exit_code == 2


def test_every_flipped_byte_of_an_export_fails(joined: list[Home], tmp_path: Path) -> None:
    out = tmp_path / "ledger.cbor"
    ok("swarm", "export", "--home", joined[0].path, "--out", out)
    data = out.read_bytes()
    for place in range(0, len(data), 11):
        out.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        result = run("swarm", "verify", out)
        assert isinstance(result.exception, LedgerError), place
        assert str(out) in str(result.exception)


def test_a_damaged_block_file_is_named_and_not_fitted_from(joined: list[Home]) -> None:
    home = joined[0]
    path = blocks_path(home.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"murmuration-blocks/2\n")
    result = run("swarm", "export", "--home", home.path, "--out", home.path / "x")
    assert isinstance(result.exception, StorageError)
    assert str(path) in str(result.exception)


def test_a_budget_with_no_release_is_empty_and_explained(joined: list[Home]) -> None:
    said = ok("swarm", "budget", "--explain", "--home", joined[0].path)
    assert "nobody has spent more than epsilon 4.00" in " ".join(said.split())
    assert "Canonne" in said


def test_a_home_without_a_merge_serves_its_own_model(joined: list[Home]) -> None:
    home = joined[0]
    settings = load_settings(home)
    with open_store(home, settings) as store:
        fitted = fit(home, settings, store)
    assert fitted.round == 0
    assert json.loads(home.serving_path.read_text())["digest"] == fitted.digest
