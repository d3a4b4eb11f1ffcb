"""Once in a lifetime, whatever happens at home: kills, other names."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from api import contributing, people
from api.contributing import AbstainedError
from api.home import (
    NEXT_PSEUDONYM_KEY,
    PSEUDONYM_KEY,
    Home,
    KeyFileError,
)
from api.locks import HomeBusyError, home_lock
from api.people import (
    RenamingError,
    declare_all_released,
    pseudonymiser_of,
    rotate_pseudonym_key,
)
from api.reconciling import OTHER_KEY
from api.spend_log import read_spend
from api.store.marks import NAMED
from api.store.opening import open_store
from api.store.tables import metadata
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from tests.unit.api.releasing import (
    NEXT,
    TASK,
    enrol,
    home,
    in_round,
    killed_in,
    release,
    store,
)

if TYPE_CHECKING:
    from api.store.store import Store

__all__ = ["home", "store"]  # fixtures

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
