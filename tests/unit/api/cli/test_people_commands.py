"""Rights of learners, keys and backups from the command line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import click
import pytest

from api.home import PSEUDONYM_KEY, Home
from api.people import pseudonymiser_of
from api.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_learner_is_exported_erased_and_gone(
    run: Callable[..., str],
    home: Home,
    log: Callable[..., Path],
    result: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    run("ingest", "table", log(200), "--home", home.path)
    out = tmp_path / "u1.json"
    assert "3 interactions" in run("export-learner", "u1", "--out", out, "--home", home.path)
    found = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    assert found["pseudonym"] == pseudonymiser_of(home).pseudonym("u1")
    said = run("erase", "u1", "--home", home.path, "--json", tmp_path / "result.json")
    assert "Removed: interactions 3, learners 1." in said
    assert "in no release" in said
    assert result()[0]["rows"]["interactions"] == 3
    run("export-learner", found["pseudonym"], "--out", out, "--home", home.path)
    assert json.loads(out.read_text())["interactions"] == []
    assert "nothing was stored" in run("erase", "u1", "--home", home.path)


def test_pseudonyms_change_and_the_same_log_adds_nothing_new(
    run: Callable[..., str], home: Home, log: Callable[..., Path]
) -> None:
    path = log(200)
    run("ingest", "table", path, "--home", home.path)
    before = pseudonymiser_of(home).pseudonym("u1")
    assert "Renamed 97 entries" in run("keys", "rotate-pseudonym", "--home", home.path)
    run("ingest", "table", path, "--home", home.path)
    with open_store(home) as store:
        assert store.counts()["interactions"] == 200
        assert store.counts()["learners"] == 97
        assert store.is_known(pseudonymiser_of(home).pseudonym("u1"))
        assert not store.is_known(before)


def test_declaring_everybody_released_asks_first(
    run: Callable[..., str], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.key_path(PSEUDONYM_KEY).unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with pytest.raises(click.Abort):
        run("keys", "declare-released", "--home", home.path)
    assert not home.key_path(PSEUDONYM_KEY).exists()
    run("keys", "declare-released", "--yes", "--home", home.path)
    assert home.require()
    with open_store(home) as store:
        assert store.released_before() > 0


def test_a_home_outside_any_swarm_is_backed_up_restored_and_reconciled(
    run: Callable[..., str],
    home: Home,
    result: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    out, again = tmp_path / "alder.backup", tmp_path / "again"
    assert "with every key" in run("backup", "--out", out, "--home", home.path)
    assert "swarm reconcile" in run("restore", out, "--home", again)
    assert Home(again).restored_path.exists()
    said = run("swarm", "reconcile", "--home", again, "--json", tmp_path / "result.json")
    assert "Added to the spend log: 0" in said
    assert result() == [{"logged": 0, "lost": 0}]
    assert not Home(again).restored_path.exists()


def test_a_restore_needs_to_know_where(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(click.UsageError, match="--home"):
        run("restore", tmp_path / "x")
