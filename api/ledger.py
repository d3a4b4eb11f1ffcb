"""The ledger that this home's peer keeps, read by everybody else: blocks, export, own blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.founding import FoundingError
from swarm.ledger.chain import verify_chain
from swarm.ledger.export import export_ledger
from swarm.ledger.genesis import verify_genesis
from swarm.peer.config import blocks_path
from swarm.storage.records import read_records

if TYPE_CHECKING:
    from api.home import Home
    from swarm.ledger.rounds import Ledger


def read_blocks(home: Home) -> tuple[bytes, ...]:
    """Final blocks by height from 1; the peer may append while we read.

    Raises:
        StorageError: The file is damaged, with the offset.
    """
    return read_records(blocks_path(home.path), "blocks").payloads


def read_ledger(home: Home, height: int | None = None) -> Ledger:
    """What the blocks say, everything verified again.

    Args:
        home: Whose peer keeps it.
        height: Of the last block to look at; None takes all.

    Raises:
        FoundingError: The home is in no swarm.
        LedgerError: A block does not verify, by height.
        StorageError: The block file is damaged.
    """
    return verify_chain(verify_genesis(_genesis(home)), read_blocks(home)[:height])


def export(home: Home) -> bytes:
    """The whole ledger as one file."""
    return export_ledger(_genesis(home), read_blocks(home))


def _genesis(home: Home) -> bytes:
    try:
        return home.genesis_path.read_bytes()
    except FileNotFoundError as error:
        raise FoundingError(
            f"{home.path} is not in a swarm; `murmuration swarm join FILE` joins one"
        ) from error
