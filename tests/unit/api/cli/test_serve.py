"""`murmuration serve` as a real process: light, opened by a link, clear about a taken port."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import httpx2
import pytest
from click.testing import CliRunner

from api.cli.main import cli
from api.cli.serve import base_url, listen
from tests.unit.api.homes import make_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAVY = ("torch", "sklearn", "scipy", "pandas", "pyarrow", "opendp", "libp2p", "trio", "implicit")
LIST_MODULES = """
import json, sys
from api.app import create_app
from api.cli import serve
from api.home import Home
from pathlib import Path
from starlette.testclient import TestClient
with TestClient(create_app(Home(Path(sys.argv[1])))) as client:
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/ui/sign-in").status_code == 200
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("serve") / "home").path


def start(home: Path, *args: str) -> subprocess.Popen[str]:
    command = "from api.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "serve", "--home", str(home), "--port", "0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def served(
    home: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Address, sign-in link and process of a running server."""
    process = start(home, "--sign-in", "--workers", request.param)
    assert process.stdout is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    address = re.search(r"at (http://\S+)/ui/ ", first)
    link = re.search(r"http://\S+", second)
    try:
        assert address is not None, first
        assert link is not None, second
        yield address[1], link[0], process
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert "Traceback" not in err, err
        assert process.returncode == 0, err
        assert out.endswith("Stopped.\n")


def test_a_server_answers_and_its_link_signs_in_once(
    served: tuple[str, str, subprocess.Popen[str]],
) -> None:
    address, link, _ = served
    with httpx2.Client(timeout=30, follow_redirects=True) as browser:
        health = browser.get(f"{address}/healthz")
        assert health.json() == {"status": "ok"}
        assert "server" not in health.headers
        page = browser.get(link)
        assert str(page.url) == f"{address}/ui/path"
        assert "Whose path would you like to see?" in page.text
        assert browser.get(link).status_code == 401


def test_serving_loads_nothing_that_trains(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, str(home)], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert {"numpy", "fastapi", "uvicorn"} <= loaded
    assert not loaded & set(HEAVY)


def test_a_port_in_use_is_named_and_nothing_is_started(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(cli, ["serve", "--home", str(home), "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port} on 127.0.0.1 is in use" in result.output
    assert "--port" in result.output


def test_an_address_that_is_not_ours_and_a_name_that_is_none_are_explained() -> None:
    with pytest.raises(click.ClickException, match=r"cannot listen on 192\.0\.2\.1 port 0"):
        listen("192.0.2.1", 0)
    with pytest.raises(click.ClickException, match="cannot listen on"):
        listen("no such host", 0)


def test_a_folder_that_is_no_home_is_explained(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["serve", "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "murmuration init" in str(result.exception) + result.output


def test_addresses_are_ones_that_a_browser_opens() -> None:
    with listen("0.0.0.0", 0) as everywhere:  # noqa: S104
        assert base_url(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"
