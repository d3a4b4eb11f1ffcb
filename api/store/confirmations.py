"""Items that rose, and courses that hold new and risen ones back until a designer agrees (R35).

- The table is a log: rows are added, never changed, so that it says who agreed to what, and when.
- The last row on a course says whether it holds back (`on`, `off`); `EVERY_COURSE` is all of them.
- The last row on an item says where it stands: `known` (there when the course began to hold back),
  `rose`, `agreed`, `undone`. An item without a row is new.
- An item is held back where its course holds back and it is new, rose, or was agreed to no more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.store import errors
from api.store.revision import bump
from api.store.tables import catalogue, confirmations, items

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from api.store.database import Database

EVERY_COURSE = "*"
FIT = "fit"
"""Who says that an item rose."""

NEW = "new"
_FREE = frozenset({"known", "agreed"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log.

    Attributes:
        at: Unix seconds, UTC.
        who: Key id, `link`, a name from the command line, or `fit`.
        action: `on`, `off`, `known`, `rose`, `agreed` or `undone`.
        course: The course; empty on rows about an item.
        item: The item; empty on rows about a course.
        model: Digest of the merged model in which the item rose, hex; else empty.
    """

    at: int
    who: str
    action: str
    course: str = ""
    item: str = ""
    model: str = ""


def holding_courses(database: Database) -> Mapping[str, Entry]:
    """Courses that hold back, each with the row that says so.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        return {name: row for name, row in _courses(connection).items() if row.action == "on"}


def read_held(database: Database) -> Mapping[str, Entry]:
    """Items of the catalogue that no path may show now, each with its last row.

    A new item, which has none, is given one with the action `NEW` and no time.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        courses = {name for name, row in _courses(connection).items() if row.action == "on"}
        if not courses:
            return {}
        last = _items(connection)
        held = {}
        for item in _members(connection, courses):
            row = last.get(item, Entry(0, "", NEW, item=item))
            if row.action not in _FREE:
                held[item] = row
    return held


def set_course(database: Database, course: str, *, on: bool, who: str) -> int:
    """Let a course hold back, or no longer.

    What the course has by then counts as known, unless it rose and nobody agreed yet.

    Args:
        database: Where.
        course: Course id, or `EVERY_COURSE`.
        on: Whether it holds back from now on.
        who: Who decides.

    Returns:
        Number of items that became known by it.

    Raises:
        RowRefusedError: The catalogue has no such course.
        StoreError: The database failed; nothing has changed.
    """
    with database.write() as connection:
        return _set_course(connection, course, on=on, who=who)


def record_rises(database: Database, risen: Collection[str], model: str) -> None:
    """Record that items rose in a merged model; recording it again changes nothing.

    Args:
        database: Where.
        risen: Items.
        model: Digest of the merged model, hex.

    Raises:
        StoreError: The database failed; nothing has changed.
    """
    t = confirmations.c
    said = sa.select(t.item).where(t.action == "rose", t.model == model)
    with database.write() as connection:
        known = set(connection.execute(said).scalars())
        new = [item for item in sorted(risen) if item not in known]
        _add(connection, [Entry(0, FIT, "rose", item=item, model=model) for item in new])


def decide(database: Database, chosen: Collection[str], *, agree: bool, who: str) -> int:
    """Agree to items, or take the agreement back.

    Args:
        database: Where.
        chosen: Items of the catalogue.
        agree: Whether they may be in paths.
        who: Who decides.

    Returns:
        Number of items for which that changed anything.

    Raises:
        RowRefusedError: The catalogue lacks one of them; nothing has changed.
        StoreError: The database failed; nothing has changed.
    """
    with database.write() as connection:
        return _decide(connection, chosen, agree=agree, who=who)


def decide_all(
    database: Database,
    courses: Mapping[str, bool],
    agree: Collection[str],
    undo: Collection[str],
    who: str,
) -> None:
    """Decide about courses, then agree to items, then take agreements back: all of it or nothing.

    Args:
        database: Where.
        courses: Course ids, and whether each holds back from now on.
        agree: Items that may be in paths.
        undo: Items whose agreement is taken back.
        who: Who decides.

    Raises:
        RowRefusedError: The catalogue lacks a course or an item; nothing has changed.
        StoreError: The database failed; nothing has changed.
    """
    with database.write() as connection:
        for course, on in courses.items():
            _set_course(connection, course, on=on, who=who)
        _decide(connection, agree, agree=True, who=who)
        _decide(connection, undo, agree=False, who=who)


def read_log(database: Database, *, limit: int = 50) -> list[Entry]:
    """The last rows that people or `fit` made, newest first; what became `known` is left out.

    Raises:
        StoreError: The database cannot be read.
    """
    t = confirmations.c
    query = _rows().where(t.action != "known").order_by(t.id.desc()).limit(limit)
    with database.read() as connection:
        return [_entry(row) for row in connection.execute(query)]


def last_rows(database: Database, chosen: Collection[str]) -> Mapping[str, Entry]:
    """The last row of each of some items that has one.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as connection:
        last = _items(connection)
    return {item: last[item] for item in chosen if item in last}


def _set_course(connection: sa.Connection, course: str, *, on: bool, who: str) -> int:
    members = _members(connection, {course})
    if not members and course != EVERY_COURSE:
        raise errors.RowRefusedError(
            f"the catalogue has no course {course!r}; `murmuration catalogue export` shows "
            f"them, and {EVERY_COURSE} is all of them"
        )
    before = _courses(connection).get(course)
    if (before is not None and before.action == "on") == on:
        return 0
    known = _items(connection)
    unseen = [item for item in members if item not in known] if on else []
    entries = [Entry(0, who, "on" if on else "off", course=course)]
    entries += [Entry(0, who, "known", item=item) for item in unseen]
    _add(connection, entries)
    return len(unseen)


def _decide(connection: sa.Connection, chosen: Collection[str], *, agree: bool, who: str) -> int:
    offered = _members(connection, {EVERY_COURSE})
    if unknown := sorted(set(chosen) - set(offered)):
        raise errors.RowRefusedError(
            f"the catalogue has no item {unknown[0]!r}; nothing was changed"
        )
    last = _items(connection)
    wanted = "agreed" if agree else "undone"
    free = {item for item, row in last.items() if row.action in _FREE}
    changed = [item for item in sorted(set(chosen)) if (item in free) != agree]
    _add(connection, [Entry(0, who, wanted, item=item) for item in changed])
    return len(changed)


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it


def _rows() -> sa.Select[tuple[int, str, str, str, str, str]]:
    t = confirmations.c
    return sa.select(t.at, t.who, t.action, t.course, t.item, t.model)


def _courses(connection: sa.Connection) -> dict[str, Entry]:
    t = confirmations.c
    query = _rows().where(t.item == "").order_by(t.id)
    return {row.course: _entry(row) for row in connection.execute(query)}


def _items(connection: sa.Connection) -> dict[str, Entry]:
    t = confirmations.c
    newest = sa.select(sa.func.max(t.id)).where(t.item != "").group_by(t.item)
    query = _rows().where(t.id.in_(newest))
    return {row.item: _entry(row) for row in connection.execute(query)}


def _members(connection: sa.Connection, courses: Collection[str]) -> list[str]:
    """Items that belong to, or are, one of some courses."""
    query = sa.select(items.c.item).join(catalogue, items.c.id == catalogue.c.item_id)
    if EVERY_COURSE not in courses:
        is_course = (catalogue.c.type == "course") & items.c.item.in_(courses)
        query = query.where(catalogue.c.course.in_(courses) | is_course)
    return list(connection.execute(query.order_by(catalogue.c.rank)).scalars())


def _add(connection: sa.Connection, entries: Collection[Entry]) -> None:
    if not entries:
        return
    now = int(time.time())
    names = ("who", "action", "course", "item", "model")
    rows = [{"at": now, **{name: getattr(entry, name) for name in names}} for entry in entries]
    connection.execute(sa.insert(confirmations), rows)
    bump(connection)
