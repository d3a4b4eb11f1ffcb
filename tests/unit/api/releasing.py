"""A home that has joined a swarm, and what its tests do with it: enrol, release, be killed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import pytest

from api.contributing import RoundTask, contribute
from api.founding import join
from api.home import (
    Home,
)
from api.people import (
    pseudonymiser_of,
)
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from platform_adapters.contract import Interaction
from recommender.catalogue import CatalogueItem
from tests.unit.api.test_founding import founding, signed

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
