"""One peer process per home: two with one identity could vote twice (R26)."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from swarm.errors import StorageError
from swarm.storage.files import disk

if TYPE_CHECKING:
    from pathlib import Path


class HomeLock:
    """An exclusive lock that the system releases when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Args:
            path: Lock file; made if it is missing, and never removed.

        Raises:
            StorageError: Another process holds it; the message says which.
        """
        with disk("open", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StorageError(
                f"{path.parent} is in use by another peer (process {holder}): one home runs one "
                "peer; stop that one first, or start this one with another --home"
            ) from error
        with disk("write", path):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
