"""The bytes a platform sends: noised sums as headerless little-endian int32.

Un-noised integers exist in the contributing process only (R11): they come in as an array and
leave with noise in every cell, zero or not (R9), at a length that the manifest alone decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import ReleaseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.release.manifest import Manifest
    from recommender.release.noise import NoiseSource

_INT32 = np.iinfo(np.int32)


def make_contribution(sums: NDArray[np.int64], manifest: Manifest, noise: NoiseSource) -> bytes:
    """Add noise to every cell and give the bytes that may leave.

    Call it only after the spend record is on disk (R11), and once: drawing again spends again
    (R13).

    Args:
        sums: What `sum_vectors` gave; int64, `(manifest.cells,)`.
        manifest: The public constants.
        noise: `ExactNoise` for a release.

    Returns:
        `4 * manifest.cells` bytes, blocks in manifest order.

    Raises:
        ReleaseError: `sums` has another length, or a cell does not fit int32.
    """
    if sums.shape != (manifest.cells,):
        raise ReleaseError(f"sums have shape {sums.shape}, expected ({manifest.cells},)")
    noised = sums + noise.draw(manifest.cells, manifest.sigma_squared)
    outside = np.count_nonzero((noised < _INT32.min) | (noised > _INT32.max))
    if outside:
        # Which cells, and how large, stays here: the message may reach a log.
        raise ReleaseError(
            f"{outside} of {manifest.cells} cells do not fit 32 bits; "
            "the platform has too many learners for this manifest's scale"
        )
    return noised.astype("<i4").tobytes()


def read_contribution(data: bytes, manifest: Manifest) -> NDArray[np.int32]:
    """Read a contribution's cells.

    Args:
        data: Bytes of unknown origin.
        manifest: The public constants.

    Returns:
        int32, `(manifest.cells,)`.

    Raises:
        ReleaseError: The length is not the manifest's.
    """
    if len(data) != 4 * manifest.cells:
        raise ReleaseError(
            f"a contribution is {len(data)} bytes long, expected {4 * manifest.cells}"
        )
    return np.frombuffer(data, dtype="<i4").astype(np.int32)
