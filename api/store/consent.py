"""Who consents to what, and who has been released.

- Three flags a learner (R20): `serve` (gets paths), `local` (counts in the platform's own
  statistics) and `share` (may enter the one release of their lifetime, R2). A flag that was never
  set follows the platform: serving and local learning are on, sharing is what `share` says.
- With `share = "off"` nobody is shared, whatever the flags say.
- The released mark and the spend it belongs to are written in one transaction, before any noise
  is drawn (R3, R11).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store import codes, errors
from api.store.database import raw_insert, upsert
from api.store.revision import bump
from api.store.tables import consent, released, releases

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from api.settings import Share
    from api.store.database import Database

FLAGS = ("serve", "local", "share")


@dataclass(frozen=True, slots=True)
class Consent:
    """What one learner consents to, defaults filled in.

    Attributes:
        serve: Gets paths.
        local: Counts in the platform's own statistics, never alone.
        share: May enter a release.
    """

    serve: bool
    local: bool
    share: bool


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release of this platform: what it cost and when.

    Attributes:
        swarm: Swarm id, hex.
        round: Number of the round.
        attempt: Attempt of the round.
        rho: zCDP spent, exact.
        at: Unix seconds, UTC.
    """

    swarm: str
    round: int
    attempt: int
    rho: Fraction
    at: int


def defaults(share: Share) -> Consent:
    """What a learner consents to who has set no flag."""
    return Consent(serve=True, local=True, share=share == "opt-out")


def read(database: Database, pseudonym: str, share: Share) -> Consent:
    """A learner's consent.

    Raises:
        StoreError: The database cannot be read.
    """
    query = sa.select(*(consent.c[flag] for flag in FLAGS)).where(consent.c.pseudonym == pseudonym)
    with database.read() as connection:
        row = connection.execute(query).first()
    usual = defaults(share)
    if row is None:
        return usual
    chosen = {f: getattr(usual, f) if v is None else v for f, v in zip(FLAGS, row, strict=True)}
    if share == "off":
        chosen["share"] = False
    return Consent(**chosen)


def write(database: Database, pseudonyms: Iterable[str], flags: Mapping[str, bool | None]) -> int:
    """Set flags of learners; flags not named stay as they are.

    Args:
        database: Where.
        pseudonyms: Learners, known here or not yet.
        flags: Of `serve`, `local`, `share`: True, False, or None for the platform's default.

    Returns:
        Number of learners.

    Raises:
        RowRefusedError: A pseudonym is empty or too long.
        StoreError: The database failed; no flag was set.
    """
    unknown = set(flags) - set(FLAGS)
    if unknown:
        raise ValueError(f"no such flags: {sorted(unknown)}")
    now = int(time.time())
    rows: list[dict[str, Any]] = []
    for pseudonym in dict.fromkeys(pseudonyms):
        codes.check_id("learner", pseudonym)
        rows.append({"pseudonym": pseudonym, **flags, "changed_at": now})
    with database.write() as connection:
        if rows and flags:
            connection.execute(upsert(connection, consent, (*flags, "changed_at")), rows)
            bump(connection)
    return len(rows)


def excluded(
    connection: sa.Connection, purpose: str, share: Share
) -> tuple[Collection[str] | None, Collection[str] | None]:
    """Whom a purpose leaves out, or whom alone it takes in.

    Args:
        connection: Connection to read from.
        purpose: A flag: `serve`, `local` or `share`.
        share: The platform's rule for sharing.

    Returns:
        `(left out, None)` where learners are in unless they said no; `(None, only these)` where
        they are out unless they said yes.
    """
    flag = consent.c[purpose]
    names = sa.select(consent.c.pseudonym)
    if purpose == "share" and share == "off":
        return None, ()
    if getattr(defaults(share), purpose):
        return connection.execute(names.where(flag.is_(False))).scalars().all(), None
    return None, connection.execute(names.where(flag.is_(True))).scalars().all()


def mark_released(database: Database, pseudonyms: Iterable[str], record: ReleaseRecord) -> int:
    """Mark learners as released and record the spend: both or neither, on disk on return.

    Args:
        database: Where.
        pseudonyms: Everyone in the release.
        record: What the release costs.

    Returns:
        Number of learners marked.

    Raises:
        StoreError: A learner has been released before (R2), or the database failed; nothing was
            marked and nothing may be released.
    """
    rho = record.rho
    values = {
        "swarm": record.swarm,
        "round": record.round,
        "attempt": record.attempt,
        "rho_numerator": str(rho.numerator),
        "rho_denominator": str(rho.denominator),
        "at": record.at,
    }
    names = sorted(set(pseudonyms))
    with database.write() as connection:
        made = connection.execute(sa.insert(releases).values(values)).inserted_primary_key
        number = None if made is None else made[0]
        rows = [(name, number) for name in names]
        marked = raw_insert(connection, released, ("pseudonym", "release_id"), rows)
        if marked != len(names):
            raise errors.StoreError(
                f"{len(names) - marked} of the {len(names)} learners of this release have been "
                "released before, and a learner enters one release only (R2); nothing was marked"
            )
    return marked


def released_pseudonyms(database: Database) -> frozenset[str]:
    """Everyone who has been in a release; they enter no other (R2).

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        return frozenset(connection.execute(sa.select(released.c.pseudonym)).scalars())


def released_in(database: Database, swarm: str, number: int) -> frozenset[str] | None:
    """Everyone marked for one round of one swarm; None if nothing was marked for it.

    Raises:
        StoreError: The database cannot be read.
    """
    of_round = (releases.c.swarm == swarm) & (releases.c.round == number)
    with database.read() as connection:
        found = connection.execute(sa.select(releases.c.id).where(of_round)).scalars().all()
        if not found:
            return None
        names = sa.select(released.c.pseudonym).where(released.c.release_id.in_(found))
        return frozenset(connection.execute(names).scalars())


def read_releases(database: Database) -> list[ReleaseRecord]:
    """Every release of this platform, oldest first: the store's side of the spend log.

    Raises:
        StoreError: The database cannot be read.
    """
    t = releases.c
    with database.read() as connection:
        return [
            ReleaseRecord(
                swarm=row.swarm,
                round=row.round,
                attempt=row.attempt,
                rho=Fraction(int(row.rho_numerator), int(row.rho_denominator)),
                at=row.at,
            )
            for row in connection.execute(sa.select(releases).order_by(t.id))
        ]
