"""A network's parameters as fixed-point integers: where they begin, what a round changes.

Merged parameters are integers counted from the network's initial values, which every member draws
for itself from the manifest's digest. A round's update is the change of the parameters in grid
units, cut toward zero and bounded; members' updates are added (see docs/protocol.md, R34).
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from recommender.errors import ReleaseError
from recommender.network.encoder import SequenceEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.release.training import Training


def build_network(
    training: Training,
    features: NDArray[np.float32],
    manifest_digest: bytes,
    merged: NDArray[np.int64] | None = None,
    log_popularity: NDArray[np.float32] | None = None,
) -> SequenceEncoder:
    """The network at merged parameters.

    Args:
        training: The public constants.
        features: Of the shared catalogue; float32, `(items, features)`.
        manifest_digest: Decides the initial values.
        merged: Merged parameters in grid units; int64, `(parameters,)`. None before the first
            merge.
        log_popularity: Of released statistics, see `log_popularity`; float32, `(items,)`. None
            where nothing was released.

    Raises:
        ReleaseError: `merged` has another length than the network.
    """
    prior = np.zeros(features.shape[0], np.float32) if log_popularity is None else log_popularity
    network = SequenceEncoder(features, prior, width=training.width)
    initial = _initial(network, manifest_digest)
    steps = np.zeros(initial.size, np.int64) if merged is None else merged
    if steps.shape != initial.shape or initial.size != training.parameters:
        raise ReleaseError(
            f"{steps.size} merged parameters and a manifest of {training.parameters}, where the "
            f"network has {initial.size}"
        )
    start = torch.from_numpy((initial + steps / training.grid).astype(np.float32))
    nn.utils.vector_to_parameters(start, network.parameters())
    return network.eval()


def log_popularity(
    total: NDArray[np.int64], rest: NDArray[np.int64], contributions: int, manifest: Manifest
) -> NDArray[np.float32]:
    """What the network begins from: popularity by merged statistics, capped (R34), never zero.

    Args:
        total: Merged sums of all cells; int64, `(cells,)`.
        rest: Without the largest contribution of a member that is no anchor; int64, `(cells,)`.
        contributions: How many are in the merge; each brought its own noise.
        manifest: Names the block and its weight.

    Returns:
        float32, `(items,)`.
    """
    place = manifest.block_slices["popularity"]
    weight = next(block.weight for block in manifest.blocks if block.name == "popularity")
    counts = np.minimum(total[place], 2 * np.maximum(rest[place], 0))
    noise = math.sqrt(contributions * manifest.sigma_squared)
    counts = (np.maximum(counts, 0) + noise) / weight
    log: NDArray[np.float32] = np.log(counts / counts.sum()).astype(np.float32)
    return log


def read_parameters(network: SequenceEncoder) -> NDArray[np.float32]:
    """All learned numbers, in the network's order; float32, `(parameters,)`."""
    vector: NDArray[np.float32] = (
        nn.utils.parameters_to_vector(network.parameters()).detach().numpy()
    )
    return vector.copy()


def encode_update(
    before: NDArray[np.float32], after: NDArray[np.float32], training: Training
) -> bytes:
    """A round's update: the change in grid units, bounded, cut toward zero.

    What it is made of was noised before (`recommender.network.private`): bounding costs nothing.

    Args:
        before: Parameters at the start of the round; float32, `(parameters,)`.
        after: And at its end.
        training: Grid and bounds.

    Returns:
        int32, little-endian, `4 * parameters` bytes.
    """
    change = (after.astype(np.float64) - before) * training.grid
    change = np.clip(np.nan_to_num(change), -training.entry, training.entry)
    length = float(np.linalg.norm(change))
    if length > training.norm:
        change *= training.norm / length
    return np.trunc(change).astype("<i4").tobytes()


def _initial(network: SequenceEncoder, manifest_digest: bytes) -> NDArray[np.float64]:
    """Initial values: 1 for scales of norms, 0 for biases, else uniform by fan-in.

    Integers of SHAKE-256, so that they are the same with every version of every library.
    """
    sizes = [parameter.numel() for parameter in network.parameters()]
    drawn = hashlib.shake_256(b"parameters/1" + manifest_digest).digest(8 * sum(sizes))
    uniform = np.frombuffer(drawn, dtype="<u8").astype(np.float64) / 2**63 - 1.0
    parts: list[NDArray[np.float64]] = []
    for name, parameter in network.named_parameters():
        begin = sum(part.size for part in parts)
        part = uniform[begin : begin + parameter.numel()].copy()
        if name.endswith("bias"):
            part[:] = 0.0
        elif parameter.dim() == 1:
            part[:] = 1.0
        else:
            part *= math.sqrt(1.0 / parameter.shape[1])
        parts.append(part)
    return np.concatenate(parts)
