"""Four real peer processes on loopback: a round, kill -9 in its middle, bad surroundings."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.home import IDENTITY_KEY, Home
from api.settings import render_settings
from swarm.codec import digest
from swarm.ledger.chain import verify_chain
from swarm.ledger.genesis import (
    create_genesis,
    make_request,
    read_request,
    sign_genesis,
    verify_genesis,
)
from swarm.merge.merge import head_digest, merge
from swarm.peer.config import blocks_path
from swarm.peer.inbox import drop_request
from swarm.storage.models import load_model
from swarm.storage.records import read_records

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

NAMES = ("alder", "birch", "cedar", "dogwood")
CELLS = 150_000  # three chunks
MANIFEST = b"a manifest; the swarm knows only its digest"
WAIT_SECONDS = 90

CONTRIBUTE = """
import argparse, pathlib, sys, time, zlib
import numpy as np
parser = argparse.ArgumentParser()
parser.add_argument("home", type=pathlib.Path)
for name in ("--round", "--attempt"):
    parser.add_argument(name, type=int, required=True)
parser.add_argument("--as-of", required=True)
parser.add_argument("manifest", type=pathlib.Path)
args = parser.parse_args()
assert args.manifest.read_bytes() == {manifest!r}
while (args.home / "hold").exists():
    time.sleep(0.02)
if (args.home / "abstain").exists():
    print("nobody is due")
    sys.exit(3)
seed = zlib.crc32(args.home.name.encode()) + args.round
values = np.random.default_rng(seed).integers(-10**6, 10**6, {cells}, dtype=np.int32)
path = args.home / "rounds" / str(args.round) / "contribution.bin"
path.with_suffix(".new").write_bytes(values.astype("<i4").tobytes())
path.with_suffix(".new").rename(path)
with (args.home / "made").open("a") as file:
    file.write(f"{{args.round}} {{args.attempt}}\\n")
"""
FIT = """
import pathlib, sys
home = pathlib.Path(sys.argv[1])
(home / "fitted").write_text((home / "HEAD").read_text())
"""


def contribution(name, number=1):
    """The values that the contribute script of a home makes."""
    generator = np.random.default_rng(zlib.crc32(name.encode()) + number)
    return generator.integers(-(10**6), 10**6, CELLS, dtype=np.int32)


@dataclass
class Swarm:
    """Four homes, and the peers that run on them."""

    folder: Path
    homes: dict[str, Home] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name, *extra):
        command = [
            *(sys.executable, "-c", "from api.cli.main import main; main()", "peer"),
            *("--home", str(self.homes[name].path), *(extra or ("--no-supervise",))),
        ]
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(command, stderr=log, stdout=log)

    def stop(self, name, number=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(WAIT_SECONDS)

    def status(self, name):
        try:
            return json.loads(self.homes[name].status_path.read_bytes())
        except FileNotFoundError:
            return {"rounds": [], "members": [], "head": None, "pid": None}

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def ask_for_round(self, name, close_after_seconds=30):
        drop_request(
            self.homes[name].inbox_dir,
            kind="statistics",
            as_of="2026-01-31",
            close_after_seconds=close_after_seconds,
        )

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            for name, process in self.running.items():
                if process.poll() is not None:
                    pytest.fail(f"{name} ended with {process.returncode}:\n{self.log(name)}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {name}\n{self.log(name)}" for name in self.homes)
                pytest.fail(f"never happened: {what}\n{logs}")
            time.sleep(0.05)

    def until_connected(self, *names):
        self.until(
            lambda: all(
                sum(member["connected"] for member in self.status(name)["members"]) >= len(names)
                for name in names
            ),
            f"{names} are connected",
        )

    def until_head(self, number, *names):
        def all_there():
            heads = [self.status(name)["head"] for name in names]
            return all(head is not None and head["round"] == number for head in heads)

        self.until(all_there, f"HEAD of round {number} at {names}")


@pytest.fixture
def swarm(tmp_path):
    (tmp_path / "contribute.py").write_text(CONTRIBUTE.format(cells=CELLS, manifest=MANIFEST))
    (tmp_path / "fit.py").write_text(FIT)
    made = Swarm(tmp_path)
    for name in NAMES:
        _make_home(made, name)
    genesis = _found(made)
    for home in made.homes.values():
        home.ledger_dir.mkdir(exist_ok=True)
        home.genesis_path.write_bytes(genesis)
        home.manifest_path.write_bytes(MANIFEST)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _make_home(swarm, name):
    home = Home(swarm.folder / name)
    port = swarm.ports[name] = _free_port()
    text = render_settings(name, recommend="items", share="off", database_url="")
    text = text[: text.index("[swarm]")] + (
        "[swarm]\n"
        f'listen = "/ip4/127.0.0.1/tcp/{port}"\n'
        f"contribute_command = {_script(swarm, 'contribute.py', home)}\n"
        f"fit_command = {_script(swarm, 'fit.py', home)}\n"
    )
    home.create(text)
    swarm.homes[name] = home


def _script(swarm, name, home):
    return [sys.executable, str(swarm.folder / name), str(home.path)]


def _found(swarm):
    seeds = {name: home.read_key(IDENTITY_KEY) for name, home in swarm.homes.items()}
    requests = [
        make_request(seed, name=name, addresses=[f"/ip4/127.0.0.1/tcp/{swarm.ports[name]}"])
        for name, seed in seeds.items()
    ]
    file = create_genesis(
        [read_request(request) for request in requests],
        name="grove",
        nonce=bytes(16),
        manifest_digest=digest(MANIFEST),
        catalogue_digest=bytes(32),
        rho=(4096**2, 2 * 5194**2),
        contribution_bytes=4 * CELLS,
    )
    for seed in seeds.values():
        file = sign_genesis(file, seed)
    return file


def _expected_head(*names, rounds=(1,)):
    ids = {name: [contribution(name, number) for number in rounds] for name in names}
    total, rest = merge(ids, ())
    return head_digest(digest(MANIFEST), total, rest).hex()


def test_a_round_survives_kill_9_of_one_member_and_all_end_with_the_same_model(swarm):
    victim = "birch"
    for name in NAMES:
        swarm.start(name)
    (swarm.homes[victim].path / "hold").touch()
    swarm.until_connected(*NAMES)
    swarm.ask_for_round("alder", close_after_seconds=60)
    others = [name for name in NAMES if name != victim]
    swarm.until(
        lambda: all(
            len(s["rounds"]) == 1 and len(s["rounds"][0]["in"]) >= 3
            for s in map(swarm.status, others)
        ),
        "three have committed",
    )
    assert swarm.stop(victim, signal.SIGKILL) == -signal.SIGKILL
    (swarm.homes[victim].path / "hold").unlink()
    swarm.start(victim)
    swarm.until_head(1, *NAMES)
    heads = {swarm.status(name)["head"]["digest"] for name in NAMES}
    assert heads == {_expected_head(*NAMES)}
    for name in NAMES:
        entry = swarm.status(name)["rounds"][0]
        assert (entry["outcome"], sorted(entry["in"]), entry["out"]) == ("merged", list(NAMES), [])
        assert (swarm.homes[name].path / "made").read_text() == "1 1\n"
    _assert_same_files(swarm)
    assert [swarm.stop(name) for name in NAMES] == [0, 0, 0, 0]


def _assert_same_files(swarm):
    genesis = verify_genesis(swarm.homes["alder"].genesis_path.read_bytes())
    cards, arrays = set(), set()
    for home in swarm.homes.values():
        pointer = json.loads(home.head_path.read_bytes())
        folder = home.model_dir(pointer["digest"])
        cards.add((folder / "card.json").read_bytes())
        arrays.add((folder / "model.safetensors").read_bytes())
        model = load_model(home.models_dir, bytes.fromhex(pointer["digest"]))
        computed = head_digest(genesis.manifest_digest, model["sum"], model["rest"])
        assert computed.hex() == pointer["digest"]
        blocks = read_records(blocks_path(home.path), "blocks").payloads
        assert verify_chain(genesis, blocks).head.digest.hex() == pointer["digest"]
        swarm.until((home.path / "fitted").exists, f"{home.path} is fitted")
    assert len(cards) == len(arrays) == 1


def test_a_member_that_missed_a_round_catches_up_and_one_that_abstains_is_named(swarm):
    here, away, idle = ("alder", "birch", "cedar"), "dogwood", "cedar"
    (swarm.homes[idle].path / "abstain").touch()
    for name in here:
        swarm.start(name, "--supervise")
    swarm.until_connected(*here)
    swarm.ask_for_round("birch", close_after_seconds=8)
    swarm.until_head(1, *here)
    inner = swarm.status("alder")["pid"]
    assert inner != swarm.running["alder"].pid
    os.kill(inner, signal.SIGKILL)  # the supervisor starts it again
    swarm.start(away)
    swarm.until_head(1, *here, away)
    swarm.until(lambda: swarm.status("alder")["pid"] != inner, "alder is restarted")
    swarm.until_connected(*NAMES)
    expected = _expected_head("alder", "birch")
    for name in NAMES:
        status = swarm.status(name)
        out = {entry["member"]: entry["reason"] for entry in status["rounds"][0]["out"]}
        assert out == {idle: "abstained: nobody is due", away: "no contribution arrived"}
        assert status["head"]["digest"] == expected
    assert {swarm.stop(name) for name in NAMES} == {0}


def _run(swarm, name, *extra):
    """Run a peer that cannot start; its exit code and what it says."""
    swarm.start(name, *extra)
    code = swarm.running.pop(name).wait(WAIT_SECONDS)
    return code, swarm.log(name).strip().splitlines()[-1]


def test_a_peer_that_cannot_start_says_why_in_one_sentence_and_exits_1(swarm):
    home = swarm.homes["alder"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", swarm.ports["alder"]))
        taken.listen()
        code, said = _run(swarm, "alder", "--supervise")
    assert (code, f"port {swarm.ports['alder']} is in use" in said) == (1, True)

    swarm.start("alder")
    swarm.until(lambda: swarm.status("alder")["pid"], "alder is up")
    first = swarm.running.pop("alder")
    code, said = _run(swarm, "alder", "--supervise")
    assert (code, f"in use by another peer (process {first.pid})" in said) == (1, True)
    swarm.running["alder"] = first
    assert swarm.stop("alder", signal.SIGINT) == 0

    votes = home.wal_dir / "votes.log"
    for path in (votes, home.genesis_path, home.manifest_path):
        whole = path.read_bytes()
        path.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
        code, said = _run(swarm, "alder")
        assert (code, str(path) in said) == (1, True), said
        path.write_bytes(whole)


@pytest.mark.soak
def test_peers_that_are_killed_again_and_again_still_agree(swarm):
    chance = random.Random(11)  # noqa: S311 - a test
    for name in NAMES:
        swarm.start(name)
    swarm.until_connected(*NAMES)
    for number in range(1, 6):
        while not any(len(swarm.status(name)["rounds"]) >= number for name in NAMES):
            swarm.ask_for_round(chance.choice(NAMES), close_after_seconds=20)
            time.sleep(1)
        for _ in range(4):
            time.sleep(chance.uniform(0, 1.5))
            victim = chance.choice(NAMES)
            swarm.stop(victim, signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.5))
            swarm.start(victim)
        swarm.until(
            lambda number=number: all(
                (swarm.status(name)["head"] or {"round": 0})["round"] >= number for name in NAMES
            ),
            f"round {number} is merged",
        )
    heads = {json.dumps({**swarm.status(name)["head"], "moved_at": ""}) for name in NAMES}
    assert len(heads) == 1
    _assert_same_files(swarm)
