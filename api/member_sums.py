"""What each member has contributed, for estimating at home: open mode only.

HEAD's `sum` and `rest` are what the swarm agrees on; every blob behind them lies at every member,
so that a home can hold each member to its share by itself (R23: what a platform serves is its own
choice; R34).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from api.errors import ApiError
from recommender.release.contribution import read_contribution
from recommender.statistics.member_view import MemberView
from recommender.statistics.merged import MergedSums
from recommender.statistics.shares import FEWEST, MemberSums
from swarm.errors import StorageError
from swarm.ledger.genesis import BRACKETS
from swarm.storage.blobs import BlobStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from api.home import Home
    from recommender.release.manifest import Manifest
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger


class FitError(ApiError):
    """HEAD, or something that it stands on, cannot be trusted; SERVING stays as it was."""


def read_merged(
    ledger: Ledger, manifest: Manifest, arrays: Mapping[str, NDArray[np.int64]], home: Home, me: str
) -> MergedSums:
    """HEAD as this platform sees it, each other member held to its share where that can be done.

    Where another member's blob is missing until the peer has fetched it again, and between two,
    R34's cap is all there is (`MergedSums.others` is None).

    Args:
        ledger: As it was when HEAD moved.
        manifest: What the cells are.
        arrays: HEAD's `sum` and `rest`.
        home: Whose blobs are read.
        me: This platform's member id, its present key or an earlier one.

    Raises:
        FitError: The contributions do not add up to HEAD.
        StorageError: An own blob is missing or damaged.
    """
    mine, store = ledger.roster.origin(me), BlobStore(home.blobs_dir)
    own = ledger.accepted.get(mine, ())
    if manifest.mode == "open" and len(ledger.accepted) >= FEWEST:
        try:
            return read_view(ledger, manifest, arrays, home).seen_by(row_of(ledger, me))
        except StorageError:  # an own blob is read again below, and must be there
            pass
    others = sum(len(blobs) for blobs in ledger.accepted.values()) - len(own)
    return MergedSums(
        manifest,
        arrays["sum"],
        arrays["rest"],
        _sum_blobs(own, manifest, store) if own else None,
        others_variance=float(others * manifest.sigma_squared),
        own_variance=float(len(own) * manifest.sigma_squared),
    )


def read_view(
    ledger: Ledger, manifest: Manifest, arrays: Mapping[str, NDArray[np.int64]], home: Home
) -> MemberView:
    """Every member's contributions behind HEAD, each held to its share; open mode only.

    Args:
        ledger: As it was when HEAD moved.
        manifest: What the cells are.
        arrays: HEAD's `sum` and `rest`.
        home: Whose blobs are read.

    Raises:
        FitError: The contributions do not add up to HEAD.
        StorageError: A blob is missing or damaged; the peer fetches it again.
    """
    members = read_member_sums(ledger, manifest, BlobStore(home.blobs_dir))
    if not np.array_equal(members.cells.sum(axis=0), arrays["sum"]):
        raise FitError(
            f"{home.blobs_dir}: the contributions up to block {ledger.height} do not add up to "
            "HEAD; restart the peer, which merges again"
        )
    return MemberView.of(members)


def row_of(ledger: Ledger, me: str) -> int | None:
    """A member's row in `read_view`, by its present key or an earlier one; None if it has none."""
    mine, contributors = ledger.roster.origin(me), sorted(ledger.accepted)
    return contributors.index(mine) if mine in contributors else None


def read_member_sums(ledger: Ledger, manifest: Manifest, store: BlobStore) -> MemberSums:
    """All accepted contributions, a row for each member that has any, by its first id.

    Raises:
        StorageError: A blob is missing or damaged; the peer fetches it again.
    """
    members, roster = sorted(ledger.accepted), ledger.roster
    cells = [_sum_blobs(ledger.accepted[member], manifest, store) for member in members]
    counts = np.array([len(ledger.accepted[member]) for member in members], dtype=np.float64)
    return MemberSums(
        manifest,
        np.stack(cells),
        variance=counts * manifest.sigma_squared,
        learners=np.array([_bracket(roster, member) for member in members], dtype=np.int64),
        anchors=np.isin(members, roster.anchor_origins),
    )


def _sum_blobs(blobs: Sequence[bytes], manifest: Manifest, store: BlobStore) -> NDArray[np.int64]:
    total = np.zeros(manifest.cells, dtype=np.int64)
    for blob in blobs:
        total += read_contribution(store.read(blob), manifest)
    return total


def _bracket(roster: Roster, first: str) -> int:
    """The most learners that a member last declared, under whatever key; 0 if none."""
    declared = [
        BRACKETS[member.bracket]
        for member in (*roster.former, *roster.members)
        if roster.origin(member.id) == first
    ]
    return declared[-1] if declared else 0
