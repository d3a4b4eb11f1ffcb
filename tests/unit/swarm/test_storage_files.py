"""Atomic files, the lock of a home, blobs and models."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from swarm.errors import RemoteProtocolError, StorageError
from swarm.storage.blobs import (
    CHUNK_BYTES,
    BlobDamagedError,
    BlobStore,
    PartialBlob,
    blob_digest,
    chunk_hashes,
)
from swarm.storage.files import read_json, write_atomically, write_json
from swarm.storage.lock import HomeLock
from swarm.storage.models import load_model, move_pointer, read_pointer, save_model

DATA = bytes(range(256)) * 2500  # two and a half chunks


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*file.*disk is full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_equal_json_values_are_equal_bytes_and_a_damaged_file_is_named(tmp_path):
    write_json(tmp_path / "a", {"x": 1, "y": [2]})
    write_json(tmp_path / "b", {"y": [2], "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "none") is None
    (tmp_path / "a").write_text("{")
    with pytest.raises(StorageError, match="a is not JSON"):
        read_json(tmp_path / "a")
    (tmp_path / "a").write_text("[]")
    with pytest.raises(StorageError, match="no JSON object"):
        read_json(tmp_path / "a")


def test_a_second_process_with_the_same_home_is_refused(tmp_path):
    code = (
        "import sys, pathlib; from swarm.storage.lock import HomeLock\n"
        f"HomeLock(pathlib.Path({str(tmp_path / 'lock')!r})); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=f"in use by another peer .process {holder.pid}"):
            HomeLock(tmp_path / "lock")
    finally:
        holder.kill()
        holder.communicate()
    with HomeLock(tmp_path / "lock"):
        pass


def test_a_blob_that_has_decayed_is_whole_again_when_it_is_stored_again(tmp_path):
    store = BlobStore(tmp_path)
    blob = store.add(DATA)
    store.path(blob).write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    assert store.add(DATA) == blob
    assert store.read(blob) == DATA


def test_a_blob_is_stored_once_and_proved_when_read(tmp_path):
    store = BlobStore(tmp_path)
    blob = store.add(DATA)
    assert store.add(DATA) == blob == blob_digest(DATA)
    assert store.read(blob) == DATA
    opened = store.open(blob)
    assert (opened.size, opened.read_chunk(2)) == (len(DATA), DATA[2 * CHUNK_BYTES :])


@pytest.mark.parametrize("at", [0, CHUNK_BYTES, len(DATA) - 1])
def test_one_flipped_byte_in_a_blob_is_noticed_by_every_way_of_reading(tmp_path, at):
    store = BlobStore(tmp_path)
    blob = store.add(DATA)
    opened = store.open(blob)
    damaged = bytearray(DATA)
    damaged[at] ^= 1
    store.path(blob).write_bytes(bytes(damaged))
    with pytest.raises(BlobDamagedError, match=blob.hex()):
        store.read(blob)
    with pytest.raises(BlobDamagedError, match=blob.hex()):
        store.open(blob)
    with pytest.raises(BlobDamagedError, match=blob.hex()):
        opened.read_chunk(at // CHUNK_BYTES)
    store.discard(blob)
    assert not store.has(blob)


def test_a_download_goes_on_where_it_stopped_and_drops_what_does_not_hold(tmp_path):
    hashes, blob = chunk_hashes(DATA), blob_digest(DATA)
    part = PartialBlob(tmp_path, blob, len(DATA), hashes)
    part.add_chunk(DATA[:CHUNK_BYTES])
    part.add_chunk(DATA[CHUNK_BYTES : 2 * CHUNK_BYTES])
    part.close()
    raw = bytearray(part.path.read_bytes())
    raw[CHUNK_BYTES] ^= 1
    part.path.write_bytes(bytes(raw) + b"half a chunk")
    again = PartialBlob(tmp_path, blob, len(DATA), hashes)
    assert again.next_chunk == 1
    again.add_chunk(DATA[CHUNK_BYTES : 2 * CHUNK_BYTES])
    assert again.expected_bytes() == len(DATA) - 2 * CHUNK_BYTES
    again.add_chunk(DATA[2 * CHUNK_BYTES :])
    again.finish()
    assert BlobStore(tmp_path).read(blob) == DATA
    assert [path.name for path in tmp_path.iterdir()] == [blob.hex()]


def test_wrong_chunks_and_wrong_hash_lists_are_refused_and_not_kept(tmp_path):
    hashes, blob = chunk_hashes(DATA), blob_digest(DATA)
    with pytest.raises(RemoteProtocolError, match="chunk hashes"):
        PartialBlob(tmp_path, blob, len(DATA), hashes[::-1])
    with pytest.raises(RemoteProtocolError, match="chunk hashes"):
        PartialBlob(tmp_path, blob, len(DATA) + CHUNK_BYTES, hashes)
    part = PartialBlob(tmp_path, blob, len(DATA), hashes)
    for wrong in (b"", DATA[1 : CHUNK_BYTES + 1], DATA[: CHUNK_BYTES - 1], DATA[: CHUNK_BYTES + 1]):
        with pytest.raises(RemoteProtocolError, match="chunk 0"):
            part.add_chunk(wrong)
    assert part.next_chunk == 0
    with pytest.raises(ValueError, match="missing"):
        part.finish()
    part.close()


def test_a_model_is_the_same_bytes_wherever_it_is_written(tmp_path):
    arrays = {"sum": np.arange(5, dtype=np.int64), "rest": -np.arange(5, dtype=np.int64)}
    card = {"round": 1, "members": ["a", "b"]}
    one = save_model(tmp_path / "one", b"\1" * 32, arrays, card)
    two = save_model(tmp_path / "two", b"\1" * 32, dict(reversed(arrays.items())), card)
    assert save_model(tmp_path / "one", b"\1" * 32, arrays, card) == one
    for name in ("model.safetensors", "card.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    loaded = load_model(tmp_path / "one", b"\1" * 32)
    assert all((loaded[name] == arrays[name]).all() for name in arrays)
    (one / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(StorageError, match=r"model\.safetensors is damaged"):
        load_model(tmp_path / "one", b"\1" * 32)


def test_a_pointer_names_a_model_and_a_damaged_one_is_refused(tmp_path):
    assert read_pointer(tmp_path / "HEAD") is None
    move_pointer(tmp_path / "HEAD", digest=b"\2" * 32, round_number=3, height=9)
    pointer = read_pointer(tmp_path / "HEAD")
    assert (pointer["digest"], pointer["round"], pointer["height"]) == ("02" * 32, 3, 9)
    (tmp_path / "HEAD").write_text(json.dumps({"digest": "02"}))
    with pytest.raises(StorageError, match="HEAD lacks"):
        read_pointer(tmp_path / "HEAD")
