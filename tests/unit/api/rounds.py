"""Rounds on paper: what members of a home's swarm contribute is merged as peers merge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from api.fitting import fit
from api.home import Home
from api.ledger import read_ledger
from api.settings import load_settings
from api.store.opening import open_store
from recommender.poisoning.promotion import sum_histories
from recommender.release.manifest import default_manifest
from swarm.events import ComputeMerge
from swarm.ledger.rounds import compute_out
from swarm.ledger.transactions import CloseSet, Commit, Included, MergeResult, receipt_body
from swarm.peer.merges import merge_blobs
from swarm.storage.blobs import BlobStore
from swarm.storage.models import move_pointer
from tests.unit.api.test_evaluated_is_served import ITEMS, entries, found_swarm
from tests.unit.recommender.rows import clusters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.unit.api.test_training import Chronicle

SIGMA_SQUARED = 5_194**2
MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=False, sigma_squared=SIGMA_SQUARED)
LEARNERS = 1_200
TARGET = 39
"""An item that nobody visits but whoever is invented."""


def honest(seed: int) -> NDArray[np.int64]:
    """Noised sums of honest learners, none of whom visits the target."""
    rows = clusters(LEARNERS, seed=seed)
    histories = [
        [item for item in rows.item[rows.learner == number].tolist() if item != TARGET]
        for number in range(LEARNERS)
    ]
    return noised(sum_histories(histories, MANIFEST), seed)


def poisoned(seed: int, learners: int = 1_000) -> NDArray[np.int64]:
    """Noised sums of learners who go from a popular item to the target."""
    return noised(sum_histories([[n % 24, TARGET] for n in range(learners)], MANIFEST), seed)


def noised(cells: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    noise = np.random.default_rng(seed).normal(0, np.sqrt(SIGMA_SQUARED), cells.size)
    return cells + np.rint(noise).astype(np.int64)


def hold_round(home: Home, chronicle: Chronicle, given: Mapping[int, NDArray[np.int64]]) -> str:
    """Hold a round to which these founders contribute; returns the digest that HEAD moves to."""
    key = chronicle.open("statistics")
    store = BlobStore(home.blobs_dir)
    ids, signers = list(chronicle.genesis.ids), chronicle.signers
    included = []
    for number, cells in sorted(given.items()):
        data = cells.astype("<i4").tobytes()
        blob, maker = store.add(data), signers[number].member
        commit = Commit(key.round, key.attempt, blob, len(data), chronicle.genesis.rho)
        chronicle.append(commit, by=number)
        body = receipt_body(key.round, key.attempt, maker, blob)
        others = [one for one in signers if one.member != maker][:2]
        receipts = sorted((ids.index(one.member), one.sign("receipt", body)) for one in others)
        included.append(Included(maker, blob, tuple(receipts)))
    inside = tuple(sorted(included, key=lambda one: one.member))
    closing = read_ledger(home).rounds[-1]
    out = compute_out(closing, {one.member for one in inside})
    chronicle.append(CloseSet(key.round, key.attempt, inside, out))
    ledger = read_ledger(home)
    closed = ledger.rounds[-1]
    order = ComputeMerge(key.round, key.attempt, ledger.contributions(closed), closed.anchors)
    digest = merge_blobs(order, ledger.roster, store, home.models_dir)
    chronicle.append(MergeResult(key.round, key.attempt, digest))
    height = read_ledger(home).height
    move_pointer(home.head_path, digest=digest, round_number=key.round, height=height)
    return digest.hex()


def swarm_home(path: Path) -> tuple[Home, Chronicle]:
    """The first founder's home, with the shared catalogue as its own."""
    home = Home(path)
    home.create('platform = "P0"\nshare = "opt-out"\n')
    chronicle = found_swarm(home, SIGMA_SQUARED)
    with open_store(home) as store:
        store.upsert_catalogue(entries())
    return home, chronicle


def fit_home(home: Home) -> None:
    settings = load_settings(home)
    with open_store(home, settings) as store:
        fit(home, settings, store)
