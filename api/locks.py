"""Locks between the processes of one home, which the system releases however a process ends.

- `keys`: whoever writes learners' pseudonyms holds it shared; changing the pseudonyms holds it
  alone. A process that began with the old key can so never write a name after the change (R3).
- `release`: a contribution, an erasure, a backup and a restore hold it alone, one after the
  other, so that no mark is lost between them.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.home import Home

LockName = Literal["keys", "release"]
_POLL_SECONDS = 0.05


class HomeBusyError(ApiError):
    """Another process of this home must end first."""


@contextmanager
def home_lock(
    home: Home, name: LockName, *, alone: bool, patience_seconds: float = 120.0
) -> Iterator[None]:
    """Hold a lock of a home.

    Args:
        home: The home.
        name: Which lock.
        alone: Whether nobody else may hold it meanwhile.
        patience_seconds: How long to wait for others.

    Raises:
        HomeBusyError: Others still hold it after that time.
    """
    path = home.path / f".{name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    deadline = time.monotonic() + patience_seconds
    try:
        while not _take(handle, how):
            if time.monotonic() >= deadline:
                raise HomeBusyError(
                    f"{home.path}: another command uses this home ({path.name}); stop `serve` and "
                    "running imports, or wait for the contribution under way, and run this again"
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _take(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
