"""Whole peers within one process: rounds, damage that heals itself, requests that are none."""

from __future__ import annotations

import contextlib
import json
import socket
import sys

import numpy as np
import pytest
import trio

from swarm.codec import digest
from swarm.ledger.genesis import create_genesis, make_request, read_request, sign_genesis
from swarm.merge.merge import head_digest, merge
from swarm.peer import inbox
from swarm.peer.config import PeerConfig
from swarm.peer.disk import PeerDisk
from swarm.peer.process import Peer
from swarm.storage.models import load_model, read_pointer
from swarm.transport.mesh import MeshTiming

MANIFEST = b"manifest"
NAMES = ("alder", "birch", "cedar")
CELLS = 70_000  # two chunks
VALUES = {name: np.full(CELLS, index + 1, dtype="<i4") for index, name in enumerate(NAMES)}
CONTRIBUTE = """
import pathlib, sys
home, value = pathlib.Path(sys.argv[1]), int(sys.argv[2])
path = home / "rounds" / sys.argv[4] / "contribution.bin"
path.write_bytes(value.to_bytes(4, "little") * 70_000)
"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def configs(tmp_path):
    seeds = {name: bytes([index + 1]) * 32 for index, name in enumerate(NAMES)}
    listen = {name: f"/ip4/127.0.0.1/tcp/{_free_port()}" for name in NAMES}
    requests = [make_request(seeds[name], name=name, addresses=[listen[name]]) for name in NAMES]
    genesis = create_genesis(
        [read_request(request) for request in requests],
        name="grove",
        nonce=bytes(16),
        manifest_digest=digest(MANIFEST),
        catalogue_digest=bytes(32),
        rho=(1, 2),
        contribution_bytes=4 * CELLS,
    )
    for seed in seeds.values():
        genesis = sign_genesis(genesis, seed)
    made = {}
    for index, name in enumerate(NAMES):
        home = tmp_path / name
        command = (sys.executable, "-c", CONTRIBUTE, str(home), str(index + 1))
        made[name] = PeerConfig(
            home,
            seeds[name],
            listen[name],
            command,
            timing=MeshTiming(redial_seconds=0.02, redial_most_seconds=0.1),
            commit_offset_seconds=0.05,
            tick_seconds=0.02,
            status_seconds=0.02,
        )
        made[name].ledger.mkdir(parents=True)
        made[name].genesis.write_bytes(genesis)
        made[name].manifest.write_bytes(MANIFEST)
    return made


@contextlib.asynccontextmanager
async def running(*configs):
    """Run peers until the block ends."""
    with contextlib.ExitStack() as stack:
        async with trio.open_nursery() as nursery:
            for config in configs:
                disk = stack.enter_context(PeerDisk(config))
                nursery.start_soon(Peer(config, disk).run)
            yield
            nursery.cancel_scope.cancel()


async def until(condition):
    """Wait for files; the test's own time limit is the deadline."""
    while not condition():  # noqa: ASYNC110 - files raise no event
        await trio.sleep(0.02)


def _head_of(config):
    pointer = read_pointer(config.head)
    return pointer and pointer["round"]


def _ask(config):
    inbox.drop_request(config.inbox, kind="statistics", as_of="2026-01-31", close_after_seconds=30)


def _expected(rounds):
    return merge({name: [VALUES[name]] * rounds for name in NAMES})


def test_a_round_ends_in_the_same_model_and_the_request_is_gone(configs):
    async def main():
        async with running(*configs.values()):
            _ask(configs["birch"])
            await until(lambda: all(_head_of(config) == 1 for config in configs.values()))
            await until(
                lambda: all(
                    json.loads(c.status.read_bytes())["head"] is not None for c in configs.values()
                )
            )

    trio.run(main)
    total, rest = _expected(1)
    for config in configs.values():
        assert inbox.waiting(config.inbox) == []
        pointer = read_pointer(config.head)
        assert pointer["digest"] == head_digest(digest(MANIFEST), total, rest).hex()
        model = load_model(config.models, bytes.fromhex(pointer["digest"]))
        assert (model["sum"] == total).all()
        assert (model["rest"] == rest).all()
        status = json.loads(config.status.read_bytes())
        assert status["schema"] == "murmuration.status/1"
        assert status["head"] == pointer
        (entry,) = status["rounds"]
        assert sorted(entry["in"]) == sorted(NAMES)
        assert (entry["outcome"], entry["rho"], entry["out"]) == ("merged", [1, 2], [])
        assert entry["opened_at"] <= entry["decided_at"]


def test_a_damaged_blob_is_fetched_again_and_a_damaged_model_written_again(configs, caplog):
    """After a restart everything is merged again from the blobs: damage shows, and heals."""

    async def main():
        async with running(*configs.values()):
            _ask(configs["alder"])
            await until(lambda: all(_head_of(config) == 1 for config in configs.values()))
        config = configs["cedar"]
        blob = sorted(config.blobs.iterdir())[0]
        blob.write_bytes(b"x" + blob.read_bytes()[1:])
        model = next(config.models.iterdir()) / "model.safetensors"
        whole = model.read_bytes()
        model.write_bytes(whole[:-1] + b"x")
        async with running(*configs.values()):
            await until(lambda: model.read_bytes() == whole)
        return blob

    blob = trio.run(main)
    assert f"{blob} is damaged" in caplog.text


def test_a_file_in_the_inbox_that_is_no_request_is_moved_aside_and_shown(configs):
    config = configs["alder"]
    config.inbox.mkdir()
    (config.inbox / "a.json").write_text("please")

    async def main():
        async with running(config):
            await until(config.status.exists)
            await until(lambda: "a.json is not JSON" in config.status.read_text())

    trio.run(main)
    assert [path.name for path in config.inbox.iterdir()] == ["a.json.rejected"]
