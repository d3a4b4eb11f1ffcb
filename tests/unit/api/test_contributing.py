"""Contributions: once per learner, re-sent byte for byte, and safe to kill at any point."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pytest

import api.contributing as subject
from api.contributing import AbstainedError, RoundTask, contribute
from api.errors import ApiError
from api.founding import join
from api.home import Home
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from platform_adapters.contract import Interaction
from recommender.catalogue import CatalogueItem
from recommender.release.contribution import read_contribution
from recommender.release.manifest import default_manifest
from tests.unit.api.test_founding import founding, signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.settings import Settings
    from api.store.store import Store

TASK = RoundTask(1, 1, date(2026, 1, 1))
ITEMS = ("1", "2", "3")


def visits(learner: str) -> Iterator[Interaction]:
    for place, item in enumerate(ITEMS):
        yield Interaction(
            event_id=str(uuid5(NAMESPACE_URL, f"{learner}/{item}")),
            learner=learner,
            item=item,
            timestamp=1_700_000_000 + place,
            order=None,
            verb="viewed",
        )


def fill(store: Store, learners: int, prefix: str = "lp1_test_") -> None:
    rows = [row for n in range(learners) for row in visits(f"{prefix}{n:04}")]
    store.add_interactions(rows)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    place.create('platform = "P0"\nshare = "opt-out"\n')
    join(signed(founding()), place)
    return place


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_settings(home)


@pytest.fixture
def store(home: Home, settings: Settings) -> Iterator[Store]:
    with open_store(home, settings) as opened:
        keys = ("urn:a", "urn:b", "urn:c")
        opened.upsert_catalogue(
            [
                CatalogueItem(item, title=item, content_key=key)
                for item, key in zip(ITEMS, keys, strict=True)
            ]
        )
        yield opened


def test_a_rerun_sends_the_same_bytes_and_spends_nothing(
    home: Home, settings: Settings, store: Store
) -> None:
    fill(store, 20)
    first = contribute(home, settings, store, TASK).read_bytes()
    again = contribute(home, settings, store, replace(TASK, attempt=2)).read_bytes()
    assert again == first
    assert len(read_spend(home)) == 1
    assert len(store.released()) == 20


def test_a_learner_is_released_once_in_a_lifetime(
    home: Home, settings: Settings, store: Store
) -> None:
    fill(store, 20)
    contribute(home, settings, store, TASK)
    fill(store, 30)  # ten new ones
    contribute(home, settings, store, replace(TASK, round=2))
    assert len(store.released()) == 30
    assert len(store.released_in(read_spend(home)[1].swarm, 2) or ()) == 10


def test_an_empty_store_gives_a_contribution_of_the_same_length(
    home: Home, settings: Settings, store: Store
) -> None:
    empty = contribute(home, settings, store, TASK).stat().st_size
    fill(store, 50)
    assert contribute(home, settings, store, replace(TASK, round=2)).stat().st_size == empty


def test_killed_before_the_noise_the_rerun_takes_the_same_learners(
    home: Home, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 20)

    def dies(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subject, "make_contribution", dies)
        with pytest.raises(KeyboardInterrupt):
            contribute(home, settings, store, TASK)
    assert not home.contribution_path(1).exists()
    fill(store, 40)  # they came later and wait for the next round
    contribute(home, settings, store, TASK)
    assert len(store.released()) == 20
    assert len(read_spend(home)) == 1


def test_a_large_platform_is_visible_through_its_noise(
    home: Home, settings: Settings, store: Store
) -> None:
    fill(store, 3_000)
    data = contribute(home, settings, store, TASK).read_bytes()
    manifest = default_manifest(3, bytes(32), enrolled_counts=True)
    cells = read_contribution(data, manifest)
    popularity = cells[manifest.block_slices["popularity"]] / 1_220
    assert np.allclose(popularity, 3_000 / 2, rtol=0.05)  # each learner counts 1 / max(sqrt 3, 2)


def test_a_learner_without_consent_is_left_out(
    home: Home, settings: Settings, store: Store
) -> None:
    fill(store, 20)
    store.set_consent("lp1_test_0000", share=False)
    contribute(home, settings, store, TASK)
    assert "lp1_test_0000" not in store.released()
    assert len(store.released()) == 19


def test_a_platform_that_shares_nothing_abstains_with_a_reason(
    home: Home, settings: Settings, store: Store
) -> None:
    off = settings.model_copy(update={"share": "off"})
    with pytest.raises(AbstainedError, match="shares nothing"):
        contribute(home, off, store, TASK)


def test_a_damaged_spend_log_forbids_releases(home: Home, settings: Settings, store: Store) -> None:
    fill(store, 20)
    home.spend_path.write_bytes(b"{half\n")
    with pytest.raises(ApiError, match="line 1 is damaged"):
        contribute(home, settings, store, TASK)
    assert store.released() == frozenset()


def test_a_swarm_below_the_platforms_own_floor_is_answered_by_abstaining(
    home: Home, settings: Settings, store: Store
) -> None:
    fill(store, 20)
    strict = settings.model_copy(
        update={"swarm": settings.swarm.model_copy(update={"max_epsilon": 1.0})}
    )
    with pytest.raises(AbstainedError, match="R15"):
        contribute(home, strict, store, TASK)
    assert store.released() == frozenset()
