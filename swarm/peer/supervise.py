"""Keeps a peer process alive: py-libp2p can die of what a member sends, and the peer resumes.

The inner process is started again after an unexpected end, with back-off. It is not started again
after an end that it explained (exit code 1), wrong usage (2) or a signal to stop (0). The inner
process ends when its supervisor does, so that no peer is ever left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

logger = logging.getLogger(__name__)

EXPLAINED = 1
"""Exit code of an end that a sentence explained; starting again would not help."""
MAY_PASS = 75
"""Exit code of an explained end that may pass by itself, such as a full disk."""
CRASHED = 70
"""Exit code of an end that nobody foresaw."""

_FINAL_CODES = (0, EXPLAINED, 2)
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_GOOD_RUN = 60.0
_PASSING_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_PR_SET_PDEATHSIG = 1


def may_pass(error: BaseException) -> bool:
    """Whether an explained error may pass by itself."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _PASSING_ERRNOS


class Supervisor:
    """Runs one command until it ends for good."""

    def __init__(self, argv: Sequence[str], *, first_wait: float = _FIRST_WAIT) -> None:
        """Prepare to supervise.

        Args:
            argv: Program and arguments of the inner process.
            first_wait: Seconds before the first restart; doubles with each.
        """
        self._argv = list(argv)
        self._first_wait = first_wait
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Run until the inner process ends for good, or SIGTERM or SIGINT arrives.

        Returns:
            The exit code for our own process.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        wait = self._first_wait
        while True:
            began = time.monotonic()
            code = self._run_once()
            if self._stop.is_set():
                return max(code, 0)
            if code in _FINAL_CODES:
                return code
            if time.monotonic() - began > _GOOD_RUN:
                wait = self._first_wait
            logger.error("the peer ended unexpectedly (%s); again in %g s", _name(code), wait)
            if self._stop.wait(wait):
                return 0
            wait = min(2 * wait, _LONGEST_WAIT)

    def _run_once(self) -> int:
        # The pipe tells the inner process, by its end, that we are gone.
        with subprocess.Popen(self._argv, stdin=subprocess.PIPE) as self._child:
            if self._stop.is_set():
                self._child.terminate()
            return self._child.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stop.set()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()


def _name(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def end_with_supervisor() -> None:
    """Make this inner process end when its supervisor does, however that ends."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait_for_supervisor, daemon=True).start()


def _wait_for_supervisor() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
