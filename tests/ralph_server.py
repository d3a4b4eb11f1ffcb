"""A real learning record store for tests marked `server`: Ralph, with its file-system backend.

Its environment is its own (`MURMURATION_RALPH`, by default a folder of the user's cache): made
once by pip from `tests/ralph_requirements.txt`, never in the project's. What cannot be had is a
failure in CI and a skip elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import pytest

from tests.servers import free_port, missing, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REQUIREMENTS = Path(__file__).with_name("ralph_requirements.txt")
USER, PASSWORD = "reader", "a password of the tests"
START_SECONDS = 60


def ralph() -> Path:
    """The folder of Ralph's programs, installed if it is not there yet."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    cache = Path.home() / ".cache" / "murmuration-tests" / f"ralph-{pins}"
    place = Path(os.environ.get("MURMURATION_RALPH", cache))
    if not (place / "bin" / "ralph").exists():
        venv.create(place, with_pip=True)
        install = [place / "bin" / "python", "-m", "pip", "install", "-q", "-r", REQUIREMENTS]
        if subprocess.run(install, check=False).returncode:
            missing(f"{REQUIREMENTS.name} cannot be installed by pip into {place}")
    return place / "bin"


class RalphStore:
    """A running Ralph.

    Attributes:
        url: Its endpoint.
    """

    def __init__(self, url: str, programs: Path, environment: dict[str, str]) -> None:
        self.url = url
        self._programs = programs
        self._environment = environment

    def post(self, statements: Sequence[dict[str, Any]]) -> None:
        """Store statements; its file-system backend takes one call only."""
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/json",
            "X-Experience-API-Version": "1.0.3",
        }
        body = json.dumps(statements).encode()
        with httpx.Client(trust_env=False, timeout=60) as client:
            client.post(f"{self.url}/statements", content=body, headers=headers).raise_for_status()

    def append(self, statements: Sequence[dict[str, Any]]) -> None:
        """Store more statements, by Ralph's own command."""
        lines = "".join(json.dumps(one) + "\n" for one in statements)
        write = [self._programs / "ralph", "write", "-b", "fs", "-o", "append"]
        subprocess.run(
            [*write, "-t", "fs_lrs.jsonl"],
            input=lines.encode(),
            env=self._environment,
            check=True,
            capture_output=True,
        )


@contextmanager
def ralph_store(folder: Path) -> Iterator[RalphStore]:
    """A Ralph of this process's own, in an empty folder."""
    programs, port, log = ralph(), free_port(), folder / "log"
    environment = {
        **os.environ,
        "RALPH_APP_DIR": str(folder),
        "RALPH_AUTH_FILE": str(folder / "auth.json"),
        "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_RUNSERVER_MAX_SEARCH_HITS_COUNT": "500",
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(folder / "lrs"),
        "RALPH_BACKENDS__DATA__FS__DEFAULT_DIRECTORY_PATH": str(folder / "lrs"),
    }
    login = ["--username", USER, "--password", PASSWORD]
    scopes = ["--scope", "statements/write", "--scope", "statements/read"]
    agent = ["--agent-ifi-mbox", "mailto:reader@example.org"]
    subprocess.run(
        [programs / "ralph", "auth", "--write-to-disk", *login, *scopes, *agent],
        env=environment,
        check=True,
        capture_output=True,
    )
    serve = [programs / "python", "-m", "uvicorn", "ralph.api:app", "--host", "127.0.0.1"]
    options = {"env": environment, "stderr": subprocess.STDOUT, "cwd": folder}
    with running([*serve, "--port", port], log, options, signal.SIGTERM) as process:
        wait_for_answer(f"http://127.0.0.1:{port}/__heartbeat__", process, log)
        yield RalphStore(f"http://127.0.0.1:{port}/xAPI", programs, environment)


def wait_for_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers; fail with its log if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url, trust_env=False, timeout=5).raise_for_status()
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        else:
            return
