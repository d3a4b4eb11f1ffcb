"""The platform's catalogue in the store: what can be recommended, in the catalogue's own order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store import codes, errors
from api.store.database import upsert
from api.store.revision import bump
from api.store.tables import catalogue, items
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.store.database import Database

_FIELDS = tuple(field.name for field in fields(CatalogueItem) if field.name != "item")
_LISTS = frozenset({"skills", "prerequisites"})


@dataclass(frozen=True, slots=True)
class CatalogueResult:
    """What an import of a catalogue changed.

    Attributes:
        added: Items that are new.
        changed: Items that were there with other content.
        unchanged: Items that were there as given.
        removed: Items that are gone, because the catalogue was replaced as a whole.
        kept: Items that were there, are not among those given, and stay.
        repeated: Rows whose item came again later in the same catalogue; the last one counts.
    """

    added: int
    changed: int
    unchanged: int
    removed: int
    kept: int
    repeated: int


def read(database: Database, *, course: str | None = None) -> list[CatalogueItem]:
    """The items, in the catalogue's order.

    Args:
        database: Where from.
        course: Only the items of this course.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        return _read(connection, course)


def _read(connection: sa.Connection, course: str | None = None) -> list[CatalogueItem]:
    chosen = [items.c.item, *(catalogue.c[name] for name in _FIELDS)]
    query = (
        sa.select(*chosen)
        .select_from(catalogue.join(items, items.c.id == catalogue.c.item_id))
        .order_by(catalogue.c.rank, catalogue.c.item_id)
    )
    if course is not None:
        query = query.where(catalogue.c.course == course)
    return [_item(tuple(row)) for row in connection.execute(query)]


def _item(row: tuple[Any, ...]) -> CatalogueItem:
    values = dict(zip(("item", *_FIELDS), row, strict=True))
    for name in _LISTS:
        values[name] = tuple(values[name])
    return CatalogueItem(**values)


def write(
    database: Database, given: Iterable[CatalogueItem], *, replace_all: bool = False
) -> CatalogueResult:
    """Add and change items, all of them in one transaction.

    Args:
        database: Where.
        given: Items in the catalogue's order; new ones are put after those already there.
        replace_all: Whether items not given are removed, and the order is the one given.

    Raises:
        CatalogueRefusedError: No item is given, or an item id is empty or too long.
        StoreError: The database failed; nothing has changed.
    """
    rows = list(given)
    wanted = {row.item: row for row in rows}
    _check(rows)
    with database.write() as connection:
        before = {row.item: row for row in _read(connection)}
        order = list(wanted) if replace_all else [*before, *(i for i in wanted if i not in before)]
        different = [item for item in wanted if before.get(item) != wanted[item]]
        absent = [item for item in before if item not in wanted]
        removed = absent if replace_all else []
        book = codes.Codebook(items, "item")
        book.learn(connection, [*before, *wanted])
        if removed:
            gone = sa.delete(catalogue).where(catalogue.c.item_id == sa.bindparam("gone"))
            connection.execute(gone, [{"gone": book[item]} for item in removed])
        rank = {item: place for place, item in enumerate(order)}
        moved = list(before) != [item for item in order if item in before]
        touched = [i for i in order if i in wanted] if moved else different
        _put(connection, [_values(wanted[i], book[i], rank[i]) for i in touched])
        if different or removed or moved:
            bump(connection)
    added = sum(item not in before for item in wanted)
    return CatalogueResult(
        added=added,
        changed=len(different) - added,
        unchanged=len(wanted) - len(different),
        removed=len(removed),
        kept=len(absent) - len(removed),
        repeated=len(rows) - len(wanted),
    )


def _check(rows: list[CatalogueItem]) -> None:
    if not rows:
        raise errors.CatalogueRefusedError(
            "the catalogue holds no item; nothing was changed. "
            "Check that the file is complete and in the form named"
        )
    for number, row in enumerate(rows, start=1):
        try:
            codes.check_id("item", row.item)
        except errors.RowRefusedError as error:
            raise errors.CatalogueRefusedError(
                f"catalogue row {number}, column item: {error}; nothing was changed"
            ) from error


def _values(row: CatalogueItem, number: int, rank: int) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    for name in _LISTS:
        values[name] = list(values[name])
    return {"item_id": number, "rank": rank, **values}


def _put(connection: sa.Connection, values: list[dict[str, Any]]) -> None:
    if values:
        connection.execute(upsert(connection, catalogue, ("rank", *_FIELDS)), values)
