"""From the store to an update of the swarm's network: what the peer's child does to train.

A training is several merged rounds, and all of it is spent at once: before the first update leaves,
the learners who are due are marked released, and the spend log has the rho of the whole training
under the number of the round that began it (R2, R3). Later rounds of the training take the same
learners, less those who withdrew. The order at home is that of `api.contributing`, and

1. an update drawn for the same merged parameters is sent again byte for byte, in whatever round
   (R13): each base is paid for once, and a training has no more bases than rounds;
2. noise is the exact discrete Gaussian on integer gradients, and chance is the system's (R11).

Parameters that are merged are on every member's disk, so the base is proved before it is used.
"""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from api.contributing import AbstainedError, mark, mask, require_certainty, write
from api.founding import read_ledger_files
from api.identity import own_member
from api.ledger import read_ledger
from api.locks import home_lock
from api.shared_catalogue import index_items
from api.store.consent import ReleaseRecord
from recommender.network.public_features import public_features
from recommender.release.accounting import epsilon
from recommender.release.due import due_learners
from recommender.release.noise import ExactNoise
from recommender.statistics.sequences import Sequences, build_sequences
from swarm.errors import SwarmError
from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.rounds import compute_training
from swarm.merge.updates import network_digest
from swarm.storage.models import load_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from api.contributing import RoundTask
    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.interactions import Interactions
    from recommender.network.encoder import SequenceEncoder
    from recommender.release.manifest import Manifest
    from recommender.release.training import Training
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger

NEEDED = ("torch", "opacus")


@dataclass(frozen=True, slots=True)
class _Ground:
    """What all members have alike: the same network for everybody."""

    genesis: Genesis
    manifest: Manifest
    training: Training
    keys: tuple[str, ...]
    ledger: Ledger
    began: int


def contribute_update(home: Home, settings: Settings, store: Store, task: RoundTask) -> Path:
    """Make this platform's update of the network for a round, once for each base.

    Args:
        home: The platform's home, member of a swarm that trains a network.
        settings: Its settings.
        store: Its store.
        task: The round.

    Returns:
        Path of the update; its length depends on the manifest alone (R9).

    Raises:
        AbstainedError: The platform trains nothing, or would spend more than its floor allows.
        FoundingError: The home is in no swarm, or its ledger folder is damaged.
        StoreError: The store failed; nothing was marked, nothing may be sent.
    """
    genesis, manifest, keys = read_ledger_files(home)
    training = _require_willing(settings, manifest)
    ledger = read_ledger(home)
    began = compute_training(genesis, ledger, task.round)
    if began is None:
        raise AbstainedError("this platform's ledger does not have the round yet")
    record = ReleaseRecord(
        genesis.swarm_id.hex(), began, task.attempt, training.rho_training, int(time.time())
    )
    with home_lock(home, "keys", alone=False), home_lock(home, "release", alone=True):
        kept, path = home.update_path(record.swarm, task.base), home.contribution_path(task.round)
        marked = store.released_in(record.swarm, began)
        if marked is not None and _is_whole(kept, training.update_bytes):
            write(path, kept.read_bytes())
            return path
        is_lost = _has_committed(home, ledger, bytes.fromhex(task.base))
        require_certainty(home, store, is_lost=marked is not None and is_lost)
        ground = _Ground(genesis, manifest, training, keys, ledger, began)
        network = _build(home, task.base, ground)  # before anything is spent
        interactions = store.training_interactions("share")
        head = index_items(interactions.item_ids, store.catalogue(), keys)
        if marked is None:
            due = due_learners(interactions, head, manifest, task.as_of)
            marked = mark(home, store, interactions, due, record)
        histories = _histories(interactions, head, manifest, mask(interactions, marked))
        update = _train(network, histories, training)
        write(kept, update)
        write(path, update)
    return path


def _require_willing(settings: Settings, manifest: Manifest) -> Training:
    if settings.share == "off":
        raise AbstainedError("this platform shares nothing at present")
    if not settings.swarm.train_network or manifest.training is None:
        raise AbstainedError("this platform trains no network")
    if any(find_spec(name) is None for name in NEEDED):
        raise AbstainedError("torch and opacus are not installed on this platform")
    spent = epsilon(manifest.training.rho_training, manifest.delta_fraction)
    if spent > settings.swarm.max_epsilon:  # the platform's own floor (R15)
        raise AbstainedError("the swarm's noise is below this platform's own floor (R15)")
    return manifest.training


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _has_committed(home: Home, ledger: Ledger, base: bytes) -> bool:
    """Whether the ledger has an update of ours on this base: a second would spend again (R13)."""
    origin = ledger.roster.origin  # under an earlier key, too
    mine = origin(own_member(home))
    return any(
        entry.kind == PARAMETERS
        and entry.opening.base == base
        and mine in {origin(who) for who in entry.commits}
        for entry in ledger.rounds
    )


def _histories(
    interactions: Interactions,
    head: NDArray[np.int32],
    manifest: Manifest,
    chosen: NDArray[np.bool_],
) -> Sequences:
    """Histories of the chosen learners over the shared catalogue, oldest first."""
    whole = build_sequences(interactions, manifest.verbs)
    place = head[whole.items]
    kept = np.concatenate([[0], np.cumsum(place >= 0)])
    shared = Sequences(kept[whole.start].astype(np.int64), place[place >= 0])
    return shared.select(np.flatnonzero(chosen))


def _load(home: Home, digest: bytes, names: tuple[str, ...]) -> dict[str, NDArray[np.int64]]:
    try:
        return load_model(home.models_dir, digest, names)
    except SwarmError as error:
        raise AbstainedError("a merged model is missing on this platform's disk") from error


def _read_base(home: Home, base: str, manifest_digest: bytes) -> NDArray[np.int64] | None:
    """Merged parameters to start from, proved; None before the first merge."""
    if not base:
        return None
    digest = bytes.fromhex(base)
    arrays = _load(home, digest, ("parameters", "rest", "sum"))
    if network_digest(manifest_digest, arrays) != digest:
        raise AbstainedError("the merged parameters on this platform's disk are damaged")
    return arrays["parameters"]


def _read_popularity(home: Home, ground: _Ground) -> NDArray[np.float32] | None:
    """Popularity by the statistics that were merged when the training began; None before any.

    By the ledger, so that all members begin a training alike; they are released, so it is free.
    """
    from recommender.network.update import log_popularity  # noqa: PLC0415 - torch is an extra

    merged = [
        entry
        for entry in ground.ledger.rounds
        if entry.outcome == "merged"
        and entry.kind != PARAMETERS
        and entry.opening.round < ground.began
    ]
    if not merged:
        return None
    arrays = _load(home, merged[-1].digest, ("rest", "sum"))
    contributions = sum(len(entry.included) for entry in merged)
    return log_popularity(arrays["sum"], arrays["rest"], contributions, ground.manifest)


def _features(catalogue: bytes, keys: tuple[str, ...]) -> NDArray[np.float32]:
    rows = csv.DictReader(io.StringIO(catalogue.decode("utf-8"), newline=""))
    texts = [f"{row.get('title') or ''} {row.get('description') or ''}" for row in rows]
    return public_features(keys, texts)


def _build(home: Home, base: str, ground: _Ground) -> SequenceEncoder:
    """The network at merged parameters, as every member of the swarm has it."""
    from recommender.network.update import build_network  # noqa: PLC0415 - torch is an extra

    digest = ground.genesis.manifest_digest
    return build_network(
        ground.training,
        _features(home.shared_catalogue_path.read_bytes(), ground.keys),
        digest,
        _read_base(home, base, digest),
        _read_popularity(home, ground),
    )


def _train(network: SequenceEncoder, histories: Sequences, training: Training) -> bytes:
    from recommender.network.private import SecureChance, train_steps  # noqa: PLC0415 - slow
    from recommender.network.update import (  # noqa: PLC0415 - torch is an extra
        encode_update,
        read_parameters,
    )

    before = read_parameters(network)
    train_steps(network, histories, training, ExactNoise(), SecureChance())
    return encode_update(before, read_parameters(network), training)
