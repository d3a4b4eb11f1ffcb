"""Fixtures of the HTTP edge: a real home, the application over it, keys."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.home import Home
from api.security.keys import create_key
from tests.unit.api.homes import make_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("made") / "home").path


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Home:
    """A home of this test's own."""
    return Home(shutil.copytree(made_home, tmp_path / "home"))


@pytest.fixture
def app(home: Home) -> FastAPI:
    return create_app(home)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def key(app: FastAPI) -> Callable[..., dict[str, str]]:
    """Makes a key with the scopes named; gives the header that carries it."""

    def made(*scopes: str) -> dict[str, str]:
        token = create_key(app.state.services.store, scopes, name="-".join(scopes))
        return {"Authorization": f"Bearer {token}"}

    return made
