"""Real peers train a network together: rounds of updates, a member killed between two of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zlib
from dataclasses import dataclass

import numpy as np
import pytest

from api.founding import join, read_founding
from api.home import IDENTITY_KEY, Home
from api.ledger import export
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from platform_adapters.contract import Interaction
from recommender.catalogue import CatalogueItem
from swarm.codec import digest
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import create_genesis, make_request, read_request, sign_genesis
from swarm.ledger.kinds import Terms, Updates
from swarm.merge.updates import merge_updates, network_digest
from swarm.peer.inbox import drop_request
from swarm.storage.models import load_model
from tests.e2e.peers import MANIFEST, PEER, Swarm, free_port
from tests.e2e.peers import NAMES as ALL_NAMES

pytestmark = pytest.mark.e2e

NAMES = ALL_NAMES[:4]
VICTIM = "birch"
WEIGHTS = 500
UPDATES = Updates(Terms((1, 40), 4 * WEIGHTS), rounds=4, entry=2**20, norm=2**23)
DAY = "2026-01-31"

TRAIN = """
import argparse, pathlib, zlib
import numpy as np
parser = argparse.ArgumentParser()
parser.add_argument("home", type=pathlib.Path)
for name in ("--round", "--attempt", "--as-of", "--kind", "--base"):
    parser.add_argument(name, required=True)
parser.add_argument("manifest")
args = parser.parse_args()
assert args.kind == "parameters"
if args.base:
    assert (args.home / "models" / args.base / "model.safetensors").exists()
seed = zlib.crc32(f"{{args.home.name}} {{args.base}}".encode())
values = np.random.default_rng(seed).integers(-10**6, 10**6, {weights}, dtype=np.int32)
path = args.home / "rounds" / args.round / "contribution.bin"
path.with_suffix(".new").write_bytes(values.astype("<i4").tobytes())
path.with_suffix(".new").rename(path)
"""


def update(name, base):
    """What the script of a home trains from merged parameters `base`."""
    generator = np.random.default_rng(zlib.crc32(f"{name} {base}".encode()))
    return generator.integers(-(10**6), 10**6, WEIGHTS, dtype=np.int32)


class Training(Swarm):
    """Homes whose genesis has terms for a network, with a script that trains on nothing."""

    def found(self):
        super().found()
        (self.folder / "contribute.py").write_text(TRAIN.format(weights=WEIGHTS))
        return self

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
            manifest_digest=digest(MANIFEST),
            catalogue_digest=bytes(32),
            rho=(1, 10),
            contribution_bytes=4 * self.cells,
            updates=UPDATES,
        )
        for seed in seeds.values():
            file = sign_genesis(file, seed)
        return file


def ask(swarm, name, kind="parameters", close_after_seconds=6):
    """Do what `murmuration swarm round --kind …` does."""
    drop_request(
        swarm.homes[name].inbox_dir, kind=kind, as_of=DAY, close_after_seconds=close_after_seconds
    )


def until_network(swarm, number, *names):
    """Wait until these have the parameters of a round; their common digest, in hex."""

    def all_there():
        found = [swarm.status(name).get("network") for name in names]
        return all(network is not None and network["round"] == number for network in found)

    swarm.until(all_there, f"parameters of round {number} at {names}")
    (merged,) = {swarm.status(name)["network"]["digest"] for name in names}
    return merged


def assert_one_network(swarm, merged, manifest_digest):
    """Every member has these parameters, proved, and an export that says so."""
    cards = set()
    for home in swarm.homes.values():
        assert json.loads(home.network_path.read_bytes())["digest"] == merged
        arrays = load_model(home.models_dir, bytes.fromhex(merged), ("parameters", "rest", "sum"))
        assert network_digest(manifest_digest, arrays).hex() == merged
        cards.add((home.model_dir(merged) / "card.json").read_bytes())
        report = verify_export(export(home))
        assert report.ledger.network.digest.hex() == merged
    assert len(cards) == 1


def test_parameters_go_on_while_a_member_is_dead_and_it_catches_up(tmp_path):
    swarm = Training(tmp_path, NAMES).found()
    try:
        swarm.start_all()
        ask(swarm, "alder", close_after_seconds=20)
        first = until_network(swarm, 1, *NAMES)
        rounds = [{name: update(name, "") for name in NAMES}]
        bounds = (UPDATES.entry, UPDATES.norm)
        merged = merge_updates(rounds, (), *bounds)
        assert first == network_digest(digest(MANIFEST), merged).hex()
        assert swarm.stop(VICTIM, signal.SIGKILL) == -signal.SIGKILL
        others = [name for name in NAMES if name != VICTIM]
        ask(swarm, "cedar")
        second = until_network(swarm, 2, *others)
        rounds.append({name: update(name, first) for name in others})
        assert second == network_digest(digest(MANIFEST), merge_updates(rounds, (), *bounds)).hex()
        swarm.start(VICTIM)
        assert until_network(swarm, 2, *NAMES) == second
        assert_one_network(swarm, second, digest(MANIFEST))
        status = swarm.status(VICTIM)
        assert [entry["kind"] for entry in status["rounds"]] == ["parameters", "parameters"]
        assert status["rounds"][1]["rho"] == [1, 10]  # of the whole training
        assert status["head"] is None  # what is served is not touched
        assert [swarm.stop(name) for name in NAMES] == [0, 0, 0, 0]
    finally:
        swarm.close()


# --- the whole of it, with torch ----------------------------------------------------------------

KEYS = [f"urn:course:{index:02}" for index in range(12)]
LEARNERS = 60


def run(*args):
    """A command of ours in a process of its own; its output."""
    done = subprocess.run(
        [sys.executable, "-c", PEER, *map(str, args)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass
class Platforms(Swarm):
    """Homes with learners of their own, founded by the commands."""

    def found(self):
        self.ports = {name: free_port() for name in self.names}
        for name in self.names:
            self._make_home(name)
        catalogue = self.folder / "shared.csv"
        rows = [f"{key},Course {index} on trees" for index, key in enumerate(KEYS)]
        catalogue.write_text("\n".join(["content_key,title", *rows]) + "\n")
        requests = [self.folder / f"{name}.request" for name in self.names]
        for name, path in zip(self.names, requests, strict=True):
            place = ("--home", self.homes[name].path)
            run("swarm", "request", *place, "--bracket", "< 100", "--out", path)
        file = self.folder / "swarm.founding"
        run("swarm", "create", *requests, "--catalogue", catalogue, "--network", "--out", file)
        for home in self.homes.values():
            run("swarm", "sign", file, "--home", home.path)
        for home in self.homes.values():
            join(read_founding(file), home)
        return self

    def _make_home(self, name):
        home = Home(self.folder / name)
        home.create(
            f'platform = "{name}"\nshare = "opt-out"\n[swarm]\ntrain_network = true\n'
            f'listen = "/ip4/127.0.0.1/tcp/{self.ports[name]}"\n'
            'fit_command = ["true"]\n'
        )
        with open_store(home, load_settings(home)) as store:
            store.upsert_catalogue(
                [CatalogueItem(key[-2:], title=key, content_key=key) for key in KEYS]
            )
        self.homes[name] = home
        self.enrol(name, "first")

    def enrol(self, name, wave):
        """New learners, each through four courses in a row."""
        rows = [
            Interaction(
                event_id=f"{name}-{wave}-{learner}-{place}",
                learner=f"lp1_{name}_{wave}_{learner:03}",
                item=KEYS[(learner + place) % len(KEYS)][-2:],
                timestamp=1_700_000_000 + place,
                order=None,
                verb="viewed",
            )
            for learner in range(LEARNERS)
            for place in range(4)
        ]
        home = self.homes[name]
        with open_store(home, load_settings(home)) as store:
            store.add_interactions(rows)


@pytest.mark.soak
def test_four_platforms_train_a_network_beside_their_statistics(tmp_path):
    swarm = Platforms(tmp_path, NAMES).found()
    try:
        swarm.start_all()
        ask(swarm, "alder", "statistics", 40)
        swarm.until_head(1, *NAMES)
        for name in NAMES:
            swarm.enrol(name, "second")
        ask(swarm, "birch", close_after_seconds=80)
        until_network(swarm, 2, *NAMES)
        assert swarm.stop(VICTIM, signal.SIGKILL) == -signal.SIGKILL
        others = [name for name in NAMES if name != VICTIM]
        ask(swarm, "cedar", close_after_seconds=40)
        until_network(swarm, 3, *others)
        swarm.start(VICTIM)
        swarm.until_connected(*NAMES)
        ask(swarm, VICTIM, close_after_seconds=80)
        merged = until_network(swarm, 4, *NAMES)
        manifest = digest(swarm.homes[VICTIM].manifest_path.read_bytes())
        assert_one_network(swarm, merged, manifest)
        for name, home in swarm.homes.items():
            spent = read_spend(home)
            assert [entry.round for entry in spent] == [1, 2], name
            assert spent[0].rho == spent[1].rho
            with open_store(home, load_settings(home)) as store:
                assert len(store.released()) == 2 * LEARNERS
            said = run("swarm", "budget", "--home", home.path, "--explain")
            assert "a training from round 2" in said
        assert {swarm.stop(name) for name in NAMES} == {0}
    finally:
        swarm.close()
