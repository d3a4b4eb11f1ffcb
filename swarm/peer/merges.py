"""Merging on disk: blobs in, model folder and digest out. Runs in a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from swarm.errors import LocalProtocolError
from swarm.ledger.kinds import PARAMETERS
from swarm.merge.merge import head_digest, merge
from swarm.merge.updates import merge_updates, network_digest
from swarm.storage.models import save_model

if TYPE_CHECKING:
    from pathlib import Path

    from swarm.events import ComputeMerge
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.roster import Roster
    from swarm.storage.blobs import BlobStore

CARD_SCHEMA = "murmuration.model-card/1"


class _Arrays(Sequence[NDArray[np.int32]]):
    """Contributions that are read one at a time, so that memory does not grow with rounds."""

    def __init__(self, store: BlobStore, blobs: tuple[bytes, ...]) -> None:
        self._store, self._blobs = store, blobs

    def __len__(self) -> int:
        return len(self._blobs)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.int32]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.int32]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.int32] | Sequence[NDArray[np.int32]]:
        if isinstance(index, slice):
            return _Arrays(self._store, self._blobs[index])
        return np.frombuffer(self._store.read(self._blobs[index]), dtype="<i4")


def merge_blobs(order: ComputeMerge, genesis: Roster, store: BlobStore, models: Path) -> bytes:
    """Merge all contributions and store the model; the same bytes at every member.

    Args:
        order: The core's order.
        genesis: As it is now: names the manifest, and all who are or were members.
        store: Where the blobs lie; each is proved as it is read.
        models: Folder of models by digest.

    Returns:
        The model's digest (R34).

    Raises:
        BlobDamagedError: A blob does not match its name any more.
        StorageError: The disk refused.
    """
    if order.updates:
        return _merge_network(order, genesis, store, models)
    contributions = {member: _Arrays(store, blobs) for member, blobs in order.contributions}
    total, rest = merge(contributions, order.anchors)
    digest = head_digest(genesis.manifest_digest, total, rest)
    card = {
        **_card(order, genesis, digest),
        "arrays": {
            "sum": "sum over members of all accepted contributions; int64 grid units, noised",
            "rest": "sum without the largest contribution to the cell by a member that is no "
            "anchor; estimates use at most 2 max(rest, 0) of a cell (R34)",
        },
        "rho_per_contribution": list(genesis.rho),
        "contributions": [
            {
                "member": member,
                "name": genesis.names[member],
                "anchor": member in order.anchors,
                "blobs": [blob.hex() for blob in blobs],
            }
            for member, blobs in order.contributions
        ],
    }
    save_model(models, digest, {"sum": total, "rest": rest}, card)
    return digest


def _card(order: ComputeMerge, genesis: Genesis, digest: bytes) -> dict[str, Any]:
    """What the cards of all kinds say."""
    return {
        "schema": CARD_SCHEMA,
        "digest": digest.hex(),
        "swarm": genesis.swarm_id.hex(),
        "swarm_name": genesis.name,
        "manifest": genesis.manifest_digest.hex(),
        "catalogue": genesis.catalogue_digest.hex(),
        "round": order.round,
        "attempt": order.attempt,
    }


def _merge_network(order: ComputeMerge, genesis: Roster, store: BlobStore, models: Path) -> bytes:
    """Merge the updates of all merged rounds, one round in memory at a time."""
    updates = genesis.updates
    if updates is None:
        raise LocalProtocolError("updates to merge in a swarm that trains no network")
    rounds = (
        {member: np.frombuffer(store.read(blob), dtype="<i4") for member, blob in merged}
        for merged in order.updates
    )
    merged = merge_updates(rounds, order.anchors, updates.entry, updates.norm)
    digest = network_digest(genesis.manifest_digest, merged)
    card = {
        **_card(order, genesis, digest),
        "kind": PARAMETERS,
        "arrays": {
            "parameters": "of the network, less its initial values, in fixed point; int64, noised",
            "sum": "sum over rounds and members of all updates within their bounds",
            "rest": "sum without the largest update of a coordinate in each round by a member that "
            "is no anchor; that one counts for at most as much (R34)",
        },
        "rho_per_contribution": list(updates.terms.rho),
        "rounds_per_training": updates.rounds,
        "updates": [
            [
                {"member": member, "name": genesis.names[member], "blob": blob.hex()}
                for member, blob in merged
            ]
            for merged in order.updates
        ],
    }
    save_model(models, digest, merged, card)
    return digest
