"""Training at home: spent once and whole, sent again byte for byte, and nobody in two releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

import api.training as subject
from api.budget import explain
from api.cli.main import cli
from api.contributing import AbstainedError, RoundTask, contribute
from api.founding import Founding, FoundingError, join, updates_of
from api.home import IDENTITY_KEY, Home
from api.ledger import read_ledger
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from api.training import contribute_update
from recommender.catalogue import CatalogueItem
from recommender.network.budget import make_training
from recommender.release.accounting import epsilon
from recommender.release.manifest import Manifest
from swarm import codec
from swarm.ledger.blocks import FinalBlock, read_block, vote_body, write_block, write_final
from swarm.ledger.chain import make_verify
from swarm.ledger.genesis import Genesis, create_genesis
from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.rounds import compute_expected, compute_next_round
from swarm.ledger.transactions import Commit, RoundOpen, RoundVoid, write_transaction
from swarm.merge.updates import merge_updates, network_digest
from swarm.peer.config import blocks_path
from swarm.protocol import sign
from swarm.signing import Ed25519Signer
from swarm.storage.files import atomic_write
from swarm.storage.models import save_model
from swarm.storage.records import RecordLog
from tests.unit.api.test_contributing import ITEMS, fill
from tests.unit.api.test_founding import CATALOGUE, SEEDS, founding, signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.settings import Settings
    from api.store.store import Store
    from swarm.ledger.transactions import Transaction

AS_OF = date(2026, 1, 1)
ROUNDS = 2


def network_founding(**change: object) -> Founding:
    """The usual founding file, and a training of two rounds of two steps."""
    plain = founding()
    genesis, manifest, _ = plain.check("test")
    training = make_training(3, manifest.rho, manifest.delta_fraction, rounds=ROUNDS, steps=2)
    manifest = replace(manifest, training=replace(training, **change))
    encoded = codec.encode(manifest.to_dict())
    file = create_genesis(
        genesis.members,
        name="test",
        nonce=bytes(16),
        manifest_digest=codec.digest(encoded),
        catalogue_digest=codec.digest(CATALOGUE),
        rho=genesis.rho,
        contribution_bytes=genesis.contribution_bytes,
        updates=updates_of(manifest),
    )
    return Founding(file, encoded, CATALOGUE)


class Chronicle:
    """The home's ledger, to which all founders put what a test says."""

    def __init__(self, home: Home, genesis: Genesis) -> None:
        self.home, self.genesis = home, genesis
        self.signers = [Ed25519Signer(seed, genesis.swarm_id) for seed in SEEDS]
        self.log = RecordLog(blocks_path(home.path), "blocks")

    def append(self, *transactions: Transaction, by: int = 0) -> None:
        ledger = read_ledger(self.home)
        me = self.signers[by]
        bodies = [write_transaction(transaction) for transaction in transactions]
        entries = [sign(me, me.member, purpose, body) for purpose, body in bodies]
        data = write_block(ledger.height + 1, ledger.tip, entries)
        block = read_block(data, make_verify(self.genesis))
        body = vote_body(block.height, 1, block.hash)
        votes = sorted((one.member, one.sign("finalize", body)) for one in self.signers[:3])
        self.log.append(write_final(FinalBlock(data, 1, tuple(votes))))
        self.log.sync()

    def open(self, kind: str = PARAMETERS) -> RoundTask:
        ledger = read_ledger(self.home)
        head = ledger.head_of(kind)
        base = head.digest if head else b""
        opening = RoundOpen(
            *compute_next_round(ledger),
            kind,
            base,
            self.genesis.manifest_digest,
            AS_OF.isoformat(),
            compute_expected(self.genesis, ledger),
            60,
        )
        self.append(opening)
        return RoundTask(opening.round, opening.attempt, AS_OF, base.hex())

    def commit(self, task: RoundTask) -> None:
        data = self.home.contribution_path(task.round).read_bytes()
        terms = self.genesis.terms(PARAMETERS)
        blob = codec.blob_digest([data])
        self.append(Commit(task.round, task.attempt, blob, len(data), terms.rho))

    def void(self, task: RoundTask) -> None:
        self.append(RoundVoid(task.round, task.attempt, "no contribution was complete in time"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    place.create('platform = "P0"\nshare = "opt-out"\n[swarm]\ntrain_network = true\n')
    atomic_write(place.key_path(IDENTITY_KEY), SEEDS[0], mode=0o600)
    join(signed(network_founding()), place)
    return place


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_settings(home)


@pytest.fixture
def store(home: Home, settings: Settings) -> Iterator[Store]:
    with open_store(home, settings) as opened:
        keys = ("urn:a", "urn:b", "urn:c")
        opened.upsert_catalogue(
            [CatalogueItem(i, title=i, content_key=k) for i, k in zip(ITEMS, keys, strict=True)]
        )
        yield opened


@pytest.fixture
def chronicle(home: Home) -> Chronicle:
    return Chronicle(home, network_founding().genesis)


def manifest_of(home: Home) -> Manifest:
    return Manifest.from_dict(codec.decode(home.manifest_path.read_bytes(), 1 << 16))


def test_a_training_is_spent_as_a_whole_before_the_first_update(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    fill(store, 20)
    task = chronicle.open()
    update = contribute_update(home, settings, store, task).read_bytes()
    manifest = manifest_of(home)
    assert manifest.training is not None
    assert len(update) == manifest.training.update_bytes
    (spent,) = read_spend(home)
    assert (spent.round, spent.rho) == (1, manifest.training.rho_training)
    assert epsilon(spent.rho, manifest.delta_fraction) <= 4.0
    assert len(store.released()) == 20


def test_statistics_and_training_share_out_learners_and_never_share_one(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    """R2: one budget; who spent it on one kind has nothing left for the other."""
    swarm = chronicle.genesis.swarm_id.hex()
    fill(store, 10)
    task = chronicle.open()
    contribute_update(home, settings, store, task)
    fill(store, 25)
    contribute(home, settings, store, RoundTask(9, 1, AS_OF))
    trained, counted = store.released_in(swarm, task.round), store.released_in(swarm, 9)
    assert trained is not None
    assert counted is not None
    assert (len(trained), len(counted), trained & counted) == (10, 15, frozenset())
    total = sum(entry.rho for entry in read_spend(home))
    assert total == 2 * manifest_of(home).rho  # of two sets of learners, each once


def test_however_often_a_round_fails_the_same_bytes_are_sent(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    """R13: the base has not moved, so what was drawn for it is what there is."""
    fill(store, 20)
    task = chronicle.open()
    first = contribute_update(home, settings, store, task).read_bytes()
    chronicle.commit(task)
    chronicle.void(task)
    second = chronicle.open()
    assert contribute_update(home, settings, store, second).read_bytes() == first
    chronicle.void(second)
    third = chronicle.open()
    assert (third.round, third.base) == (2, "")
    fill(store, 30)
    assert contribute_update(home, settings, store, third).read_bytes() == first
    assert len(read_spend(home)) == 1
    assert len(store.released()) == 20


def test_an_update_that_was_committed_and_lost_is_not_drawn_again(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    fill(store, 20)
    task = chronicle.open()
    path = contribute_update(home, settings, store, task)
    chronicle.commit(task)
    path.unlink()
    home.update_path(chronicle.genesis.swarm_id.hex(), "").unlink()
    with pytest.raises(AbstainedError, match="none is redrawn"):
        contribute_update(home, settings, store, task)


def test_killed_while_training_the_rerun_takes_the_same_learners(
    home: Home,
    settings: Settings,
    store: Store,
    chronicle: Chronicle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(store, 20)
    task = chronicle.open()

    def dies(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subject, "_train", dies)
        with pytest.raises(KeyboardInterrupt):
            contribute_update(home, settings, store, task)
    assert not home.contribution_path(1).exists()
    fill(store, 40)
    contribute_update(home, settings, store, task)
    assert len(store.released()) == 20
    assert len(read_spend(home)) == 1


def test_the_next_round_starts_from_the_merge_and_spends_nothing_more(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    fill(store, 20)
    task = chronicle.open()
    first = np.frombuffer(contribute_update(home, settings, store, task).read_bytes(), "<i4")
    merged = merge_updates([{"p": first}], ("p",), 2**24, 2**30)
    base = network_digest(chronicle.genesis.manifest_digest, merged)
    later = replace(task, base=base.hex())
    with pytest.raises(AbstainedError, match="missing on this platform's disk"):
        contribute_update(home, settings, store, later)
    save_model(home.models_dir, base, merged, {})
    second = contribute_update(home, settings, store, later).read_bytes()
    assert second != first.tobytes()
    assert len(read_spend(home)) == 1
    damaged = {**merged, "sum": merged["sum"] + 1}
    save_model(home.models_dir, base, damaged, {})
    home.update_path(chronicle.genesis.swarm_id.hex(), base.hex()).unlink()
    with pytest.raises(AbstainedError, match="damaged"):
        contribute_update(home, settings, store, later)


def test_an_empty_platform_sends_an_update_of_the_same_length(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    task = chronicle.open()
    empty = contribute_update(home, settings, store, task).read_bytes()
    training = manifest_of(home).training
    assert training is not None
    assert len(empty) == training.update_bytes
    assert np.count_nonzero(np.frombuffer(empty, "<i4")) > 0.9 * training.parameters


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"share": "off"}, "shares nothing"),
        ({"train_network": False}, "trains no network"),
        ({"max_epsilon": 1.0}, "R15"),
    ],
)
def test_a_platform_that_does_not_train_says_why(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle, change: dict, said: str
) -> None:
    fill(store, 20)
    task = chronicle.open()
    swarm = settings.swarm.model_copy(update={k: v for k, v in change.items() if k != "share"})
    share = change.get("share", settings.share)
    unwilling = settings.model_copy(update={"swarm": swarm, "share": share})
    with pytest.raises(AbstainedError, match=said):
        contribute_update(home, unwilling, store, task)
    assert store.released() == frozenset()
    assert read_spend(home) == []


def test_training_is_off_until_the_operator_says_otherwise(tmp_path: Path) -> None:
    place = Home(tmp_path / "other")
    place.create('platform = "P1"\n')
    assert not load_settings(place).swarm.train_network


def test_founders_whose_figures_do_not_hold_are_refused() -> None:
    training = manifest_training()
    with pytest.raises(FoundingError, match="too little for rho"):
        network_founding(sigma_squared=training.sigma_squared // 2).check("swarm.founding")
    weaker = network_founding()
    other = create_genesis(
        weaker.genesis.members,
        name="test",
        nonce=bytes(16),
        manifest_digest=weaker.genesis.manifest_digest,
        catalogue_digest=weaker.genesis.catalogue_digest,
        rho=weaker.genesis.rho,
        contribution_bytes=weaker.genesis.contribution_bytes,
    )
    with pytest.raises(FoundingError, match="training is not the one"):
        Founding(other, weaker.manifest, CATALOGUE).check("swarm.founding")


def manifest_training():
    _, manifest, _ = network_founding().check("test")
    assert manifest.training is not None
    return manifest.training


def test_a_learners_epsilon_is_explained_with_both_kinds(
    home: Home, settings: Settings, store: Store, chronicle: Chronicle
) -> None:
    fill(store, 10)
    contribute_update(home, settings, store, chronicle.open())
    fill(store, 20)
    contribute(home, settings, store, RoundTask(9, 1, AS_OF))
    lines = {line.name: line for line in explain(home, store)}
    assert all(line.agrees for line in lines.values()), lines
    assert "a training from round 1 of swarm" in lines["spend log"].text
    assert "; round 9 of swarm" in lines["spend log"].text
    for words in ("in no release of statistics", "2 rounds of 2 steps", "chance 1/4", "2097152"):
        assert words in lines["training"].text
    shown = CliRunner().invoke(cli, ["swarm", "budget", "--home", str(home.path), "--explain"])
    assert shown.exit_code == 0, shown.output
    assert "training" in shown.output
    assert "statistics" in shown.output


@pytest.mark.parametrize("base", ["../../keys", "AB" * 32, "ab" * 31])
def test_a_base_that_is_no_digest_is_refused(home: Home, base: str) -> None:
    where = ("--home", str(home.path), str(home.manifest_path))
    task = ("--round", "1", "--attempt", "1", "--as-of", "2026-01-01", "--kind", "parameters")
    refused = CliRunner().invoke(cli, ["contribute", *where, *task, "--base", base])
    assert refused.exit_code == 2
    assert "expected a digest" in refused.output


def test_the_childs_command_trains_and_says_where(
    home: Home, store: Store, chronicle: Chronicle
) -> None:
    fill(store, 20)
    chronicle.open()
    where = ("--home", str(home.path), str(home.manifest_path))
    task = ("--round", "1", "--attempt", "1", "--as-of", "2026-01-01", "--kind", "parameters")
    done = CliRunner().invoke(cli, ["contribute", *where, *task])
    assert done.exit_code == 0, done.output
    assert str(home.contribution_path(1)) in done.output
    early = CliRunner().invoke(cli, ["contribute", *where, "--round", "2", *task[2:]])
    assert (early.exit_code, "does not have the round yet" in early.output) == (3, True)
