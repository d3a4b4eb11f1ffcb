"""After more than f members are lost for good: found a swarm anew, and take over what was merged.

No quorum of the old swarm exists any more, so nothing can be decided in it. Those who remain found
a new one with the same catalogue and manifest, leave the old one behind, and sign what is carried
over: the merged contributions, by digest. Spend log and released marks stay in the home and count
in every swarm (R2, R3); contributions made for the old swarm are never sent to a round of the new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.founding import FoundingError
from swarm.errors import LedgerError
from swarm.ledger.carry import Carry, carry_of, write_carry
from swarm.ledger.chain import verify_chain
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import read_genesis, verify_genesis
from swarm.ledger.membership import CARRY, Change
from swarm.peer.config import blocks_path
from swarm.storage.lock import HomeLock
from swarm.storage.records import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.home import Home
    from swarm.ledger.rounds import Ledger

FOLDERS = ("ledger", "wal", "rounds")
"""What belongs to one swarm; blobs and models are by digest, spend log and marks are for life."""
MAX_LEDGERS = 64


def leave_behind(home: Home) -> Path | None:
    """Put the swarm of a home aside, so that it can join another; its peer must not run.

    Returns:
        Where its files are now; None if the home is in no swarm.

    Raises:
        StorageError: The peer runs.
    """
    if not home.genesis_path.exists():
        return None
    swarm = read_genesis(home.genesis_path.read_bytes())[0].swarm_id.hex()
    HomeLock(home.wal_dir / "lock").release()  # refuses while a peer runs
    aside = home.former_dir / swarm[:16]
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in reversed(FOLDERS):  # the ledger last: it says that the home is in the swarm
        folder = home.path / name
        if folder.exists():
            folder.rename(aside / name)
            folder.mkdir(mode=0o700)
    home.status_path.unlink(missing_ok=True)
    return aside


def former_ledgers(home: Home) -> Iterator[Ledger]:
    """Ledgers of swarms left behind, verified again.

    Raises:
        LedgerError: One does not verify.
    """
    if not home.former_dir.is_dir():
        return
    for folder in sorted(home.former_dir.iterdir())[:MAX_LEDGERS]:
        genesis = verify_genesis((folder / "ledger" / "genesis.cbor").read_bytes())
        blocks = read_records(blocks_path(folder), "blocks").payloads
        yield verify_chain(genesis, blocks)


def find_carry(home: Home, export: bytes | None = None) -> Carry:
    """What can be taken over: from a ledger given, or else from the longest one left behind.

    Raises:
        FoundingError: There is none, or nothing was ever merged in it.
        LedgerError: It does not verify.
    """
    ledgers = [verify_export(export).ledger] if export is not None else [*former_ledgers(home)]
    merged = [ledger for ledger in ledgers if ledger.accepted]
    if not merged:
        raise FoundingError(
            f"{home.path} has left no swarm behind that had merged anything; give its ledger with "
            "--ledger FILE, as `murmuration swarm export` wrote it"
        )
    return carry_of(max(merged, key=lambda ledger: ledger.height))


def check_carry(home: Home, change: Change, export: bytes | None = None) -> None:
    """Refuse to sign a carry that is not what this home knows of the old swarm.

    Raises:
        LedgerError: It differs, or the swarm it names is unknown here.
    """
    if change.kind != CARRY:
        return
    known = [verify_export(export).ledger] if export is not None else [*former_ledgers(home)]
    if change.request not in [write_carry(carry_of(ledger)) for ledger in known]:
        raise LedgerError(
            "what is to be carried over is not what this home knows of that swarm: not this swarm, "
            "another height, or a lie. Compare ledgers (`murmuration swarm export`) and carry the "
            "longest; a founder that was not in it gives --ledger FILE"
        )
