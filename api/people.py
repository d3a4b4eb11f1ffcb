"""Learners' names and rights at home: renaming all of them, erasing one, exporting one (R3, R20).

A learner's tombstone is HMAC-SHA-256, under a key of its own, of what stays the same behind the
learner's pseudonym; it is computed from the platform's own id or from any pseudonym that the
learner ever had here, and leads back to none of them.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.errors import ApiError
from api.home import KEY_BYTES, NEXT_PSEUDONYM_KEY, PSEUDONYM_KEY, TOMBSTONE_KEY, Home
from api.locks import home_lock
from platform_adapters.contract import COLUMNS
from platform_adapters.errors import AdapterError
from platform_adapters.pseudonyms import MAX_KEYS, Pseudonymiser
from swarm.storage.files import atomic_write, sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection

    from api.store.store import Store

PURPOSE = (
    "A keyed hash of the learner is kept, so that the same person enrolled again is not released "
    "a second time; it serves nothing else and leads back to nobody."
)
MERGED = (
    "What the learner added to that release was noised before it left and cannot be taken out of "
    "the swarm's sums; the promise of epsilon covers it."
)
UNCERTAIN = (
    "Records of earlier releases were lost here, so it cannot be told whether the learner was in "
    "one."
)
NOT_RELEASED = "The learner was in no release: nothing about them has left this platform."
LATER = (
    "Own statistics and the served model forget the learner at the next `murmuration train`. Rows "
    "that remain in the learning platform's logs come back if those logs are imported again. A "
    "recorded objection is erased with the rest: a learner enrolled again must object again."
)


class RenamingError(ApiError):
    """Pseudonyms cannot be changed; nothing was."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure did, for the learner who asked.

    Attributes:
        at: Unix seconds.
        rows: Rows removed, by table.
        rounds: Swarm and round of the learner's release, if there was one.
        sentences: What it means.
    """

    at: int
    rows: dict[str, int]
    rounds: tuple[tuple[str, int], ...]
    sentences: tuple[str, ...]


def pseudonymiser_of(home: Home) -> Pseudonymiser:
    """The home's pseudonymiser.

    Raises:
        KeyFileError: Its key cannot be used.
    """
    return Pseudonymiser(home.read_key(PSEUDONYM_KEY))


def pseudonymiser_for(home: Home, store: Store) -> Pseudonymiser:
    """The home's pseudonymiser, its key noted in a store that no key has filled yet (R3).

    Raises:
        KeyFileError: Its key cannot be used.
    """
    pseudonymiser = pseudonymiser_of(home)
    if store.pseudonym_key() is None:
        store.set_pseudonym_key(key_number(pseudonymiser))
    return pseudonymiser


def key_number(pseudonymiser: Pseudonymiser) -> int:
    """A number that names the key in force, for the store; it does not tell the key."""
    return int.from_bytes(pseudonymiser.key_id.encode(), "big") % 2**62


def rotate_pseudonym_key(home: Home, store: Store) -> int:
    """Draw another pseudonym key and rename every learner, marks included (R3).

    Killed at any point it has changed everything or nothing, or leaves a file that stops every
    other command until a rerun has finished it.

    Returns:
        Number of names changed.

    Raises:
        RenamingError: The store names learners by another home's key; nothing was changed.
        HomeBusyError: Another process of this home may be writing names.
    """
    following = home.key_path(NEXT_PSEUDONYM_KEY)
    with home_lock(home, "keys", alone=True, patience_seconds=2.0):
        present, begun = home.read_changing_keys()
        if len(present) // KEY_BYTES >= MAX_KEYS:
            raise RenamingError(f"{home.path}: pseudonyms can be changed {MAX_KEYS - 1} times")
        chosen = begun or present + secrets.token_bytes(KEY_BYTES)
        changed = Pseudonymiser(chosen)
        if begun is None:
            atomic_write(following, chosen, mode=0o600)
        try:
            renamed = store.rename_learners(lambda name: _renamed(changed, name))
        except AdapterError as error:
            following.unlink()
            sync_folder(home.keys_dir)
            raise RenamingError(f"{store.name}: {error}; nothing was changed") from error
        store.set_pseudonym_key(key_number(changed))
        following.replace(home.key_path(PSEUDONYM_KEY))
        sync_folder(home.keys_dir)
    return renamed


def _renamed(changed: Pseudonymiser, name: str) -> str:
    changed.stable(name)  # whatever is no pseudonym of this home must not be hashed as an id
    return changed.pseudonym(name)


def declare_all_released(home: Home, store: Store) -> None:
    """Let every learner known until now count as released: for lost keys and lost marks (R3).

    A missing pseudonym key is drawn anew: from then on every learner has another name here.
    """
    path = home.key_path(PSEUDONYM_KEY)
    with home_lock(home, "keys", alone=True, patience_seconds=2.0):
        if not path.exists():
            atomic_write(path, secrets.token_bytes(KEY_BYTES), mode=0o600)
        store.declare_released(int(time.time()))
        store.set_pseudonym_key(key_number(pseudonymiser_of(home)))


def mark_of(home: Home, pseudonymiser: Pseudonymiser, name: str) -> bytes:
    """A learner's tombstone, 32 bytes."""
    try:
        hidden = pseudonymiser.stable(name)
    except AdapterError:  # a store filled without this home's key: the name itself is all there is
        hidden = name.encode()
    return hmac.digest(home.read_key(TOMBSTONE_KEY), hidden, "sha256")


def buried(home: Home, store: Store, names: Collection[str]) -> frozenset[str]:
    """Those learners who were released, erased, and have enrolled again."""
    marks = store.tombstones()
    if not marks:
        return frozenset()
    pseudonymiser = pseudonymiser_of(home)
    return frozenset(name for name in names if mark_of(home, pseudonymiser, name) in marks)


def erase(home: Home, store: Store, learner: str) -> Receipt:
    """Remove a learner from the home.

    Args:
        home: The home.
        store: Its store.
        learner: The platform's own id, or the pseudonym.

    Raises:
        LearnerIdError: No such id can be.
        StoreError: The store failed; nothing was removed.
    """
    with home_lock(home, "keys", alone=False), home_lock(home, "release", alone=True):
        pseudonymiser = pseudonymiser_of(home)
        name = pseudonymiser.pseudonym(learner)
        if not home.key_path(TOMBSTONE_KEY).exists() and not store.tombstones():
            atomic_write(home.key_path(TOMBSTONE_KEY), secrets.token_bytes(KEY_BYTES), mode=0o600)
        erased = store.erase(name, mark_of(home, pseudonymiser, name))
    released = [
        f"The learner was in this platform's release to round {number} of swarm {swarm[:16]}. "
        f"{MERGED} {PURPOSE}"
        for swarm, number in erased.rounds
    ]
    if not released:
        uncertain = f"{UNCERTAIN} {MERGED.replace('that release', 'a release')} {PURPOSE}"
        released = [uncertain if erased.is_uncertain else NOT_RELEASED]
    return Receipt(int(time.time()), dict(erased.rows), erased.rounds, (*released, LATER))


def export(home: Home, store: Store, learner: str) -> dict[str, Any]:
    """Everything that the home holds about a learner.

    Args:
        home: The home.
        store: Its store.
        learner: The platform's own id, or the pseudonym.

    Raises:
        LearnerIdError: No such id can be.
        StoreError: The store cannot be read.
    """
    name = pseudonymiser_of(home).pseudonym(learner)
    consent = store.consent(name)
    return {
        "learner": learner,
        "pseudonym": name,
        "consent": {"serve": consent.serve, "local": consent.local, "share": consent.share},
        "interactions": [
            {field: getattr(row, field) for field in COLUMNS}
            for row in store.interaction_rows(pseudonym=name)
        ],
        **store.about(name),
    }
