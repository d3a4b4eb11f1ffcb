"""Reads the project's own interaction table.

Rows that an adapter has written come back unchanged: their event ids and pseudonyms are kept.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from platform_adapters.contract import COLUMNS, AdaptOptions, Ignored, Interaction
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.readers.parquet_rows import read_parquet
from platform_adapters.values import (
    Clock,
    event_id,
    event_namespace,
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
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record

REQUIRED = ("learner", "item")
EVIDENCE = frozenset({"observed", "aggregate", "override"})
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KNOWN = frozenset(COLUMNS)
_PARQUET = b"PAR1"


def _text(value: object, field: str) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return identifier(value, field)


class TableSession:
    """One import of rows of the interaction table."""

    def __init__(self, options: AdaptOptions) -> None:
        self._clock = Clock(options.timezone, "timestamp")
        self._namespace = event_namespace(options.platform)

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        del line
        if not isinstance(record, dict):
            raise RecordError("the record is not a JSON object")
        get = record.get
        learner = get("learner")
        if not isinstance(learner, str | int) or isinstance(learner, bool) or learner == "":
            raise RecordError("learner is missing")
        verb = _text(get("verb"), "verb") or "viewed"
        if verb not in VERB_INDEX:
            raise RecordError("verb is not one of the table's verbs")
        evidence = _text(get("evidence"), "evidence") or "observed"
        if evidence not in EVIDENCE:
            raise RecordError("evidence is not observed, aggregate or override")
        found = {}
        for name, parse in _PARSERS:
            value = get(name)
            if value is not None and value != "":
                found[name] = parse(value, name)
        timestamp, order = self._when(record)
        if found.get("score") is None:
            found["score"] = ratio(found.get("raw"), found.get("min"), found.get("max"))
        return Interaction(
            event_id=self._event_id(record),
            learner=str(learner),
            item=identifier(get("item"), "item"),
            timestamp=timestamp,
            order=order,
            verb=verb,
            evidence=evidence,
            source=_text(get("source"), "source") or "table",
            **found,
        )

    def _when(self, record: dict[str, Any]) -> tuple[int | None, int | None]:
        """Time, or order where only that is known."""
        order = whole_number(record.get("order"), "order")
        time = record.get("timestamp")
        if time is None or time == "" or (isinstance(time, float) and math.isnan(time)):
            if order is None:
                raise RecordError("neither timestamp nor order")
            return None, order
        return self._clock.seconds(time), order

    def _event_id(self, record: dict[str, Any]) -> str:
        own = _text(record.get("event_id"), "event_id")
        if not own:
            return hashed({name: str(record[name]) for name in record if name in _KNOWN})
        if _UUID.fullmatch(own):
            return own
        return event_id(self._namespace, f"table:{own}")


_PARSERS: tuple[tuple[str, Callable[[object, str], Any]], ...] = (
    ("raw", text_number),
    ("min", text_number),
    ("max", text_number),
    ("score", part),
    *((name, _text) for name in ("course", "parent_item", "session", "language", "skill")),
    ("success", yes_no),
    ("completion", yes_no),
    ("progress", part),
    ("duration_seconds", length),
    ("attempt", whole_number),
)


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
