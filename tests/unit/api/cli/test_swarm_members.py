"""Members change by files that people pass round; every command says what it will do (R27)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from api.founding import FoundingError
from api.home import IDENTITY_KEY, NEXT_IDENTITY_KEY, Home, KeyFileError
from api.identity import has_forgotten_votes, settle_identity
from api.ledger import read_ledger
from api.membership import ChangeError, read_any
from swarm.ledger.blocks import FinalBlock, read_block, vote_body, write_block, write_final
from swarm.ledger.transactions import Membership, write_transaction
from swarm.peer.config import blocks_path
from swarm.peer.inbox import read_request, waiting
from swarm.protocol import sign
from swarm.signing import Ed25519Signer
from swarm.storage.records import RecordLog

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("alder", "birch", "cedar", "dogwood")


def run(*args: object) -> str:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four homes in one swarm, and a fifth in none."""
    folder = tmp_path_factory.mktemp("swarm")
    shared, founding = folder / "shared.csv", folder / "founding"
    shared.write_text("content_key,title\nurn:a,A\nurn:b,B\n")
    for name in (*NAMES, "hazel"):
        run("init", "--home", folder / name, "--platform", name)
        request = folder / f"{name}.request"
        run("swarm", "request", "--home", folder / name, "--out", request)
    requests = [folder / f"{name}.request" for name in NAMES]
    run("swarm", "create", *requests, "--catalogue", shared, "--out", founding)
    for name in NAMES:
        run("swarm", "sign", founding, "--home", folder / name)
    for name in NAMES:
        run("swarm", "join", founding, "--home", folder / name)
    return folder


@pytest.fixture
def homes(founded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(founded, tmp_path / "swarm")


def decide(folder: Path) -> None:
    """Do what the peers would: put what was handed in on everybody's ledger."""
    found = [path for name in NAMES for path in waiting(Home(folder / name).inbox_dir)]
    request = read_request(found[0])
    home = Home(folder / found[0].parent.parent.name)
    ledger = read_ledger(home)
    number = ledger.roster.changes + 1
    signers = [
        Ed25519Signer(Home(folder / n).read_key(IDENTITY_KEY), ledger.roster.swarm_id)
        for n in NAMES
    ]
    change = Membership(number, request.change, request.approvals)
    signed = sign(signers[0], signers[0].member, *write_transaction(change))
    data = write_block(ledger.height + 1, ledger.tip, [signed])
    block = read_block(data, signers[0].verify)
    body = vote_body(block.height, 1, block.hash)
    votes = sorted((one.member, one.sign("finalize", body)) for one in signers)
    for name in NAMES:
        log = RecordLog(blocks_path(folder / name), "blocks")
        log.append(write_final(FinalBlock(data, 1, tuple(votes))))
        log.sync()
        log.close()
    for path in found:
        path.unlink()


def test_a_dry_run_says_what_will_happen_and_changes_nothing(homes: Path) -> None:
    alder, out = homes / "alder", homes / "x"
    calls = {
        "Add hazel": ["invite", homes / "hazel.request", "--out", out],
        "Remove birch": ["remove", "birch", "--drop", "--reason", "silent", "--out", out],
        "Remove alder": ["leave"],
        "Replace the key of alder": ["rotate-key", "--out", out],
        "alder is reached at /dns4/a/tcp/1": ["move", "--address", "/dns4/a/tcp/1"],
        "cedar becomes an anchor": ["anchor", "cedar", "--out", out],
    }
    before = sorted(path.name for path in alder.rglob("*"))
    for headline, call in calls.items():
        said = run("swarm", *call, "--home", alder, "--dry-run")
        assert said.startswith(headline)
        assert "quorum 3 -> " in said
        assert "works once" in said
        assert said.rstrip().endswith("Nothing was changed.")
    assert sorted(path.name for path in alder.rglob("*")) == before
    assert not out.exists()
    assert waiting(Home(alder).inbox_dir) == []


def test_a_newcomer_joins_with_an_invitation_that_a_quorum_has_signed(homes: Path) -> None:
    file = homes / "hazel.invitation"
    said = run("swarm", "invite", homes / "hazel.request", "--home", homes / "alder", "--out", file)
    assert "3 of 4 are needed" in said
    assert "4 of the other 4 must be up" in said
    assert "Nothing was signed" in run(
        "swarm", "sign", file, "--home", homes / "birch", "--dry-run"
    )
    run("swarm", "sign", file, "--home", homes / "birch")
    said = run("swarm", "sign", file, "--home", homes / "cedar")
    assert "enough" in said
    decide(homes)
    assert len(read_ledger(Home(homes / "dogwood")).roster.members) == 5
    assert "Joined" in run("swarm", "join", file, "--home", homes / "hazel")
    with pytest.raises(ChangeError, match="out of date"):
        run("swarm", "sign", file, "--home", homes / "dogwood")


def test_an_invitation_is_for_one_key_and_one_swarm(homes: Path) -> None:
    file = homes / "hazel.invitation"
    run("swarm", "invite", homes / "hazel.request", "--home", homes / "alder", "--out", file)
    run("init", "--home", homes / "ivy", "--platform", "ivy")
    with pytest.raises(ChangeError, match="does not invite this home's key"):
        run("swarm", "join", file, "--home", homes / "ivy")
    with pytest.raises(FoundingError, match="not in a swarm"):
        run("swarm", "sign", file, "--home", homes / "hazel")


def test_who_leaves_needs_nobody_and_a_removal_needs_others(homes: Path) -> None:
    out = homes / "removal"
    said = run("swarm", "remove", "birch", "--home", homes / "alder", "--out", out)
    assert "or birch alone" in said
    assert waiting(Home(homes / "alder").inbox_dir) == []
    said = run("swarm", "leave", "--home", homes / "birch")
    assert "assumes that no member lies" in said
    decide(homes)
    assert "birch" not in {m.name for m in read_ledger(Home(homes / "alder")).roster.members}
    with pytest.raises(ChangeError, match="no member"):
        run("swarm", "leave", "--home", homes / "birch")


def test_the_next_key_takes_over_once_the_ledger_says_so(homes: Path) -> None:
    alder, out = Home(homes / "alder"), homes / "rotation"
    old = alder.read_key(IDENTITY_KEY)
    run("swarm", "rotate-key", "--home", alder.path, "--out", out)
    following = alder.key_path(NEXT_IDENTITY_KEY).read_bytes()
    assert alder.key_path(NEXT_IDENTITY_KEY).stat().st_mode & 0o077 == 0
    assert not settle_identity(alder)
    for name in ("birch", "cedar"):
        run("swarm", "sign", out, "--home", homes / name)
    decide(homes)
    alder.key_path(NEXT_IDENTITY_KEY).chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        settle_identity(alder)
    alder.key_path(NEXT_IDENTITY_KEY).chmod(0o600)
    assert settle_identity(alder)
    assert alder.read_key(IDENTITY_KEY) == following != old
    assert (alder.keys_dir / "former.key").read_bytes() == old
    assert not settle_identity(alder)


def test_a_next_key_of_a_restored_home_begins_as_a_restored_disk_does(homes: Path) -> None:
    alder, out = Home(homes / "alder"), homes / "rotation"
    run("swarm", "rotate-key", "--home", alder.path, "--out", out)
    for name in ("birch", "cedar"):
        run("swarm", "sign", out, "--home", homes / name)
    decide(homes)
    alder.votes_lost_path.write_bytes(b"")
    assert settle_identity(alder)
    assert not (alder.wal_dir / "votes.log").exists()
    assert has_forgotten_votes(alder)


@pytest.mark.parametrize("damage", [b"", b"\x81\x01", b"not a change"])
def test_what_is_no_change_file_is_said_to_be_none(homes: Path, damage: bytes) -> None:
    bad = homes / "bad"
    bad.write_bytes(damage)
    with pytest.raises(FoundingError, match="not a founding file"):
        run("swarm", "sign", bad, "--home", homes / "alder")


def test_every_flipped_byte_of_a_change_file_is_refused_or_makes_it_incomplete(
    homes: Path,
) -> None:
    file = homes / "removal"
    run("swarm", "remove", "birch", "--home", homes / "alder", "--out", file)
    whole = file.read_bytes()
    good = read_any(file)
    for place in range(0, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = read_any(file)
        except ChangeError:
            continue
        assert found != good


def test_an_unknown_name_is_answered_with_the_names(homes: Path) -> None:
    with pytest.raises(ChangeError, match="no member is called 'oak'"):
        run("swarm", "remove", "oak", "--home", homes / "alder", "--out", homes / "x")
