"""Merging on disk: blobs in, model folder and digest out. Runs in a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from swarm.merge.merge import head_digest, merge
from swarm.storage.models import save_model

if TYPE_CHECKING:
    from pathlib import Path

    from swarm.events import ComputeMerge
    from swarm.ledger.genesis import Genesis
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


def merge_blobs(order: ComputeMerge, genesis: Genesis, store: BlobStore, models: Path) -> bytes:
    """Merge all contributions and store the model; the same bytes at every member.

    Args:
        order: The core's order.
        genesis: Names the members and the manifest.
        store: Where the blobs lie; each is proved as it is read.
        models: Folder of models by digest.

    Returns:
        The model's digest (R34).

    Raises:
        BlobDamagedError: A blob does not match its name any more.
        StorageError: The disk refused.
    """
    contributions = {member: _Arrays(store, blobs) for member, blobs in order.contributions}
    total, rest = merge(contributions, order.anchors)
    digest = head_digest(genesis.manifest_digest, total, rest)
    card = {
        "schema": CARD_SCHEMA,
        "digest": digest.hex(),
        "swarm": genesis.swarm_id.hex(),
        "swarm_name": genesis.name,
        "manifest": genesis.manifest_digest.hex(),
        "catalogue": genesis.catalogue_digest.hex(),
        "round": order.round,
        "attempt": order.attempt,
        "arrays": {
            "sum": "sum over members of all accepted contributions; int64 grid units, noised",
            "rest": "sum without the largest contribution to the cell by a member that is no "
            "anchor; estimates use at most 2 max(rest, 0) of a cell (R34)",
        },
        "rho_per_contribution": list(genesis.rho),
        "contributions": [
            {
                "member": member,
                "name": genesis.by_id[member].name,
                "anchor": member in order.anchors,
                "blobs": [blob.hex() for blob in blobs],
            }
            for member, blobs in order.contributions
        ],
    }
    save_model(models, digest, {"sum": total, "rest": rest}, card)
    return digest
