"""The merge of a network's updates: bounded, capped, added, round by round, in integers (P7).

Parameters are counted from the network's initial values, which every member computes for itself,
so that the vector begins at zero. In each merged round, in fixed point:

- Each member's update is cut to the entry bound, then, if it is longer than the norm bound, scaled
  down to it, toward zero. Updates are added, never weighted by a size that a member declares (R14):
  members train with one step length and one divisor, so that whoever has more learners moves more.
- R34's cap, coordinate by coordinate: of the members that are no anchors, the update of largest
  magnitude counts for at most as much as all others together, `rest`, with its own sign. So one
  member can at most double what the others want, and can stop it, but not turn it round.
- `parameters` is the sum of what counts over all merged rounds; `sum` and `rest` are kept beside
  it, so that everybody sees how much was held back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from swarm.codec import digest
from swarm.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

_CHUNK = 1 << 14
"""Entries whose squares, each at most 2^48, are summed in int64 at a time."""


def bound_update(update: NDArray[np.int32], entry: int, norm: int) -> NDArray[np.int64]:
    """An update within its bounds.

    Args:
        update: int32, `(parameters,)`.
        entry: Largest magnitude of an entry, at most 2^24.
        norm: Largest L2 norm, at most 2^30.

    Returns:
        int64, `(parameters,)`; equal to `update` if that keeps both bounds.
    """
    cut = np.clip(update.astype(np.int64), -entry, entry)
    parts = (cut[at : at + _CHUNK] for at in range(0, cut.size, _CHUNK))
    squares = sum(int(part @ part) for part in parts)
    if squares <= norm * norm:
        return cut
    length = math.isqrt(squares - 1) + 1  # rounded up
    scaled: NDArray[np.int64] = np.sign(cut) * (np.abs(cut) * norm // length)
    return scaled


def merge_updates(
    rounds: Iterable[Mapping[str, NDArray[np.int32]]],
    anchors: Collection[str],
    entry: int,
    norm: int,
) -> dict[str, NDArray[np.int64]]:
    """Merge the updates of all merged rounds.

    Args:
        rounds: Oldest first; for each member of the round its update, int32, `(parameters,)`.
        anchors: Members exempt from the cap.
        entry: See `bound_update`.
        norm: See `bound_update`.

    Returns:
        `parameters`, `sum` and `rest`; int64, `(parameters,)`.

    Raises:
        LocalProtocolError: No update at all, or two of different length.
    """
    merged: dict[str, NDArray[np.int64]] = {}
    for updates in rounds:
        bounded = {who: bound_update(updates[who], entry, norm) for who in sorted(updates)}
        for name, part in _merge_round(bounded, anchors).items():
            if name in merged and part.shape != merged[name].shape:
                raise LocalProtocolError("updates of different length")
            merged[name] = merged[name] + part if name in merged else part
    if not merged:
        raise LocalProtocolError("a merge of nothing: a CloseSet has at least one update")
    return merged


def _merge_round(
    updates: Mapping[str, NDArray[np.int64]], anchors: Collection[str]
) -> dict[str, NDArray[np.int64]]:
    if len({update.shape for update in updates.values()}) != 1:
        raise LocalProtocolError("updates of different length, or none")
    total = np.sum(list(updates.values()), axis=0)
    largest = np.zeros_like(total)
    for who in sorted(updates):
        if who not in anchors:
            largest = np.where(np.abs(updates[who]) > np.abs(largest), updates[who], largest)
    rest = total - largest
    counted = rest + np.clip(largest, -np.abs(rest), np.abs(rest))
    return {"parameters": counted, "sum": total, "rest": rest}


def network_digest(manifest_digest: bytes, merged: Mapping[str, NDArray[np.int64]]) -> bytes:
    """Digest of merged parameters: never that of statistics, whose bytes have no such name (R34).

    SHA-256 over the manifest digest, `parameters/1`, and `parameters`, `sum` and `rest`, each
    number little-endian int64.
    """
    arrays = b"".join(
        merged[name].astype("<i8").tobytes() for name in ("parameters", "sum", "rest")
    )
    return digest(manifest_digest + b"parameters/1" + arrays)
