"""A peer's disk: opened under its lock, verified, written in the order that the rules demand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from swarm import codec
from swarm.errors import LedgerError, StorageError
from swarm.ledger.genesis import verify_genesis
from swarm.pruning import FEWEST, prune_log
from swarm.storage.blobs import BlobStore
from swarm.storage.files import disk
from swarm.storage.lock import HomeLock
from swarm.storage.records import RecordLog, rewrite_records
from swarm.sync import final_messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from swarm.ledger.genesis import Genesis
    from swarm.peer.config import PeerConfig
    from swarm.state import NodeConfig


@dataclass(frozen=True, slots=True)
class Ground:
    """What a peer stands on when it starts; records are read from the disk when asked for.

    Attributes:
        genesis: Verified, with every founder's signature.
        log: Records of the vote log, oldest first.
        blocks: Final blocks, by height from 1.
        notes: What was repaired when the files were opened.
    """

    genesis: Genesis
    log: Sequence[bytes]
    blocks: Sequence[bytes]
    notes: tuple[str, ...]


class PeerDisk:
    """The files of one running peer.

    Attributes:
        ground: What was there at the start.
        blobs: Contributions by digest.
    """

    def __init__(self, config: PeerConfig) -> None:
        """Lock the home and open its files.

        Raises:
            StorageError: Another peer runs here, or a file is damaged or cannot be opened.
            LedgerError: Genesis or manifest is missing or does not verify.
        """
        self._lock = HomeLock(config.lock)
        self._unsynced = False
        try:
            genesis = _read_genesis(config)
            self._votes, votes_note = _open_log(config.votes, "votes", config.node)
            self._blocks, blocks_note = _open_log(config.blocks, "blocks", config.node)
            self._prune()
        except BaseException:
            self._lock.release()
            raise
        self.blobs = BlobStore(config.blobs)
        _sweep(config)
        notes = tuple(note for note in (votes_note, blocks_note) if note)
        self.ground = Ground(genesis, self._votes, self._blocks, notes)

    def persist(self, record: bytes) -> None:
        """Append to the vote log; durable only after `sync`.

        Raises:
            StorageError: The disk refused; nothing of the record is left.
        """
        self._votes.append(record)
        self._unsynced = True

    def sync(self) -> None:
        """Make what was persisted durable (R26); cheap if there is nothing.

        Raises:
            StorageError: The disk refused; the record must not be acted on.
        """
        if self._unsynced:
            self._votes.sync()
            self._unsynced = False

    @property
    def needs_sync(self) -> bool:
        """Whether a record has been persisted since the last `sync`."""
        return self._unsynced

    def append_block(self, block: bytes) -> None:
        """Append a final block, durably.

        Raises:
            StorageError: The disk refused; the block is fetched again after a restart.
        """
        self._blocks.append(block)
        self._blocks.sync()
        if len(self._votes) >= self._prune_at:
            self.sync()
            self._prune()

    def final_messages(self, height: int) -> list[bytes]:
        """The next final blocks for a member who lacks those from a height on.

        Raises:
            StorageError: The disk refused, or a block is damaged.
        """
        return final_messages(self._blocks, height)

    def _prune(self) -> None:
        """Forget what the vote log says of final heights: their blocks are durable by now (P29)."""
        kept = prune_log(self._votes, len(self._blocks))
        if kept is not None:
            rewrite_records(self._votes.path, "votes", kept)
            self._votes.close()
            self._votes = RecordLog(self._votes.path, "votes")
        self._prune_at = len(self._votes) + FEWEST

    def close(self) -> None:
        """Close the files and give the home back."""
        self._votes.close()
        self._blocks.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open_log(path: Path, kind: str, node: NodeConfig) -> tuple[RecordLog, str]:
    """Open a record file; a damaged one is moved aside if the operator said `--restored` (R26)."""
    try:
        log = RecordLog(path, kind)
    except StorageError as error:
        if isinstance(error.__cause__, OSError) or not node.restored:
            raise
        aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        with disk("move", path):
            path.rename(aside)
        return RecordLog(path, kind), f"{error}. It was moved to {aside}."
    return log, log.note


def _sweep(config: PeerConfig) -> None:
    """Remove what writes that a crash cut short have left beside their files."""
    for folder in (config.home, config.blobs):
        for path in folder.glob(".*.new"):
            with disk("delete", path):
                path.unlink(missing_ok=True)


def _read_genesis(config: PeerConfig) -> Genesis:
    if not config.genesis.exists():
        raise LedgerError(
            f"{config.genesis} is missing: this home has joined no swarm; "
            "run `murmuration swarm join GENESIS` first"
        )
    with disk("read", config.genesis):
        data = config.genesis.read_bytes()
    try:
        genesis = verify_genesis(data)
    except LedgerError as error:
        raise LedgerError(f"{config.genesis}: {error}") from error
    with disk("read", config.manifest):
        manifest = config.manifest.read_bytes()
    if codec.digest(manifest) != genesis.manifest_digest:
        raise StorageError(
            f"{config.manifest} is not the manifest that genesis names: "
            "run `murmuration swarm join GENESIS` again with the founders' files"
        )
    return genesis
