"""A peer's disk opens whole and locked, or says in a sentence why not."""

from __future__ import annotations

import errno
import os

import pytest

from swarm.codec import decode, digest, encode
from swarm.errors import LedgerError, StorageError
from swarm.ledger.genesis import create_genesis, make_request, read_request, sign_genesis
from swarm.peer.config import PeerConfig
from swarm.peer.disk import PeerDisk
from swarm.state import NodeConfig
from swarm.storage.records import read_records

SEED = bytes([7]) * 32
MANIFEST = b"manifest"


@pytest.fixture
def config(tmp_path):
    request = make_request(SEED, name="alder", addresses=["/ip4/127.0.0.1/tcp/4001"])
    unsigned = create_genesis(
        [read_request(request)],
        name="grove",
        nonce=bytes(16),
        manifest_digest=digest(MANIFEST),
        catalogue_digest=bytes(32),
        rho=(1, 2),
        contribution_bytes=4,
    )
    made = PeerConfig(tmp_path, SEED, "/ip4/127.0.0.1/tcp/0", ("true",))
    made.ledger.mkdir()
    made.genesis.write_bytes(sign_genesis(unsigned, SEED))
    made.manifest.write_bytes(MANIFEST)
    return made


def _restored(config):
    return PeerConfig(config.home, SEED, config.listen, ("true",), node=NodeConfig(restored=True))


def test_what_was_persisted_and_appended_is_there_after_a_restart(config):
    with PeerDisk(config) as disk:
        assert (tuple(disk.ground.log), tuple(disk.ground.blocks), disk.ground.notes) == (
            (),
            (),
            (),
        )
        disk.persist(b"vote")
        assert disk.needs_sync
        disk.sync()
        assert not disk.needs_sync
        disk.append_block(b"block")
    with PeerDisk(config) as disk:
        assert (tuple(disk.ground.log), tuple(disk.ground.blocks)) == ((b"vote",), (b"block",))


def test_a_record_that_the_disk_does_not_confirm_is_not_taken_for_safe(config, monkeypatch):
    """R26: what follows a Persist may only be done once it is on disk."""
    with PeerDisk(config) as disk:
        disk.persist(b"vote")

        def full(_descriptor):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fdatasync", full)
        with pytest.raises(StorageError, match="disk is full"):
            disk.sync()
        assert disk.needs_sync


def test_one_home_runs_one_peer_and_is_free_again_after_a_failed_start(config):
    with PeerDisk(config), pytest.raises(StorageError, match="in use by another peer"):
        PeerDisk(config)
    config.manifest.write_bytes(b"another")
    with pytest.raises(StorageError, match=r"manifest\.cbor is not the manifest"):
        PeerDisk(config)
    config.manifest.write_bytes(MANIFEST)
    PeerDisk(config).close()


def test_a_home_in_no_swarm_or_with_an_unsigned_genesis_is_told_what_to_run(config):
    whole = config.genesis.read_bytes()
    config.genesis.unlink()
    with pytest.raises(LedgerError, match="murmuration swarm join"):
        PeerDisk(config)
    config.genesis.write_bytes(whole[:-1])
    with pytest.raises(LedgerError, match=r"genesis\.cbor: This genesis does not verify"):
        PeerDisk(config)


def test_a_damaged_log_stops_the_peer_until_the_operator_says_restored(config):
    with PeerDisk(config) as disk:
        disk.persist(b"vote")
        disk.append_block(b"block")
    damaged = bytearray(config.votes.read_bytes())
    damaged[-1] ^= 1
    config.votes.write_bytes(bytes(damaged))
    with pytest.raises(StorageError, match=r"votes\.log is damaged at byte \d+.*--restored"):
        PeerDisk(config)
    with PeerDisk(_restored(config)) as disk:
        assert (tuple(disk.ground.log), tuple(disk.ground.blocks)) == ((), (b"block",))
        (note,) = disk.ground.notes
    (aside,) = config.votes.parent.glob("votes.log.damaged-*")
    assert str(aside) in note
    assert aside.read_bytes() == bytes(damaged)


def test_a_torn_tail_is_noted_and_litter_of_a_crash_is_swept(config):
    with PeerDisk(config) as disk:
        disk.persist(b"vote")
    with config.votes.open("ab") as file:
        file.write(b"\x05\x00")
    config.blobs.mkdir()
    litter = [config.home / ".status.json.1.new", config.blobs / ".00ff.1.new"]
    for path in litter:
        path.touch()
    with PeerDisk(config) as disk:
        assert "removed 2 bytes" in disk.ground.notes[0]
    assert not any(path.exists() for path in litter)
    assert read_records(config.votes, "votes").payloads == (b"vote",)


def vote(height):
    body = encode([height, 1, bytes(32)])
    return encode(["vote", ["notarize", "m", body, bytes(64)], b""])


BOOT = encode(["boot", bytes(32), "m"])


def test_a_long_vote_log_is_pruned_when_the_peer_starts(config, monkeypatch):
    log = [BOOT, *(vote(height) for height in (1, 1, 2, 3))]
    with PeerDisk(config) as disk:
        for record in log:
            disk.persist(record)
        disk.append_block(b"first")
        disk.append_block(b"second")
        disk.sync()
    with PeerDisk(config) as disk:
        assert tuple(disk.ground.log) == tuple(log)  # a few records are not worth it
    monkeypatch.setattr("swarm.pruning.prune_log.__defaults__", (3,))
    with PeerDisk(config) as disk:
        assert tuple(disk.ground.log) == (log[0], encode(["pruned", 2]), vote(3))
        disk.persist(vote(4))
        disk.sync()
    assert read_records(config.votes, "votes").payloads[-1] == vote(4)


def test_a_vote_log_that_grows_is_pruned_while_the_peer_runs(config, monkeypatch):
    """P29: only once the block of the height is durable, and no vote of a later height is lost."""
    monkeypatch.setattr("swarm.pruning.prune_log.__defaults__", (8,))
    monkeypatch.setattr("swarm.peer.disk.FEWEST", 10)
    longest = 0
    with PeerDisk(config) as disk:
        disk.persist(BOOT)
        for height in range(1, 51):
            for ahead in (0, 0, 1):
                disk.persist(vote(height + ahead))
            disk.sync()
            assert vote(height) in read_records(config.votes, "votes").payloads
            disk.append_block(b"block")
            kept = read_records(config.votes, "votes").payloads
            assert kept[0] == BOOT
            assert vote(height + 1) in kept
            longest = max(longest, len(kept))
    assert longest < 25
    with PeerDisk(config) as disk:
        records = [decode(record, 1_000) for record in disk.ground.log]
        (place,) = [record[1] for record in records if record[0] == "pruned"]
        assert 45 <= place <= 50


def test_a_block_that_has_decayed_is_not_sent_and_the_error_names_the_place(config):
    with PeerDisk(config) as disk:
        for number in range(3):
            disk.append_block(bytes([number]) * 1_000)
        assert [len(disk.final_messages(height)) for height in (1, 3, 4)] == [3, 1, 0]
        with config.blocks.open("r+b") as file:
            file.seek(1_500)
            file.write(b"\xff")
        assert disk.final_messages(3)
        with pytest.raises(StorageError, match=r"blocks\.log is damaged at byte 1\d\d\d"):
            disk.final_messages(1)
