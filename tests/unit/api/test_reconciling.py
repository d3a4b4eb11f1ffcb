"""Once in a lifetime, whatever happens to the disk and to the swarm."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from api import reconciling
from api.contributing import AbstainedError
from api.founding import Founding, join
from api.home import (
    IDENTITY_KEY,
    Home,
)
from api.people import (
    pseudonymiser_of,
)
from api.reconciling import DIFFERENT, RESTORED, ReconcilingError, reconcile
from api.spend_log import read_spend
from api.store.consent import ReleaseRecord
from api.store.opening import open_store
from swarm.ledger.genesis import Genesis, create_genesis, make_request, read_request
from swarm.ledger.kinds import Terms, Updates
from swarm.ledger.rounds import Ledger, Round, empty_ledger
from swarm.ledger.transactions import Commit, RoundOpen
from swarm.signing import NO_SWARM, Ed25519Signer
from tests.unit.api.releasing import (
    NEXT,
    enrol,
    home,
    in_round,
    release,
    store,
)
from tests.unit.api.test_founding import SEEDS, founding, signed

if TYPE_CHECKING:
    from api.store.store import Store

__all__ = ["home", "store"]  # fixtures


def test_after_a_restore_nothing_is_released_until_the_log_is_reconciled(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana")
    home.restored_path.write_text('{"restored_at": 1}')
    with pytest.raises(AbstainedError) as refused:
        release(home, store)
    assert str(refused.value) == RESTORED
    with pytest.raises(ReconcilingError, match="as old as the backup"):
        reconcile(home, store)
    assert home.restored_path.exists()


def test_a_release_that_the_restored_store_has_forgotten_spends_everybody(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(home, store, "ana")
    old = home.path.parent / "old"
    shutil.copytree(home.path, old)
    enrol(home, store, "ben")
    release(home, store)
    spent = read_spend(home)[0]
    # The disk is lost, the old copy comes back; the ledger knows of round 1.
    restored = Home(old)
    commits = {(spent.swarm, 1): spent}
    monkeypatch.setattr("api.reconciling._commits", lambda *_: commits)
    with open_store(restored) as forgetful:
        enrol(restored, forgetful, "ben")
        with pytest.raises(AbstainedError) as refused:
            release(restored, forgetful, NEXT)
        assert str(refused.value) == DIFFERENT
        done = reconcile(restored, forgetful)
        assert (done.logged, done.lost) == (1, 1)
        release(restored, forgetful, NEXT)
        assert in_round(forgetful, restored, 2) == frozenset()
        assert [entry.round for entry in read_spend(restored)] == [1, 2]
        assert not reconcile(restored, forgetful).lost


def test_a_contribution_that_was_committed_and_lost_is_never_drawn_again(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(home, store, "ana")
    release(home, store)
    commits = {(record.swarm, record.round): record for record in read_spend(home)}
    monkeypatch.setattr("api.reconciling._commits", lambda *_: commits)
    assert release(home, store)  # the bytes are there: sent again, for nothing
    home.contribution_path(1).unlink()
    with pytest.raises(AbstainedError, match="none is redrawn"):
        release(home, store)


def test_a_lost_spend_log_is_written_again_from_the_marks(home: Home, store: Store) -> None:
    enrol(home, store, "ana")
    release(home, store)
    home.spend_path.unlink()
    with pytest.raises(AbstainedError):
        release(home, store, NEXT)
    done = reconcile(home, store)
    assert (done.logged, done.lost) == (1, 0)
    assert [entry.rho for entry in read_spend(home)] == [Fraction(2097152, 6744409)]


def other_founding() -> Founding:
    """A swarm of the same members and the same catalogue, founded later."""
    first = founding()
    genesis, manifest, _ = first.check("test")
    members = [
        read_request(
            make_request(
                seed, name=f"P{i}", addresses=[f"/ip4/127.0.0.1/tcp/{i + 1}"], bracket="< 100"
            )
        )
        for i, seed in enumerate(SEEDS)
    ]
    later = create_genesis(
        members,
        name="later",
        nonce=bytes([1]) * 16,
        manifest_digest=genesis.manifest_digest,
        catalogue_digest=genesis.catalogue_digest,
        rho=genesis.rho,
        contribution_bytes=4 * manifest.cells,
    )
    return Founding(later, first.manifest, first.catalogue)


def test_two_swarms_one_after_the_other_share_one_lifetime(home: Home, store: Store) -> None:
    enrol(home, store, "ana")
    first = release(home, store)
    shutil.rmtree(home.ledger_dir)  # the platform has left
    join(signed(other_founding()), home)
    enrol(home, store, "ben")
    second = release(home, store)
    assert second != first  # round 1 of another swarm never gets the bytes made for this one
    spent = read_spend(home)
    assert len({entry.swarm for entry in spent}) == 2
    assert in_round(store, home, 1) == {pseudonymiser_of(home).pseudonym("ben")}


def test_a_spend_of_another_swarm_whose_marks_are_gone_spends_everybody(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana")
    with home.spend_path.open("w") as file:
        file.write('{"swarm": "aa", "round": 3, "attempt": 1, "rho": [1, 3], "at": 5}\n')
    with pytest.raises(AbstainedError):
        release(home, store)
    assert reconcile(home, store).lost == 1
    release(home, store)
    assert in_round(store, home, 1) == frozenset()
    assert ReleaseRecord("aa", 3, 1, Fraction(1, 3), 5) in store.releases()


def _ledger(genesis: Genesis, *rounds: Round) -> Ledger:
    return replace(empty_ledger(genesis), rounds=rounds)


def test_what_a_member_committed_to_is_read_from_the_ledger(home: Home) -> None:
    me = Ed25519Signer(home.read_key(IDENTITY_KEY), NO_SWARM).member
    opening = RoundOpen(4, 2, "statistics", bytes(32), bytes(32), "2026-01-01", (me,), 60)
    commit = Commit(4, 2, bytes(32), 36, (1, 3))
    with_us = Round(opening, 1, commits={me: commit})
    without = Round(replace(opening, round=5), 2, commits={"somebody else": commit})
    genesis = founding().genesis
    found = reconciling._commits(home, genesis, _ledger(genesis, with_us, without))
    assert [(r.swarm, r.round, r.attempt, r.rho) for r in found.values()] == [
        (genesis.swarm_id.hex(), 4, 2, Fraction(1, 3))
    ]


def test_a_training_counts_once_and_whole_as_of_the_round_that_began_it(home: Home) -> None:
    me = Ed25519Signer(home.read_key(IDENTITY_KEY), NO_SWARM).member
    genesis = replace(founding().genesis, updates=Updates(Terms((1, 12), 8), 3, 9, 9))
    rounds = []
    for number, is_ours in ((4, False), (5, True), (6, True), (7, True)):
        opening = RoundOpen(number, 1, "parameters", b"", bytes(32), "2026-01-01", (me,), 60)
        commit = Commit(number, 1, bytes([number]) * 32, 8, (1, 12))
        commits = {me if is_ours else "somebody else": commit}
        rounds.append(Round(opening, number, commits=commits, outcome="merged"))
    found = reconciling._commits(home, genesis, _ledger(genesis, *rounds))
    assert [(r.round, r.rho) for r in found.values()] == [(4, Fraction(1, 4)), (7, Fraction(1, 4))]
