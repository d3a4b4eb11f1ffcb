"""From the store to a noised contribution: what the peer's child does for a round.

The order at home is the rule (R3, R11, R13, R26):

1. a contribution that lies on disk already is re-used byte for byte and spends nothing;
2. spend log and released marks are durable;
3. noise is drawn, in this process;
4. `rounds/N/contribution.bin` is fsynced and renamed.

Killed between 2 and 4, nothing has left: a rerun takes the very learners that were marked for
this round, and draws noise for the first time that anybody sees. Sums without noise live in this
process only.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from api.errors import ApiError
from api.founding import read_ledger_files
from api.home import atomic_write, sync_folder
from api.shared_catalogue import index_items
from api.store.consent import ReleaseRecord
from recommender.release.accounting import epsilon
from recommender.release.contribution import make_contribution
from recommender.release.due import due_learners
from recommender.release.noise import ExactNoise
from recommender.release.sum import sum_vectors

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.interactions import Interactions


class AbstainedError(ApiError):
    """This platform does not contribute to the round; the message is the public reason."""


class SpendLogError(ApiError):
    """A damaged spend log: nobody knows what was spent, so nothing more may be."""


@dataclass(frozen=True, slots=True)
class RoundTask:
    """The round to contribute to.

    Attributes:
        round: Its number.
        attempt: Its attempt; both attempts send the same bytes (R13).
        as_of: Its date, which decides who is due (R2).
    """

    round: int
    attempt: int
    as_of: date


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
    path = home.contribution_path(task.round)
    if _is_ours(path, genesis.contribution_bytes):
        return path
    interactions = store.training_interactions("share")
    head = index_items(interactions.item_ids, store.catalogue(), keys)
    record = ReleaseRecord(
        genesis.swarm_id.hex(), task.round, task.attempt, manifest.rho, int(time.time())
    )
    marked = store.released_in(record.swarm, record.round)
    if marked is None:
        due = due_learners(interactions, head, manifest, task.as_of)
        marked = _mark(home, store, interactions, due, record)
    # Else an earlier run died after marking and before anything could leave: the same learners.
    learners = np.array([name in marked for name in interactions.learner_ids], dtype=np.bool_)
    sums = sum_vectors(interactions, head, manifest, genesis.manifest_digest, learners)
    _write(path, make_contribution(sums, manifest, ExactNoise()))
    return path


def _is_ours(path: Path, size: int) -> bool:
    # The rename came last, so a file that is there is whole; another size is another manifest's.
    return path.is_file() and path.stat().st_size == size


def _mark(
    home: Home,
    store: Store,
    interactions: Interactions,
    due: NDArray[np.bool_],
    record: ReleaseRecord,
) -> frozenset[str]:
    """Choose who is in this release (R2); spend log and marks are durable on return."""
    names = [interactions.learner_ids[index] for index in np.flatnonzero(due)]
    chosen = frozenset(names) - store.released()
    append_spend(home, record)  # first: a crash in between overstates what was spent
    store.mark_released(chosen, record)
    return chosen


def _write(path: Path, data: bytes) -> None:
    """Put a contribution where the peer looks for it: whole, on disk, and private to us."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(path, data, mode=0o600)
    sync_folder(path.parent.parent)


def append_spend(home: Home, record: ReleaseRecord) -> None:
    """Append a release to the spend log, on disk on return; the log only ever grows (R3).

    A rerun for the same round adds no second line.
    """
    known = {(entry.swarm, entry.round) for entry in read_spend(home)}
    if (record.swarm, record.round) in known:
        return
    with home.spend_path.open("ab") as file:
        file.write(json.dumps(spend_entry(record)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def spend_entry(record: ReleaseRecord) -> dict[str, Any]:
    """One line of the spend log."""
    return {
        "swarm": record.swarm,
        "round": record.round,
        "attempt": record.attempt,
        "rho": [record.rho.numerator, record.rho.denominator],
        "at": record.at,
    }


def read_spend(home: Home) -> list[ReleaseRecord]:
    """Entries of the spend log, oldest first.

    Raises:
        SpendLogError: A line is damaged.
    """
    try:
        lines = home.spend_path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    records = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            entry = json.loads(line)
            entry["rho"] = Fraction(*entry["rho"])
            records.append(ReleaseRecord(**entry))
        except (ValueError, TypeError, KeyError) as error:
            raise SpendLogError(
                f"{home.spend_path}: line {number} is damaged; no release is made until the log "
                "has been restored from a backup (R3)"
            ) from error
    return records
