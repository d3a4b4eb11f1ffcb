"""Small integers for strings and verbs: how the store writes what rows name.

The verbs' and evidences' numbers are in databases for good: new ones go to the end only.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import sqlalchemy as sa

from api.store import errors
from api.store.database import raw_insert
from recommender.interactions import VERB_INDEX, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable

EVIDENCE = ("observed", "aggregate", "override")
EVIDENCE_INDEX = {name: index for index, name in enumerate(EVIDENCE)}
MAX_ID_BYTES = 1024
_UUID_HEX = 32
_LOOKUP = 500
_FOREIGN_EVENTS = uuid.UUID("5f0c1d6e-6f0b-5a52-9a53-6a2f0f6f0a11")
"""Namespace of event ids that are no UUIDs."""


class Codebook:
    """The integers of one table's strings, remembered between batches.

    What a transaction added is remembered only after `keep`, so that a rolled-back batch leaves
    no wrong number behind.
    """

    def __init__(self, table: sa.Table, column: str) -> None:
        self._table = table
        self._column = column
        self._kept: dict[str, int] = {}
        self._fresh: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """The number of a string that `learn` has seen."""
        found = self._kept.get(name)
        return self._fresh[name] if found is None else found

    def learn(self, connection: sa.Connection, names: Iterable[str]) -> None:
        """Give every string its number, new ones included.

        Raises:
            RowRefusedError: A string is empty or longer than 1,024 bytes.
        """
        self._fresh = {}
        unknown = sorted({name for name in names if name not in self._kept})
        for name in unknown:
            check_id(self._column, name)
        raw_insert(connection, self._table, [self._column], [(name,) for name in unknown])
        self._fresh = read_codes(connection, self._table, self._column, unknown)

    def keep(self) -> None:
        """Remember what the last `learn` found: its transaction is committed."""
        self._kept.update(self._fresh)
        self._fresh = {}


def read_codes(
    connection: sa.Connection, table: sa.Table, column: str, names: list[str]
) -> dict[str, int]:
    """Numbers of those strings that have one."""
    field = table.c[column]
    found: dict[str, int] = {}
    for start in range(0, len(names), _LOOKUP):
        some = names[start : start + _LOOKUP]
        rows = connection.execute(sa.select(field, table.c.id).where(field.in_(some)))
        found.update((name, code) for name, code in rows)
    return found


def check_id(kind: str, name: str) -> None:
    """Refuse an id that no contract allows.

    Raises:
        RowRefusedError: It is empty, longer than 1,024 bytes in UTF-8, or no Unicode text.
    """
    if "\0" in name:  # PostgreSQL could not hold it
        raise errors.RowRefusedError(f"the {kind} id holds a NUL character")
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 0 < size <= MAX_ID_BYTES:
        raise errors.RowRefusedError(
            f"the {kind} id has {size:,} bytes, expected 1 to {MAX_ID_BYTES:,}; "
            "check that the right column is read as the id"
        )


def event_key(event_id: str) -> bytes:
    """The 16 bytes by which an event is known: its UUID's, or those of a UUID derived from it."""
    digits = event_id.replace("-", "")
    if len(digits) == _UUID_HEX:
        try:
            return bytes.fromhex(digits)
        except ValueError:
            pass
    return uuid.uuid5(_FOREIGN_EVENTS, event_id).bytes


def event_id(key: bytes) -> str:
    """The event id of a key, as a UUID."""
    return str(uuid.UUID(bytes=key))


def verb_code(verb: str) -> int:
    """The number of a verb.

    Raises:
        RowRefusedError: The verb is not one of the interaction table's.
    """
    code = VERB_INDEX.get(verb)
    if code is None:
        raise errors.RowRefusedError(f"verb {verb!r} is not one of {', '.join(VERBS)}")
    return code


def evidence_code(evidence: str) -> int:
    """The number of a kind of evidence.

    Raises:
        RowRefusedError: It is not one of the interaction table's.
    """
    code = EVIDENCE_INDEX.get(evidence)
    if code is None:
        raise errors.RowRefusedError(f"evidence {evidence!r} is not one of {', '.join(EVIDENCE)}")
    return code
