"""Two accounts that turned out to be one learner's: all of the old one becomes the new one's.

One transaction. A refusal of either account stays one; who was released under either name counts
as released (R2, R3), so that one person enters one release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store.revision import bump
from api.store.tables import (
    consent,
    feedback,
    interactions,
    learners,
    recommendations,
    released,
    staff_access,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.store.database import Database

_LOGS = (recommendations, feedback, staff_access)
_FLAGS = ("serve", "local", "share")


def merge_learners(database: Database, pairs: Iterable[tuple[str, str]]) -> int:
    """Merge accounts.

    Args:
        database: Where.
        pairs: Pseudonyms of old accounts, each with that of the learner's account now.

    Returns:
        Number of old accounts that were known here; they are not any more.

    Raises:
        StoreError: The database failed; nothing was merged.
    """
    merged = 0
    with database.write() as connection:
        for old, new in pairs:
            if old != new and _is_known(connection, old):
                _merge(connection, old, new)
                merged += 1
        if merged:
            bump(connection)
    return merged


def _is_known(connection: sa.Connection, pseudonym: str) -> bool:
    return any(
        connection.execute(
            sa.select(table.c.pseudonym).where(table.c.pseudonym == pseudonym)
        ).first()
        for table in (learners, consent, released, *_LOGS)
    )


def _merge(connection: sa.Connection, old: str, new: str) -> None:
    for table in _LOGS:
        moved = sa.update(table).where(table.c.pseudonym == old).values(pseudonym=new)
        connection.execute(moved)
    _merge_consent(connection, old, new)
    mark = sa.select(released.c.pseudonym).where(released.c.pseudonym == new)
    own = sa.update(released).where(released.c.pseudonym == old)
    if connection.execute(mark).first() is None:
        connection.execute(own.values(pseudonym=new))
    else:
        connection.execute(sa.delete(released).where(released.c.pseudonym == old))
    _merge_rows(connection, old, new)


def _merge_rows(connection: sa.Connection, old: str, new: str) -> None:
    """Move the interactions; the old account's own row goes, or becomes the new one's."""
    number = {
        row.pseudonym: row.id
        for row in connection.execute(
            sa.select(learners).where(learners.c.pseudonym.in_([old, new]))
        )
    }
    if old not in number:
        return
    if new not in number:
        renamed = sa.update(learners).where(learners.c.pseudonym == old)
        connection.execute(renamed.values(pseudonym=new))
        return
    rows = sa.update(interactions).where(interactions.c.learner_id == number[old])
    connection.execute(rows.values(learner_id=number[new]))
    connection.execute(sa.delete(learners).where(learners.c.id == number[old]))


def _merge_consent(connection: sa.Connection, old: str, new: str) -> None:
    given = connection.execute(sa.select(consent).where(consent.c.pseudonym.in_([old, new]))).all()
    if not given:
        return
    both = sa.delete(consent).where(consent.c.pseudonym.in_([old, new]))
    connection.execute(both)
    flags = [_strictest([getattr(row, flag) for row in given]) for flag in _FLAGS]
    changed = max(row.changed_at for row in given)
    said = dict(zip(_FLAGS, flags, strict=True))
    row = sa.insert(consent).values(pseudonym=new, changed_at=changed, **said)
    connection.execute(row)


def _strictest(flags: list[bool | None]) -> bool | None:
    """A refusal stands; else what was said; else nothing."""
    if False in flags:
        return False
    return True if True in flags else None
