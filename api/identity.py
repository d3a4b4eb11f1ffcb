"""Which key this platform is known by: the next one takes over once the ledger says so (R27).

The old key is kept beside it as `keys/former.key`: it signs nothing any more, but old backups name
it. The vote log is the old key's, so it is moved aside; the new key has never voted. Where that is
not certain, since the home was restored, the new key begins as a restored disk does (R26).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from api.home import IDENTITY_KEY, NEXT_IDENTITY_KEY
from api.ledger import read_ledger
from swarm.boot import boot_record
from swarm.signing import NO_SWARM, Ed25519Signer
from swarm.storage.files import atomic_write
from swarm.storage.records import RecordLog, read_records

if TYPE_CHECKING:
    from api.home import Home

logger = logging.getLogger("swarm.identity")
FORMER_KEY = "former.key"


def own_member(home: Home) -> str:
    """This home's member id, by the key that it signs with now."""
    return Ed25519Signer(home.read_key(IDENTITY_KEY), NO_SWARM).member


def has_forgotten_votes(home: Home) -> bool:
    """Whether the disk was restored and no peer has written a record on it since (R26).

    Its peer starts as restored then, whether the operator says so or not.

    Raises:
        StorageError: The vote log is damaged.
    """
    votes = home.wal_dir / "votes.log"
    if not home.votes_lost_path.exists():
        return False
    return not votes.exists() or not read_records(votes, "votes").payloads


def settle_identity(home: Home) -> bool:
    """Let the next key take over if the ledger says so; call while no peer runs.

    Returns:
        Whether it did.

    Raises:
        KeyFileError: The next key's file is damaged, or others may read it.
        LedgerError: The ledger does not verify.
    """
    following = home.key_path(NEXT_IDENTITY_KEY)
    if not following.exists() or not home.genesis_path.exists():
        return False
    seed, old = home.read_key(NEXT_IDENTITY_KEY), home.read_key(IDENTITY_KEY)
    ledger = read_ledger(home)
    before, after = (Ed25519Signer(key, NO_SWARM).member for key in (old, seed))
    if after not in ledger.roster.by_id:
        return False
    votes = home.wal_dir / "votes.log"
    if before != after:
        if votes.exists():
            votes.rename(home.wal_dir / f"votes-until-{ledger.height}.log")
        if not home.votes_lost_path.exists():
            log = RecordLog(votes, "votes")
            log.append(boot_record(ledger.roster.swarm_id, after))
            log.sync()
            log.close()
        atomic_write(home.key_path(FORMER_KEY), old, mode=0o600)
        atomic_write(home.key_path(IDENTITY_KEY), seed, mode=0o600)
    following.unlink()
    logger.info("the next key has taken over: %s instead of %s", after, before)
    return True
