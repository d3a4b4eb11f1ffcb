"""Lists of merged accounts and of people who are no learners, for what comes in over HTTP.

An operator changes the lists while the server runs, so they are read again when a file has changed.
A list that cannot be read at the start stops the server; later the last good one goes on to count.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from platform_adapters.errors import AdapterError
from platform_adapters.people import read_people

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.store.store import Store
    from platform_adapters.contract import People
    from platform_adapters.pseudonyms import Pseudonymiser

logger = logging.getLogger(__name__)

_Signature = tuple[tuple[int, int] | None, ...]


class KnownPeople:
    """The lists of a home, as they are now; may be asked from several threads."""

    def __init__(
        self, accounts: Path | None, staff: Path | None, on_new: Callable[[People], object]
    ) -> None:
        """Read the lists.

        Args:
            accounts: CSV with `old_id,new_id`, or None.
            staff: Ids of people who are no learners, or None.
            on_new: Told of every list that is new.

        Raises:
            AdapterError: A list cannot be read.
        """
        self._accounts, self._staff = accounts, staff
        self._on_new = on_new
        self._lock = Lock()
        self._signature = self._look()
        self._people = read_people(accounts, staff)
        on_new(self._people)

    def now(self) -> People:
        """Whose ids are whose."""
        with self._lock:
            signature = self._look()
            if signature != self._signature:
                self._signature = signature
                try:
                    self._people = read_people(self._accounts, self._staff)
                except AdapterError as error:
                    logger.warning(
                        "a list of people cannot be read; the last one counts: %s", error
                    )
                else:
                    self._on_new(self._people)
            return self._people

    def _look(self) -> _Signature:
        """What tells a changed file from the one that was read."""
        return tuple(_stat(path) for path in (self._accounts, self._staff) if path is not None)


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def merge_accounts(store: Store, people: People, pseudonymiser: Pseudonymiser) -> int:
    """Make what came in under old accounts their learner's; returns how many there were."""
    name = pseudonymiser.pseudonym
    return store.merge_learners((name(old), name(new)) for old, new in people.accounts.items())
