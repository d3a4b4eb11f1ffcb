"""The demo's child processes: each with a log file, each ended by its id and no other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from api.errors import ApiError
from api.home import HOME_VARIABLE
from api.settings import own_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from api.home import Home

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1


class DemoError(ApiError):
    """A step of the demo failed; the message names the log to read."""


@dataclass(slots=True)
class Children:
    """Starts, watches and ends processes.

    Attributes:
        logs: Folder for their output, one file each.
        running: Live ones by name.
    """

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, home: Home, command: str, *args: str) -> subprocess.Popen[bytes]:
        """Start one of this installation's commands on a home, in the background."""
        argv = [*own_program(), command, *args]
        own = {HOME_VARIABLE: str(home.path), "PYTHONUNBUFFERED": "1"}
        with (self.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own},
                start_new_session=True,  # Ctrl-C reaches us alone; we end the children in order
            )
        self.running[name] = child
        return child

    def finish(self, name: str) -> None:
        """Wait for a child to end well.

        Raises:
            DemoError: It failed.
        """
        code = self.running.pop(name).wait()
        if code != 0:
            raise DemoError(f"{name} ended with {code}: {self.last_words(name)}")

    def run(self, name: str, home: Home, *command: str) -> str:
        """Run a command to its end and give what it printed."""
        before = self._size(name)
        self.start(name, home, command[0], *command[1:])
        self.finish(name)
        return (self.logs / f"{name}.log").read_bytes()[before:].decode(errors="replace")

    def kill(self, name: str) -> None:
        """End a child and what it started at once, as a power cut would."""
        child = self.running.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def stop_all(self) -> None:
        """End every child, politely first; the last started ends first."""
        with ExitStack() as stack:
            for name in list(self.running):
                stack.callback(self._stop, name)

    def check(self) -> None:
        """Notice a child that died.

        Raises:
            DemoError: One did.
        """
        for name, child in self.running.items():
            if child.poll() is not None:
                raise DemoError(f"{name} died with {child.returncode}: {self.last_words(name)}")

    def last_words(self, name: str) -> str:
        """The last line of a child's log, and where the rest is."""
        path = self.logs / f"{name}.log"
        lines = path.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        return f"{lines[-1]} (all of it: {path})"

    def _size(self, name: str) -> int:
        path = self.logs / f"{name}.log"
        return path.stat().st_size if path.exists() else 0

    def _stop(self, name: str) -> None:
        child = self.running.pop(name)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def wait_until(
    condition: Callable[[], bool], children: Children, what: str, seconds: float
) -> None:
    """Wait for a condition while the children live.

    Raises:
        DemoError: A child died, or it took too long.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        children.check()
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not happen in {seconds:.0f} s; see {children.logs}")
        time.sleep(_POLL_SECONDS)


def free_ports(count: int) -> Sequence[int]:
    """Loopback ports that are free now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
