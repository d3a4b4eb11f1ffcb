"""Homes, and the real peer processes that run on them, for the tests of this folder."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.home import IDENTITY_KEY, Home
from api.ledger import export
from api.settings import render_settings
from swarm.codec import digest
from swarm.ledger.chain import verify_chain
from swarm.ledger.export import verify_export
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
from swarm.signing import NO_SWARM, Ed25519Signer
from swarm.storage.models import load_model
from swarm.storage.records import read_records
from tests.e2e.wires import Wires

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    *("alder", "birch", "cedar", "dogwood", "elm", "fir", "gorse", "hazel", "ivy", "juniper"),
    *("kapok", "larch", "maple", "neem", "oak", "pine", "quince", "rowan", "spruce", "teak"),
)
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
PEER = "from api.cli.main import main; main()"
COSTS = ("messages_sent", "message_bytes_sent", "blob_bytes_sent", "cpu_seconds", "views_timed_out")


def contribution(name, number=1, cells=CELLS):
    """The values that the contribute script of a home makes."""
    generator = np.random.default_rng(zlib.crc32(name.encode()) + number)
    return generator.integers(-(10**6), 10**6, cells, dtype=np.int32)


def expected_head(*names, rounds=(1,)):
    """The digest of a merge in which these members took part."""
    ids = {name: [contribution(name, number) for number in rounds] for name in names}
    total, rest = merge(ids, ())
    return head_digest(digest(MANIFEST), total, rest).hex()


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Swarm:
    """Homes, and the peers that run on them; with `wires`, every link is a wire of the test's."""

    folder: Path
    names: tuple[str, ...] = NAMES[:4]
    cells: int = CELLS
    manifest: bytes = MANIFEST
    catalogue: bytes = b""
    rho: tuple[int, int] = (4096**2, 2 * 5194**2)
    has_wires: bool = False
    homes: dict[str, Home] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    wires: Wires | None = None
    spent: Counter = field(default_factory=Counter)
    """What processes that have ended had cost, as they last said: half a second may be missing."""

    def found(self):
        """Make the homes and their common genesis."""
        script = CONTRIBUTE.format(cells=self.cells, manifest=self.manifest)
        (self.folder / "contribute.py").write_text(script)
        (self.folder / "fit.py").write_text(FIT)
        self.ports = {name: free_port() for name in self.names}
        if self.has_wires:
            self.wires = Wires()
        for name in self.names:
            self._make_home(name)
        genesis = self._sign_all()
        for home in self.homes.values():
            home.ledger_dir.mkdir(exist_ok=True)
            home.genesis_path.write_bytes(genesis)
            home.manifest_path.write_bytes(self.manifest)
            home.shared_catalogue_path.write_bytes(self.catalogue)
        return self

    def add_home(self, name):
        """A home that is in no swarm yet."""
        self.ports[name] = free_port()
        self._make_home(name)
        return self.homes[name]

    def _make_home(self, name):
        home = Home(self.folder / name)
        text = render_settings(name, recommend="items", share="off", database_url="")
        text = text[: text.index("[swarm]")] + (
            "[swarm]\n"
            f'listen = "/ip4/127.0.0.1/tcp/{self.ports[name]}"\n'
            f"contribute_command = {self._script('contribute.py', home)}\n"
            f"fit_command = {self._script('fit.py', home)}\n"
        )
        if self.wires:
            text += "[swarm.addresses]\n"
            for other in self.names:
                if other != name:
                    port = self.wires.lay(name, other, self.ports[other])
                    text += f'{other} = ["/ip4/127.0.0.1/tcp/{port}"]\n'
        home.create(text)
        self.homes[name] = home

    def _script(self, name, home):
        return [sys.executable, str(self.folder / name), str(home.path)]

    def _sign_all(self):
        seeds = {name: home.read_key(IDENTITY_KEY) for name, home in self.homes.items()}
        requests = [
            make_request(seed, name=name, addresses=[f"/ip4/127.0.0.1/tcp/{self.ports[name]}"])
            for name, seed in seeds.items()
        ]
        file = create_genesis(
            [read_request(request) for request in requests],
            name="grove",
            nonce=bytes(16),
            manifest_digest=digest(self.manifest),
            catalogue_digest=digest(self.catalogue),
            rho=self.rho,
            contribution_bytes=4 * self.cells,
        )
        for seed in seeds.values():
            file = sign_genesis(file, seed)
        return file

    def start(self, name, *extra):
        """Start a peer, by default without its supervisor: then a crash fails the test."""
        command = [
            *(sys.executable, "-c", PEER, "peer"),
            *("--home", str(self.homes[name].path), *(extra or ("--no-supervise",))),
        ]
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(command, stderr=log, stdout=log)

    def start_all(self, *names):
        """Start peers, all if none is named, and wait until each is connected to each."""
        for name in names or self.names:
            self.start(name)
        self.until_connected(*(names or self.names))

    def stop(self, name, number=signal.SIGTERM):
        """End a peer; its exit code."""
        process = self.running.pop(name)
        self.spent.update(self._cost_of(name))
        process.send_signal(number)
        return process.wait(WAIT_SECONDS)

    def _cost_of(self, name):
        gauges = self.status(name).get("gauges", {})
        return {key: gauges.get(key, 0) for key in COSTS}

    def cost(self):
        """Messages, bytes and CPU seconds of all members, in all their lives so far."""
        total = Counter(self.spent)
        for name in self.running:
            total.update(self._cost_of(name))
        return {key: round(value, 1) for key, value in total.items()}

    def until_recovered(self):
        """Wait until all members are connected to all, and as high as the highest is now."""
        said = {name: self.status(name) for name in self.names}
        height = max(status["height"] for status in said.values())
        self.until(
            lambda: all(self._is_well(name, height) for name in self.names), "all have recovered"
        )

    def _is_well(self, name, height):
        status = self.status(name)
        here = sum(member["connected"] for member in status["members"])
        is_present = status["pid"] == self.running[name].pid
        return is_present and here == len(self.names) and status["height"] >= height

    def close(self):
        """End everything that runs."""
        for process in self.running.values():
            process.kill()
            process.wait()
        if self.wires:
            self.wires.close()

    def status(self, name):
        """What a peer last said about itself."""
        try:
            return json.loads(self.homes[name].status_path.read_bytes())
        except FileNotFoundError:
            return {"rounds": [], "members": [], "head": None, "pid": None, "height": 0}

    def member_id(self, name):
        """A member's id."""
        return Ed25519Signer(self.homes[name].read_key(IDENTITY_KEY), NO_SWARM).member

    def log(self, name):
        """All that a peer has logged."""
        return (self.folder / f"{name}.log").read_text()

    def ask_for_round(self, name, close_after_seconds=30):
        """Do what `murmuration swarm round` does."""
        drop_request(
            self.homes[name].inbox_dir,
            kind="statistics",
            as_of="2026-01-31",
            close_after_seconds=close_after_seconds,
        )

    def until(self, condition, what, seconds=WAIT_SECONDS):
        """Wait for a condition; fail with all logs if a peer ends or it never comes."""
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self.running.items():
                if process.poll() is not None:
                    pytest.fail(f"{name} ended with {process.returncode}:\n{self.log(name)}")
            if time.monotonic() > deadline:
                tails = (f"--- {name}\n{self.log(name)[-6000:]}" for name in self.running)
                pytest.fail(f"never happened: {what}\n" + "\n".join(tails))
            time.sleep(0.05)

    def until_connected(self, *names):
        """Wait until each of these is connected to as many as these are."""
        self.until(
            lambda: all(
                sum(member["connected"] for member in self.status(name)["members"]) >= len(names)
                for name in names
            ),
            f"{names} are connected",
        )

    def until_head(self, number, *names):
        """Wait until HEAD of each of these is that of a round, or of a later one."""

        def all_there():
            heads = [self.status(name)["head"] for name in names]
            return all(head is not None and head["round"] >= number for head in heads)

        self.until(all_there, f"HEAD of round {number} at {names}")

    def until_same_head(self, *names):
        """Wait until these have one height and one HEAD; it."""

        def heads():
            said = [self.status(name) for name in names]
            return {(s["height"], (s["head"] or {}).get("digest")) for s in said}

        self.until(lambda: len(heads()) == 1, f"one HEAD at {names}")
        return heads().pop()

    def assert_one_truth(self, *names):
        """Models, cards, ledgers and exports of these members are equal, and verify."""
        homes = [self.homes[name] for name in names or self.names]
        genesis = verify_genesis(homes[0].genesis_path.read_bytes())
        cards, arrays, tips = set(), set(), set()
        for home in homes:
            pointer = json.loads(home.head_path.read_bytes())
            folder = home.model_dir(pointer["digest"])
            cards.add((folder / "card.json").read_bytes())
            arrays.add((folder / "model.safetensors").read_bytes())
            model = load_model(home.models_dir, bytes.fromhex(pointer["digest"]))
            computed = head_digest(genesis.manifest_digest, model["sum"], model["rest"])
            assert computed.hex() == pointer["digest"]
            blocks = read_records(blocks_path(home.path), "blocks").payloads
            ledger = verify_chain(genesis, blocks)
            assert ledger.head.digest.hex() == pointer["digest"]
            assert verify_export(export(home), genesis.swarm_id).authentic
            tips.add(ledger.tip)
            self.until((home.path / "fitted").exists, f"{home.path} is fitted")
        assert len(cards) == len(arrays) == len(tips) == 1
