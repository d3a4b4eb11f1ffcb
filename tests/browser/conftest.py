"""A real Chromium before a real server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from api.security.sign_in import create_sign_in_link
from api.store.opening import open_store
from tests.unit.api.homes import make_home
from tests.unit.api.test_platform_route import status, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from api.home import Home

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def chromium() -> str:
    """The browser's program; at a desk without one the tests are skipped, in CI they fail."""
    named = os.environ.get("MURMURATION_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium: apt-get install chromium, or set MURMURATION_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Birch, in a swarm of four after one round that Cedar missed."""
    return write(make_home(tmp_path_factory.mktemp("browser") / "home"), status())


@pytest.fixture(scope="session")
def address(home: Home) -> Iterator[str]:
    with serving(home) as found:
        yield found


@contextmanager
def serving(home: Home) -> Iterator[str]:
    """A server process of a home; its address."""
    command = [sys.executable, "-c", "from api.cli.main import main; main()"]
    process = subprocess.Popen(
        [*command, "serve", "--home", str(home.path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"at (http://\S+)/ui/ ", line)
    try:
        assert found is not None, line
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
def link(home: Home, address: str) -> str:
    """A link that signs in once."""
    return sign_in_link(home, address)


def sign_in_link(home: Home, address: str) -> str:
    """A link of a served home."""
    with open_store(home) as store:
        return f"{address}/ui/sign-in?token={create_sign_in_link(store, 'both', 5)}"
