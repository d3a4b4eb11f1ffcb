"""An empty store and rows to fill it with."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

import pytest

from api.store.store import Store
from platform_adapters.contract import Interaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def learner(number: int | str) -> str:
    return f"lp1_abcdefgh_{number:0>26}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made once: copying it is quicker than a migration for every test."""
    path = tmp_path_factory.mktemp("migrated") / "store.sqlite"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def url(tmp_path: Path, migrated: Path) -> str:
    path = tmp_path / "store.sqlite"
    shutil.copy(migrated, path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url, share="opt-out") as opened:
        yield opened


@pytest.fixture
def row() -> Callable[..., Interaction]:
    """Build a row from what the test is about; each call is another event."""
    made = 0

    def build(
        who: int | str = 1,
        item: str = "page-1",
        verb: str = "viewed",
        timestamp: int | None = 1_700_000_000,
        **fields: object,
    ) -> Interaction:
        nonlocal made
        made += 1
        event = str(fields.pop("event_id", uuid.UUID(int=made)))
        order = fields.pop("order", None)
        return Interaction(event, learner(who), item, timestamp, order, verb, **fields)  # type: ignore[arg-type]

    return build
