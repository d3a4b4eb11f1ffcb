"""Is it certain who has been released? Spend log, marks and every ledger known must agree (R3).

The maximum wins: what any of them says was spent is spent. Where a ledger or the spend log
knows of a release whose marks are gone, nobody can tell who was in it, so everybody known until
now counts as released. That is lost reach, never a broken promise.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from api.errors import ApiError
from api.identity import own_member
from api.ledger import read_ledger
from api.locks import home_lock
from api.people import key_number, pseudonymiser_of
from api.spend_log import append_spend, read_spend
from api.store.consent import ReleaseRecord
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import read_genesis
from swarm.ledger.rounds import compute_training

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.home import Home
    from api.store.store import Store
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger

    Place = tuple[str, int]
    """Swarm id, hex, and round."""

RESTORED = "this platform was restored from a backup and has not reconciled its spend log (R3)"
DIFFERENT = "this platform's record of its releases does not agree with the ledger (R3)"
OTHER_KEY = "this platform's pseudonym key is not the one its released marks were made with (R3)"


class ReconcilingError(ApiError):
    """What has been spent cannot be established yet."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Where spend log, marks and ledgers differ.

    Attributes:
        unlogged: Releases that the spend log lacks.
        unmarked: Releases whose marks the store lacks.
    """

    unlogged: tuple[ReleaseRecord, ...]
    unmarked: tuple[ReleaseRecord, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.unlogged or self.unmarked)


def read_own_commits(home: Home) -> Mapping[Place, ReleaseRecord]:
    """What this member committed to, by the ledger in the home."""
    return _commits(home, _genesis_of(home), read_ledger(home))


def why_uncertain(home: Home, store: Store) -> str | None:
    """Why nothing may be released now; None if all is certain. The reason is fit to be public."""
    if home.restored_path.exists():
        return RESTORED
    number = key_number(pseudonymiser_of(home))
    known = store.pseudonym_key()
    if known is None:
        store.set_pseudonym_key(number)
    elif known != number:
        return OTHER_KEY
    return DIFFERENT if find_gaps(home, store, [read_own_commits(home)]) else None


def find_gaps(home: Home, store: Store, ledgers: Iterable[Mapping[Place, ReleaseRecord]]) -> Gaps:
    """Compare everything that says what was spent.

    A line of the spend log without marks is no gap where the swarm's ledger shows no commit: an
    earlier run died in between, and nothing has left.

    Args:
        home: The home, for its spend log.
        store: Its store.
        ledgers: Own commits by each ledger known.
    """
    committed: dict[Place, ReleaseRecord] = {}
    covered: set[str] = set()
    for ledger in ledgers:
        committed |= ledger
        covered |= {swarm for swarm, _ in ledger}
    if home.genesis_path.exists():
        covered.add(_swarm_of(home))  # its ledger is among them, with or without a commit of ours
    marked = {(record.swarm, record.round): record for record in store.releases()}
    logged = {(record.swarm, record.round): record for record in read_spend(home)}
    elsewhere = {place: log for place, log in logged.items() if place[0] not in covered}
    return Gaps(
        unlogged=tuple(r for place, r in (marked | committed).items() if place not in logged),
        unmarked=tuple(r for place, r in (elsewhere | committed).items() if place not in marked),
    )


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What reconciling changed.

    Attributes:
        logged: Releases added to the spend log.
        lost: Releases whose marks were lost; if any, everybody known counts as released now.
    """

    logged: int
    lost: int


def reconcile(home: Home, store: Store, exports: Iterable[bytes] = ()) -> Reconciled:
    """Bring spend log, marks and ledgers together; after it the home may release again.

    Args:
        home: The home.
        store: Its store.
        exports: Ledgers as other members or swarms exported them.

    Raises:
        ReconcilingError: The home was restored and no ledger of its swarm is known to be current.
        LedgerError: An export does not verify.
    """
    reports = [verify_export(data) for data in exports]
    ledgers = [_commits(home, report.genesis, report.ledger) for report in reports]
    heights = {report.genesis.swarm_id.hex(): report.ledger.height for report in reports}
    with home_lock(home, "release", alone=True):
        if home.genesis_path.exists():
            own = read_ledger(home)
            ledgers.append(_commits(home, _genesis_of(home), own))
            if home.restored_path.exists() and heights.get(_swarm_of(home), -1) < own.height:
                _require_current(home)
        gaps = find_gaps(home, store, ledgers)
        for record in gaps.unlogged:
            append_spend(home, record)
        if gaps.unmarked:
            store.declare_released(int(time.time()))
        for record in gaps.unmarked:
            append_spend(home, record)
            store.mark_released((), record)
        home.restored_path.unlink(missing_ok=True)
    return Reconciled(len(gaps.unlogged), len(gaps.unmarked))


def _require_current(home: Home) -> None:
    """The peer must have caught up with the others since the restore."""
    restored_at = float(json.loads(home.restored_path.read_bytes())["restored_at"])
    try:
        status = json.loads(home.status_path.read_bytes())
        written = datetime.fromisoformat(status["updated_at"]).astimezone(UTC).timestamp()
        connected = 1 + sum(bool(member["connected"]) for member in status["members"])
        is_current = (
            written > restored_at and status["state"] != "behind" and connected >= status["quorum"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        is_current = False
    if not is_current:
        raise ReconcilingError(
            f"{home.path} was restored, and its ledger may be as old as the backup. Start "
            "`murmuration peer --restored`, wait until `murmuration swarm status` shows members "
            "connected and nothing behind, and run this again; or give a ledger that another "
            "member exported today: murmuration swarm reconcile --ledger FILE"
        )


def _genesis_of(home: Home) -> Genesis:
    return read_genesis(home.genesis_path.read_bytes())[0]


def _swarm_of(home: Home) -> str:
    return _genesis_of(home).swarm_id.hex()


def _commits(home: Home, genesis: Genesis, ledger: Ledger) -> dict[Place, ReleaseRecord]:
    """Own releases; a training counts once and whole, as of the round that began it (R2)."""
    swarm, roster = genesis.swarm_id.hex(), ledger.roster
    mine = roster.origin(own_member(home))
    found: dict[Place, ReleaseRecord] = {}
    for attempt in ledger.rounds:
        # Under an earlier key, too: what was released then was released.
        own = [commit for who, commit in attempt.commits.items() if roster.origin(who) == mine]
        if not own:
            continue
        commit = own[0]
        rho, number = Fraction(*commit.rho), commit.round
        began = compute_training(genesis, ledger, number)
        if began is not None and genesis.updates is not None:
            number, rho = began, rho * genesis.updates.rounds
        at = int(time.time())
        found.setdefault((swarm, number), ReleaseRecord(swarm, number, commit.attempt, rho, at))
    return found
