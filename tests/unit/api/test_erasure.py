"""What stays of a learner who is erased, and what they can ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from api.home import (
    TOMBSTONE_KEY,
    Home,
    KeyFileError,
)
from api.people import (
    declare_all_released,
    erase,
    export,
    pseudonymiser_of,
    rotate_pseudonym_key,
)
from api.store.recommendations import Recommendation
from tests.unit.api.releasing import (
    ITEMS,
    NEXT,
    TASK,
    enrol,
    home,
    in_round,
    release,
    store,
)

if TYPE_CHECKING:
    from api.store.store import Store

__all__ = ["home", "store"]  # fixtures


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
