"""From the store to a noised contribution: what the peer's child does for a round.

The order at home is the rule (R3, R11, R13, R26):

1. a contribution to this round of this swarm that lies on disk is re-used byte for byte and
   spends nothing;
2. nothing is released while it is not certain who has been released before: after a restore,
   with another pseudonym key, or where spend log, marks and ledger differ (R3);
3. spend log and released marks are durable;
4. noise is drawn, in this process;
5. `rounds/N/contribution.bin` is fsynced and renamed.

Killed between 3 and 5, nothing has left: a rerun takes the very learners that were marked for
this round, and draws noise for the first time that anybody sees. Were the file lost after the
ledger has taken our commit, a rerun abstains: drawing again would spend again. Sums without noise
live in this process only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from api.errors import ApiError
from api.founding import read_ledger_files
from api.locks import home_lock
from api.people import buried
from api.reconciling import read_own_commits, why_uncertain
from api.shared_catalogue import index_items
from api.spend_log import append_spend
from api.store.consent import ReleaseRecord
from recommender.release.accounting import epsilon
from recommender.release.contribution import make_contribution
from recommender.release.due import due_learners
from recommender.release.noise import ExactNoise
from recommender.release.sum import sum_vectors
from swarm.storage.files import atomic_write, sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.interactions import Interactions


class AbstainedError(ApiError):
    """This platform does not contribute to the round; the message is the public reason."""


@dataclass(frozen=True, slots=True)
class RoundTask:
    """The round to contribute to.

    Attributes:
        round: Its number.
        attempt: Its attempt; both attempts send the same bytes (R13).
        as_of: Its date, which decides who is due (R2).
        base: Digest, hex, of the merged parameters that a training round starts from.
    """

    round: int
    attempt: int
    as_of: date
    base: str = ""


def contribute(home: Home, settings: Settings, store: Store, task: RoundTask) -> Path:
    """Make this platform's contribution to a round, once.

    Args:
        home: The platform's home, member of a swarm.
        settings: Its settings.
        store: Its store.
        task: The round.

    Returns:
        Path of the contribution; its length depends on the manifest alone (R9, R21).

    Raises:
        AbstainedError: The platform shares nothing, or would share more than its floor allows.
        FoundingError: The home is in no swarm, or its ledger folder is damaged.
        StoreError: The store failed; nothing was marked, nothing may be sent.
    """
    if settings.share == "off":
        raise AbstainedError("this platform shares nothing at present")
    genesis, manifest, keys = read_ledger_files(home)
    spent = epsilon(manifest.rho, manifest.delta_fraction)
    if spent > settings.swarm.max_epsilon:  # the platform's own floor (R15)
        raise AbstainedError("the swarm's noise is below this platform's own floor (R15)")
    record = ReleaseRecord(
        genesis.swarm_id.hex(), task.round, task.attempt, manifest.rho, int(time.time())
    )
    with home_lock(home, "keys", alone=False), home_lock(home, "release", alone=True):
        path = home.contribution_path(task.round)
        marked = store.released_in(record.swarm, record.round)
        if marked is not None and _is_whole(path, genesis.contribution_bytes):
            return path
        is_known = (record.swarm, record.round) in read_own_commits(home)
        require_certainty(home, store, is_lost=marked is not None and is_known)
        interactions = store.training_interactions("share")
        head = index_items(interactions.item_ids, store.catalogue(), keys)
        if marked is None:
            due = due_learners(interactions, head, manifest, task.as_of)
            marked = mark(home, store, interactions, due, record)
        # Else an earlier run died after marking and before anything could leave: the same ones.
        learners = mask(interactions, marked)
        sums = sum_vectors(interactions, head, manifest, genesis.manifest_digest, learners)
        write(path, make_contribution(sums, manifest, ExactNoise()))
    return path


def mask(interactions: Interactions, names: Collection[str]) -> NDArray[np.bool_]:
    """Which learners have these names; bool, `(learners,)`."""
    return np.array([name in names for name in interactions.learner_ids], dtype=np.bool_)


def require_certainty(home: Home, store: Store, *, is_lost: bool) -> None:
    """Abstain where it is not certain who was released before, or what has left (R3, R13).

    Args:
        home: The home.
        store: Its store.
        is_lost: Whether a contribution is on the ledger and no longer on disk.

    Raises:
        AbstainedError: It is not; the message is the public reason.
    """
    reason = why_uncertain(home, store)
    if reason is not None:
        raise AbstainedError(reason)
    if is_lost:
        raise AbstainedError("this platform's contribution to the round is lost; none is redrawn")


def _is_whole(path: Path, size: int) -> bool:
    # The rename came last, so a file that is there is whole; another size is another manifest's.
    return path.is_file() and path.stat().st_size == size


def mark(
    home: Home,
    store: Store,
    interactions: Interactions,
    due: NDArray[np.bool_],
    record: ReleaseRecord,
) -> frozenset[str]:
    """Choose who is in this release (R2); spend log and marks are durable on return.

    Args:
        home: The home.
        store: Its store.
        interactions: Of all who may be shared.
        due: Who is due by the round's date; bool, `(learners,)`.
        record: What is spent of each.

    Returns:
        Pseudonyms of the chosen.
    """
    first = np.full(due.size, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first, interactions.learner, interactions.timestamp)
    due = due & (first >= store.released_before())
    names = frozenset(interactions.learner_ids[index] for index in np.flatnonzero(due))
    chosen = names - store.released()
    chosen -= buried(home, store, chosen)
    append_spend(home, record)  # first: a crash in between overstates what was spent
    store.mark_released(chosen, record)
    return chosen


def write(path: Path, data: bytes) -> None:
    """Put a contribution where the peer looks for it: whole, on disk, and private to us."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(path, data, mode=0o600)
    sync_folder(path.parent.parent)
