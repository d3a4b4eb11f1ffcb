"""Backups: whole or refused, without what must not come back, and no release after a restore."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from api.backup import BackupError, back_up, restore
from api.contributing import AbstainedError
from api.health import check_home
from api.home import KEY_NAMES, NEXT_PSEUDONYM_KEY, Home, HomeError, KeyFileError
from api.identity import has_forgotten_votes
from api.people import pseudonymiser_of
from api.reconciling import RESTORED, reconcile
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from swarm.ledger.export import export_ledger
from swarm.storage.records import RecordLog
from tests.unit.api.releasing import NEXT, enrol, home, in_round, release, store

if TYPE_CHECKING:
    from pathlib import Path

    from api.store.store import Store

__all__ = ["home", "store"]  # fixtures


@pytest.fixture
def saved(home: Home, store: Store, tmp_path: Path) -> Path:
    """A backup after one release."""
    enrol(home, store, "ana")
    release(home, store)
    (home.path / "local.json").write_text("{}")
    (home.path / "wal" / "votes").write_bytes(b"x")
    out = tmp_path / "home.backup"
    assert back_up(home, load_settings(home), store, out)
    return out


def test_a_restored_home_is_the_same_but_for_what_must_not_come_back(
    home: Home, saved: Path, tmp_path: Path
) -> None:
    again = Home(tmp_path / "again")
    restore(saved, again)
    assert saved.stat().st_mode & 0o777 == 0o600
    assert again.require()
    assert [again.read_key(name) for name in KEY_NAMES] == [home.read_key(n) for n in KEY_NAMES]
    assert read_spend(again) == read_spend(home)
    assert again.contribution_path(1).read_bytes() == home.contribution_path(1).read_bytes()
    assert not (again.path / "local.json").exists()
    assert [path.name for path in (again.path / "wal").iterdir()] == ["RESTORED"]
    with open_store(again) as forgetful:
        assert forgetful.released() == {pseudonymiser_of(home).pseudonym("ana")}
    assert any("restored from a backup" in trouble.text for trouble in check_home(again))


def test_a_restored_home_has_forgotten_its_votes_until_a_peer_has_written_one(
    home: Home, saved: Path, tmp_path: Path
) -> None:
    assert not has_forgotten_votes(home)
    again = Home(tmp_path / "again")
    restore(saved, again)
    assert has_forgotten_votes(again)  # even a backup from before the first block (R26)
    log = RecordLog(again.wal_dir / "votes.log", "votes")
    assert has_forgotten_votes(again)
    log.append(b"whose it is")
    log.close()
    assert not has_forgotten_votes(again)


def test_a_restored_home_releases_again_once_a_current_ledger_was_given(
    home: Home, saved: Path, tmp_path: Path
) -> None:
    again = Home(tmp_path / "again")
    restore(saved, again)
    with open_store(again) as forgetful:
        enrol(again, forgetful, "ana", "ben", start=1_710_000_000)
        with pytest.raises(AbstainedError) as refused:
            release(again, forgetful, NEXT)
        assert str(refused.value) == RESTORED
        done = reconcile(again, forgetful, [export_ledger(home.genesis_path.read_bytes(), [])])
        assert (done.logged, done.lost) == (0, 0)
        release(again, forgetful, NEXT)
        assert in_round(forgetful, again, 2) == {pseudonymiser_of(home).pseudonym("ben")}


def test_a_restored_home_is_reconciled_once_its_peer_has_caught_up(
    saved: Path, tmp_path: Path
) -> None:
    again = Home(tmp_path / "again")
    restore(saved, again)
    status = {
        "updated_at": "2999-01-01T00:00:00+00:00",
        "state": "idle",
        "quorum": 3,
        "members": [{"connected": True}, {"connected": True}, {"connected": False}],
    }
    again.status_path.write_text(json.dumps(status))
    with open_store(again) as forgetful:
        reconcile(again, forgetful)
    assert not again.restored_path.exists()


def test_nothing_is_restored_over_something(home: Home, saved: Path) -> None:
    with pytest.raises(HomeError, match="not empty"):
        restore(saved, home)


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_flipped_byte_makes_no_home(saved: Path, tmp_path: Path, part: float) -> None:
    data = bytearray(saved.read_bytes())
    with tarfile.open(saved) as archive:
        sizes = [(entry.offset_data, entry.size) for entry in archive if entry.size]
    start, size = sizes[int(part * len(sizes))]
    data[start + size // 2] ^= 1
    saved.write_bytes(data)
    again = Home(tmp_path / "again")
    with pytest.raises(HomeError):
        restore(saved, again)
    assert not again.exists


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9])
def test_half_a_backup_makes_no_home(saved: Path, tmp_path: Path, share: float) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(share * len(data))])
    again = Home(tmp_path / "again")
    with pytest.raises(BackupError):
        restore(saved, again)
    assert not again.exists


def test_a_name_that_leads_out_of_the_home_is_refused(saved: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.backup"
    with tarfile.open(saved) as archive, tarfile.open(hostile, "w") as other:
        for entry in archive:
            content = archive.extractfile(entry).read()
            if entry.name == "backup.json":
                index = json.loads(content)
                index["files"]["../outside"] = "0" * 64
                content = json.dumps(index).encode()
                entry.size = len(content)
            other.addfile(entry, io.BytesIO(content))
            if entry.name == "backup.json":
                other.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    with pytest.raises(BackupError, match="does not belong"):
        restore(hostile, Home(tmp_path / "again"))
    assert not (tmp_path / "outside").exists()


def test_no_backup_is_made_while_pseudonyms_change(home: Home, store: Store) -> None:
    home.key_path(NEXT_PSEUDONYM_KEY).write_bytes(bytes(64))
    with pytest.raises(KeyFileError):
        back_up(home, load_settings(home), store, home.path.parent / "x.backup")
    assert not (home.path.parent / "x.backup").exists()
