"""What of a home's disk nothing needs any more, and removing it.

- *Merged models*: each can be made again from contributions. HEAD and the network's pointer are
  kept, and the last few of each kind, for who compares one with the one before.
- *Contributions* that are in no merge: of rounds that failed, or taken out with a member that left.
  What is merged stays for good: newcomers and whoever lost its disk fetch it from us, and the next
  merge adds to it. What the last rounds committed to stays, too: it may come again (R13). Only when
  the peer starts are they removed: the core believes that what it stored is there.

Only what the ledger names is ever removed; whatever else lies there is somebody else's.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.rounds import needed_blobs
from swarm.storage.files import disk
from swarm.storage.models import read_pointer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from swarm.ledger.rounds import Ledger

logger = logging.getLogger(__name__)

MODELS_KEPT: Final = 3
"""Of each kind, the newest."""
ATTEMPTS_KEPT: Final = 4
"""Of rounds: the contributions of two rounds of two attempts."""


@dataclass(frozen=True, slots=True)
class Spare:
    """What nothing needs: files and folders, and how many bytes they hold."""

    blobs: tuple[Path, ...]
    models: tuple[Path, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(measure, (*self.blobs, *self.models)))


def find_spare(home: Path, ledger: Ledger) -> Spare:
    """Look; nothing is changed.

    Args:
        home: With `blobs`, `models` and the pointers.
        ledger: As it is on this disk.

    Raises:
        StorageError: A pointer is damaged.
    """
    needed = {blob for blob, _, _ in needed_blobs(ledger.roster, ledger)}
    recent = ledger.rounds[-ATTEMPTS_KEPT:]
    needed |= {commit.blob for entry in recent for commit in entry.commits.values()}
    blobs = [home / "blobs" / blob.hex() for blob in sorted(ledger.makers.keys() - needed)]
    pointers = [read_pointer(home / name) for name in ("HEAD", "NETWORK")]
    pointed = {pointer["digest"] for pointer in pointers if pointer is not None}
    old = _old_models(ledger) - pointed
    models = [home / "models" / digest for digest in sorted(old)]
    return Spare(_there(blobs), _there(models))


def _old_models(ledger: Ledger) -> set[str]:
    """Merged models but the newest of each kind."""
    merged = [entry for entry in ledger.rounds if entry.outcome == "merged"]
    networks = [entry.digest.hex() for entry in merged if entry.kind == PARAMETERS]
    sums = [entry.digest.hex() for entry in merged if entry.kind != PARAMETERS]
    kept = {*networks[-MODELS_KEPT:], *sums[-MODELS_KEPT:]}
    return {*networks, *sums} - kept


def _there(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.exists())


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders, for good.

    Raises:
        StorageError: The disk refused.
    """
    for path in paths:
        with disk("delete", path):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
                path.with_suffix(".part").unlink(missing_ok=True)


def tidy(home: Path, ledger: Ledger, *, has_started: bool) -> None:
    """Remove what nothing needs, and say so in the log; contributions only before the start.

    Raises:
        StorageError: The disk refused, or a pointer is damaged.
    """
    spare = find_spare(home, ledger)
    blobs = () if has_started else spare.blobs
    if not blobs and not spare.models:
        return
    size = Spare(blobs, spare.models).size
    remove((*blobs, *spare.models))
    logger.info(
        "removed %d contributions and %d merged models that nothing needs any more: %.1f MB",
        *(len(blobs), len(spare.models), size / 1e6),
    )


def measure(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 if it is gone."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())
