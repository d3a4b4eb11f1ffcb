"""Once in a lifetime, whatever happens at home: kills, other names, erasure, old disks, swarms."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import pytest

from api import contributing, people, reconciling
from api.contributing import AbstainedError, RoundTask, contribute
from api.founding import Founding, join
from api.home import (
    IDENTITY_KEY,
    NEXT_PSEUDONYM_KEY,
    PSEUDONYM_KEY,
    TOMBSTONE_KEY,
    Home,
    KeyFileError,
)
from api.locks import HomeBusyError, home_lock
from api.people import (
    RenamingError,
    declare_all_released,
    erase,
    export,
    pseudonymiser_of,
    rotate_pseudonym_key,
)
from api.reconciling import DIFFERENT, OTHER_KEY, RESTORED, ReconcilingError, reconcile
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.consent import ReleaseRecord
from api.store.marks import NAMED
from api.store.opening import open_store
from api.store.recommendations import Recommendation
from api.store.tables import metadata
from platform_adapters.contract import Interaction
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from recommender.catalogue import CatalogueItem
from swarm.ledger.genesis import Genesis, create_genesis, make_request, read_request
from swarm.ledger.kinds import Terms, Updates
from swarm.ledger.rounds import Ledger, Round, empty_ledger
from swarm.ledger.transactions import Commit, RoundOpen
from swarm.signing import NO_SWARM, Ed25519Signer
from tests.unit.api.test_founding import SEEDS, founding, signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.store.store import Store

TASK = RoundTask(1, 1, date(2026, 1, 1))
NEXT = replace(TASK, round=2)
ITEMS = ("1", "2", "3")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    place.create('platform = "P0"\nshare = "opt-out"\n')
    join(signed(founding()), place)
    with open_store(place) as store:
        store.upsert_catalogue(
            [
                CatalogueItem(item, title=item, content_key=key)
                for item, key in zip(ITEMS, ("urn:a", "urn:b", "urn:c"), strict=True)
            ]
        )
    return place


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with open_store(home) as opened:
        yield opened


def enrol(home: Home, store: Store, *learners: str, start: int = 1_700_000_000) -> None:
    pseudonymiser = pseudonymiser_of(home)
    store.add_interactions(
        Interaction(
            event_id=str(uuid5(NAMESPACE_URL, f"{learner}/{item}/{start}")),
            learner=pseudonymiser.pseudonym(learner),
            item=item,
            timestamp=start + place,
            order=None,
            verb="viewed",
        )
        for learner in learners
        for place, item in enumerate(ITEMS)
    )


def release(home: Home, store: Store, task: RoundTask = TASK) -> bytes:
    return contribute(home, load_settings(home), store, task).read_bytes()


def in_round(store: Store, home: Home, number: int) -> frozenset[str]:
    swarms = [record.swarm for record in read_spend(home)]
    return store.released_in(swarms[-1], number) or frozenset()


def killed_in(home: Home, module: object, step: str, work) -> None:
    """Run `work` in a process of its own that is killed as `step` of `module` begins."""
    child = os.fork()
    if child == 0:
        setattr(module, step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        with open_store(home) as store:
            work(home, store)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


STEPS = (
    "append_spend",
    "ReleaseRecord",
    "make_contribution",
    "write",
    "sync_folder",
    "atomic_write",
)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_a_rerun_releases_each_learner_once(home: Home, step: str) -> None:
    with open_store(home) as store:
        enrol(home, store, "ana", "ben")
    killed_in(home, contributing, step, release)
    with open_store(home) as store:
        left = home.contribution_path(1)
        first = left.read_bytes() if left.exists() else None
        enrol(home, store, "cleo")
        again = release(home, store)
        assert first is None or again == first
        release(home, store, NEXT)
        assert len(read_spend(home)) == len(store.releases()) == 2
        assert len(in_round(store, home, 1)) + len(in_round(store, home, 2)) == 3


def test_killed_between_spend_log_and_marks_nobody_was_released(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(home) as store:
        enrol(home, store, "ana")

    def work(home: Home, store: Store) -> None:
        type(store).mark_released = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        release(home, store)

    killed_in(home, contributing, "nothing_of_this_name", work)
    with open_store(home) as store:
        assert len(read_spend(home)) == 1
        assert store.releases() == []
        release(home, store, NEXT)  # round 1 was void without us: its line overstates, no more
        assert len(in_round(store, home, 2)) == 1


# Other names


def test_marks_consents_and_logs_follow_their_learner_to_another_pseudonym(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana", "ben")
    before = pseudonymiser_of(home).pseudonym("ana")
    store.set_consent(before, local=False)
    store.log_access(who="designer", what="path", pseudonym=before)
    release(home, store)
    assert rotate_pseudonym_key(home, store) == 2 + 2 + 1 + 1
    after = pseudonymiser_of(home).pseudonym("ana")
    assert after != before
    assert store.released() == {after, pseudonymiser_of(home).pseudonym("ben")}
    assert not store.consent(after).local
    assert store.is_known(after)
    assert not store.is_known(before)
    assert len(store.about(after)["staff_access"]) == 1
    enrol(home, store, "ana", "cleo", start=1_710_000_000)
    release(home, store, NEXT)
    assert in_round(store, home, 2) == {pseudonymiser_of(home).pseudonym("cleo")}


def test_every_table_that_names_learners_is_renamed() -> None:
    naming = {table.name for table in metadata.tables.values() if "pseudonym" in table.c}
    assert naming == {table.name for table in NAMED}


@pytest.mark.parametrize("step", ["Pseudonymiser", "key_number", "sync_folder"])
def test_killed_while_renaming_nothing_goes_on_until_it_is_finished(home: Home, step: str) -> None:
    with open_store(home) as store:
        enrol(home, store, "ana", "ben")
        release(home, store)
    killed_in(home, people, step, rotate_pseudonym_key)
    with open_store(home) as store:
        if home.key_path(NEXT_PSEUDONYM_KEY).exists():
            with pytest.raises(KeyFileError, match="rotate-pseudonym"):
                release(home, store, NEXT)
        rotate_pseudonym_key(home, store)
        enrol(home, store, "ana", "cleo", start=1_710_000_000)
        release(home, store, NEXT)
        assert in_round(store, home, 2) == {pseudonymiser_of(home).pseudonym("cleo")}


def test_names_of_another_key_are_never_renamed(home: Home, store: Store) -> None:
    enrol(home, store, "ana")
    store.set_consent(Pseudonymiser(new_key()).pseudonym("ben"), share=False)
    key = home.read_key(PSEUDONYM_KEY)
    with pytest.raises(RenamingError, match="nothing was changed"):
        rotate_pseudonym_key(home, store)
    assert home.read_key(PSEUDONYM_KEY) == key
    assert store.is_known(pseudonymiser_of(home).pseudonym("ana"))


def test_names_do_not_change_under_a_running_import(home: Home, store: Store) -> None:
    def impatient() -> None:
        with home_lock(home, "keys", alone=True, patience_seconds=0):
            pass

    with home_lock(home, "keys", alone=False):
        with pytest.raises(HomeBusyError, match="stop `serve` and running imports"):
            impatient()
        with home_lock(home, "keys", alone=False):
            pass
    impatient()


def test_a_lost_key_forbids_releases_until_all_are_declared_released(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana")
    release(home, store)
    home.key_path(PSEUDONYM_KEY).unlink()
    with pytest.raises(KeyFileError):
        release(home, store, NEXT)
    home.key_path(PSEUDONYM_KEY).write_bytes(new_key())
    home.key_path(PSEUDONYM_KEY).chmod(0o600)
    enrol(home, store, "ana", "ben")
    with pytest.raises(AbstainedError, match="pseudonym key") as refused:
        release(home, store, NEXT)
    assert str(refused.value) == OTHER_KEY
    declare_all_released(home, store)
    release(home, store, NEXT)
    assert in_round(store, home, 2) == frozenset()


def test_a_key_that_is_gone_is_drawn_anew_when_all_are_declared_released(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana")
    home.key_path(PSEUDONYM_KEY).unlink()
    declare_all_released(home, store)
    later = store.released_before() + 10
    enrol(home, store, "ben", start=later)
    day = datetime.fromtimestamp(later, UTC).date() + timedelta(days=90)
    release(home, store, replace(TASK, as_of=day))
    assert in_round(store, home, 1) == {pseudonymiser_of(home).pseudonym("ben")}


# Erasure


def test_an_erased_learner_who_enrols_again_is_not_released_twice(home: Home, store: Store) -> None:
    enrol(home, store, "ana", "ben")
    release(home, store)
    receipt = erase(home, store, "ana")
    assert receipt.rows["interactions"] == len(ITEMS)
    assert [number for _, number in receipt.rounds] == [1]
    assert "not released a second time" in receipt.sentences[0].replace("\n", " ")
    name = pseudonymiser_of(home).pseudonym("ana")
    assert name not in store.released()
    assert not store.is_known(name)
    rotate_pseudonym_key(home, store)  # the tombstone knows no pseudonym, so it need not follow
    enrol(home, store, "ana", "cleo", start=1_710_000_000)
    release(home, store, NEXT)
    assert in_round(store, home, 2) == {pseudonymiser_of(home).pseudonym("cleo")}


def test_a_home_of_before_tombstones_draws_their_key_once(home: Home, store: Store) -> None:
    key = home.key_path(TOMBSTONE_KEY)
    key.unlink()
    enrol(home, store, "ana", "ben")
    release(home.require(), store)
    erase(home, store, "ana")
    assert home.read_key(TOMBSTONE_KEY)
    key.unlink()
    with pytest.raises(KeyFileError):  # now it is lost: nobody can tell who has come back
        erase(home, store, "ben")
    enrol(home, store, "ana", start=1_710_000_000)
    with pytest.raises(KeyFileError):
        release(home, store, NEXT)


def test_a_learner_whose_release_is_uncertain_is_not_released_after_an_erasure(
    home: Home, store: Store
) -> None:
    enrol(home, store, "ana")
    declare_all_released(home, store)
    later = store.released_before() + 10
    receipt = erase(home, store, "ana")
    assert receipt.rounds == ()
    assert "cannot be told whether" in receipt.sentences[0]
    enrol(home, store, "ana", "ben", start=later)
    assert "in no release" in erase(home, store, "cleo").sentences[0]
    day = datetime.fromtimestamp(later, UTC).date() + timedelta(days=90)
    release(home, store, replace(TASK, as_of=day))
    assert in_round(store, home, 1) == {pseudonymiser_of(home).pseudonym("ben")}


def test_nothing_stays_of_a_learner_who_was_never_released(home: Home, store: Store) -> None:
    enrol(home, store, "ana")
    name = pseudonymiser_of(home).pseudonym("ana")
    store.log_recommendation(Recommendation("r1", name, "m", False, {}, []))
    store.add_feedback(recommendation_id="r1", item="1", kind="opened")
    receipt = erase(home, store, "ana")
    assert receipt.rows["feedback"] == receipt.rows["recommendations"] == 1
    assert "in no release" in receipt.sentences[0]
    assert store.tombstones() == frozenset()
    assert export(home, store, "ana")["interactions"] == []
    assert erase(home, store, "ana").rows["interactions"] == 0


def test_a_learner_gets_everything_that_is_held_on_them(home: Home, store: Store) -> None:
    enrol(home, store, "ana", "ben")
    release(home, store)
    found = export(home, store, "ana")
    assert [row["item"] for row in found["interactions"]] == list(ITEMS)
    assert found["consent"] == {"serve": True, "local": True, "share": True}
    assert [entry["round"] for entry in found["releases"]] == [1]


# Old disks and other swarms


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
