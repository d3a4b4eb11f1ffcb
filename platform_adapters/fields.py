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


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every record."""

    value: object

    def __call__(self, _row: Row) -> object:
        """The value."""
        return self.value


constant = Constant


def either(*names: str) -> Getter:
    """The first of these columns that is not empty."""
    return lambda row: next((row[n] for n in names if row.get(n) not in (None, "")), None)


def first(*fields: Field) -> Apply:
    """The first of these fields that is not empty; `either` for those that are no columns."""
    return Apply(lambda *values: next((v for v in values if v not in (None, "")), None), fields)


def about(kind: str, name: str) -> Getter:
    """`kind:id`, where different kinds of things are numbered alike; None if there is no id."""

    def found(row: Row) -> object:
        value = row.get(name)
        if isinstance(value, str | int) and value != "":
            return f"{kind}:{value}"
        return value or None  # what is no id is refused where ids are checked

    return found


def grade(name: str) -> Getter:
    """A number of which a negative one means that there is none."""

    def found(row: Row) -> float | None:
        value = text_number(row.get(name), name)
        return None if value is None or value < 0 else value

    return found


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


def more_than_none(name: str) -> Getter:
    """A number of which 0 means that nobody measured."""
    return lambda row: text_number(row.get(name), name) or None


def percent(name: str) -> Getter:
    """Hundredths as a part of one."""

    def found(row: Row) -> float | None:
        value = text_number(row.get(name), name)
        return None if value is None else value / 100

    return found


def minutes(name: str) -> Getter:
    """Minutes as seconds."""

    def found(row: Row) -> float | None:
        value = text_number(row.get(name), name)
        return None if value is None else value * 60

    return found


def iso8601_seconds(name: str) -> Getter:
    """Seconds of an ISO 8601 duration."""
    return lambda row: iso_duration(row.get(name) or None, name)
