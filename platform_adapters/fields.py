"""Where a value stands in a record: what declared formats name their fields with.

A field is a column (`"userid"`), a path into JSON (`("body", "user_id")`), a `Join` on a side
table, an `Apply` on other fields, or a function of the record, of which the usual ones are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from platform_adapters.errors import RecordError
from platform_adapters.values import duration as iso_duration
from platform_adapters.values import get, text_number

Row: TypeAlias = Mapping[str, Any]
Tables: TypeAlias = Mapping[object, Mapping[object, Row]]
"""Side tables by what declares them; rows by their key."""

Getter: TypeAlias = Callable[[Row], object]


@dataclass(frozen=True, slots=True)
class Join:
    """A value from a side table.

    Attributes:
        side: The side table (`declared_side.Side`).
        by: Where in the record the key of the side table stands; several fields for a key of
            several.
        take: The column to take, or nothing: then whether there is such a row, as "1". None if
            there is none.
    """

    side: object
    by: Key
    take: str = ""


@dataclass(frozen=True, slots=True)
class Apply:
    """What a function makes of the values of other fields."""

    function: Callable[..., object]
    fields: tuple[Field, ...]


Field: TypeAlias = "str | tuple[str, ...] | Join | Apply | Getter"

Key: TypeAlias = "Field | tuple[Field, ...]"
"""What a row of a side table is found by; here a tuple is a key of several fields."""


def getter(field: Field, tables: Tables) -> Getter:
    """A function that takes the field's value out of a record."""
    if isinstance(field, str):
        return lambda row: row.get(field)
    if isinstance(field, tuple):
        return lambda row: get(row, *field)
    if isinstance(field, Join):
        return _joined(field, tables)
    if isinstance(field, Apply):
        function, takes = field.function, [getter(part, tables) for part in field.fields]
        return lambda row: function(*[take(row) for take in takes])
    return field


def _joined(field: Join, tables: Tables) -> Getter:
    table, take, by = tables.get(field.side, {}), field.take, key_of(field.by, tables)

    def joined(row: Row) -> object:
        try:
            found = table.get(by(row))
        except TypeError:  # a list or an object is no key
            return None
        if found is None:
            return None
        return found.get(take) if take else "1"

    return joined


def key_of(key: Key, tables: Tables) -> Getter:
    """A function that takes the key of a side table out of a record."""
    if isinstance(key, tuple):
        takes = [getter(part, tables) for part in key]
        return lambda row: tuple(take(row) for take in takes)
    return getter(key, tables)


def columns_of(field: Field) -> frozenset[str] | None:
    """The columns that alone decide a field's value; None if only its function knows them."""
    if isinstance(field, str):
        return frozenset({field})
    if isinstance(field, tuple):
        return frozenset(field[:1])
    if isinstance(field, Constant):
        return frozenset()
    if isinstance(field, Join):
        of: tuple[Field, ...] = field.by if isinstance(field.by, tuple) else (field.by,)
    elif isinstance(field, Apply):
        of = field.fields
    else:
        return None
    parts = [columns_of(part) for part in of]
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if len(known) == len(parts) else None


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every record."""

    value: object

    def __call__(self, _row: Row) -> object:
        """The value."""
        return self.value


constant = Constant


def either(*names: Field) -> Apply:
    """The first of these fields that is not empty."""
    return Apply(_first, names)


first = either


def _first(*values: object) -> object:
    for value in values:
        if value is not None and value != "":
            return value
    return None


def about(kind: str, name: str) -> Apply:
    """`kind:id`, where different kinds of things are numbered alike; None if there is no id."""

    def found(value: object) -> object:
        if isinstance(value, str | int) and value != "":
            return f"{kind}:{value}"
        return value or None  # what is no id is refused where ids are checked

    return Apply(found, (name,))


def _measured(name: str, made: Callable[[float], float | None]) -> Apply:
    """What is made of a number; None if there is none."""

    def found(value: object) -> float | None:
        there = text_number(value, name)
        return None if there is None else made(there)

    return Apply(found, (name,))


def grade(name: str) -> Apply:
    """A number of which a negative one means that there is none."""
    return _measured(name, lambda number: None if number < 0 else number)


def points(raw: Field, most: Field) -> dict[str, Field]:
    """Points from none to a maximum: three columns of the interaction."""
    return {"raw": raw, "min": Constant(0.0), "max": most}


def graded(row: Row, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """An `outcome` for gradebooks: a row without a grade says nothing, one above all is none.

    Raises:
        RecordError: The grade is above the maximum.
    """
    del row
    raw, high = values.get("raw"), values.get("max")
    if raw is None and values.get("score") is None:
        return {"ignore": "no grade yet"}
    if raw is not None and high is not None and 0 < high < raw:
        raise RecordError("the grade is above the maximum")
    return {}


def more_than_none(name: str) -> Apply:
    """A number of which 0 means that nobody measured."""
    return _measured(name, lambda number: number or None)


def percent(name: str) -> Apply:
    """Hundredths as a part of one."""
    return _measured(name, lambda number: number / 100)


def minutes(name: str) -> Apply:
    """Minutes as seconds."""
    return _measured(name, lambda number: number * 60)


def iso8601_seconds(name: str) -> Apply:
    """Seconds of an ISO 8601 duration."""
    return Apply(lambda value: iso_duration(value or None, name), (name,))
