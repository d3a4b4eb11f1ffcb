"""Reads the project's own interaction table.

Rows that an adapter has written come back unchanged: their event ids and pseudonyms are kept.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from platform_adapters.compiler import Function
from platform_adapters.contract import COLUMNS, NAMED, AdaptOptions, Interaction
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.fields import Apply
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.readers.parquet_rows import read_parquet
from platform_adapters.values import (
    Clock,
    hashed,
    identifier,
    length,
    part,
    ratio,
    text_number,
    whole_number,
    yes_no,
)
from recommender.interactions import VERB_INDEX

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record, Turn

REQUIRED = ("learner", "item")
EVIDENCE = frozenset({"observed", "aggregate", "override"})
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KNOWN = frozenset(COLUMNS)
_PARQUET = b"PAR1"


def _text(value: object, field: str) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return identifier(value, field)


def _of(column: str, parse: Callable[[object, str], object], nothing: object) -> Apply:
    """A column's value, where there is one."""
    return Apply(lambda v: nothing if v is None or v == "" else parse(v, column), (column,))


def _one_of(column: str, words: Container[str], otherwise: str, told: str) -> Apply:
    """One of the table's own words."""

    def found(value: object) -> str:
        word = _text(value, column) or otherwise
        if word not in words:
            raise RecordError(told)
        return word

    return Apply(found, (column,))


def _learner(value: object) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise RecordError("learner is missing")
    return str(value)


def _no_time(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _id(own: object) -> str:
    """The row's own id, made ours; empty if it has none."""
    text = _text(own, "event_id")
    return text if not text or _UUID.fullmatch(text) else f"{NAMED}table:{text}"


_TEXTS = ("course", "parent_item", "session", "language", "skill")
_PARTS: Mapping[str, Apply] = {
    "learner": Apply(_learner, ("learner",)),
    "verb": _one_of("verb", VERB_INDEX, "viewed", "verb is not one of the table's verbs"),
    "evidence": _one_of(
        *("evidence", EVIDENCE, "observed"), "evidence is not observed, aggregate or override"
    ),
    **{name: _of(name, text_number, None) for name in ("raw", "min", "max")},
    "score": _of("score", part, None),
    **{name: _of(name, _text, "") for name in _TEXTS},
    "success": _of("success", yes_no, None),
    "completion": _of("completion", yes_no, None),
    "progress": _of("progress", part, None),
    "duration_seconds": _of("duration_seconds", length, None),
    "attempt": _of("attempt", whole_number, None),
}
"""What a row is made of, in the order in which it is looked at."""

_ITEM = Apply(lambda value: identifier(value, "item"), ("item",))
_SOURCE = Apply(lambda value: _text(value, "source") or "table", ("source",))
_ORDER = Apply(lambda value: whole_number(value, "order"), ("order",))
_USED = {f.__name__: f for f in (Interaction, RecordError, _id, _no_time, hashed, ratio)}


class TableSession:
    """One import of rows of the interaction table."""

    def __init__(self, options: AdaptOptions) -> None:
        self._clock = Clock(options.timezone, "timestamp")
        self._read = self._function().made()

    def convert(self, record: Json, line: int) -> Interaction:
        """See `platform_adapters.contract.Session`."""
        if not isinstance(record, dict):
            raise RecordError("the record is not a JSON object")
        return self._read(record, line)  # type: ignore[no-any-return]  # see `_function`

    def cells(self, columns: tuple[str, ...]) -> Turn:
        """See `platform_adapters.contract.CellSession`."""
        return self._function(columns).made()

    def _function(self, columns: tuple[str, ...] | None = None) -> Function:
        """What reads a row, as it is written."""
        made = Function({}, {**_USED, "known": _KNOWN, "seconds": self._clock.seconds}, columns)
        values = {name: made.value(field) for name, field in _PARTS.items()}
        order, time = made.value(_ORDER, recurs=False), made.value("timestamp")
        made.write(
            f"if _no_time({time}):",
            f"    if {order} is None: raise RecordError('neither timestamp nor order')",
            "    timestamp = None",
            f"else: timestamp = seconds({time})",
            f"score = {values['score']}",
            f"if score is None: score = ratio({values['raw']}, {values['min']}, {values['max']})",
            f"event_id = _id({made.value('event_id')})",
            f"if not event_id: event_id = hashed({_known(columns)})",
        )
        values |= {"item": made.value(_ITEM), "source": made.value(_SOURCE)}
        values |= {"timestamp": "timestamp", "order": order, "score": "score"}
        made.write(f"return Interaction(event_id, {', '.join(values[n] for n in COLUMNS[1:])})")
        return made


def _known(columns: tuple[str, ...] | None) -> str:
    """What of a row an id is made of, as it is written."""
    if columns is None:
        return "{name: str(row[name]) for name in row if name in known}"
    known = ((name, place) for place, name in enumerate(columns) if name in _KNOWN)
    return f"{{{', '.join(f'{name!r}: row[{place}]' for name, place in known)}}}"


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tables with a learner, and catalogues."""
    logs: list[Path] = []
    others: list[Path] = []
    for path in paths:
        start = read_start(path)
        is_catalogue = (
            start[:4] != _PARQUET
            and start.lstrip()[:1] not in {b"{", b"["}
            and "learner" not in read_header(path)
            and {"item", "title"} <= set(read_header(path))
        )
        (others if is_catalogue else logs).append(path)
    return logs, others


def prepare(paths: Sequence[Path], options: AdaptOptions) -> TableSession:
    """Nothing need be known before the first row."""
    del paths
    return TableSession(options)


def records(path: Path) -> Iterator[Record]:
    """Rows, whatever of the three the file is.

    Raises:
        ReadError: A column that every row needs is missing.
    """
    start = read_start(path)
    if start[:4] == _PARQUET:
        return read_parquet(path)
    if start.lstrip()[:1] in {b"{", b"["}:
        return read_json(path)
    header = read_header(path)
    if "timestamp" not in header and "order" not in header and set(REQUIRED) <= set(header):
        raise ReadError(
            f"{path.name}, line 1: neither the column 'timestamp' nor 'order'; one of them must "
            "say what came first"
        )
    return read_csv(path, REQUIRED)
