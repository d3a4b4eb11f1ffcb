"""One kind of log, as data, and the reader that turns its records into interactions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_adapters.contract import Ignored, Interaction
from platform_adapters.fields import Getter, Join, getter
from platform_adapters.format import ROWS, Sign
from platform_adapters.values import (
    Clock,
    event_id,
    event_namespace,
    hashed,
    identifier,
    length,
    part,
    ratio,
    share,
    text_number,
    whole_number,
    yes_no,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_adapters.contract import AdaptOptions
    from platform_adapters.fields import Field, Row, Tables

_Take: TypeAlias = tuple[str, Getter, "Callable[[object, str], object]", str]
_Compiled: TypeAlias = tuple[dict[str, Any], Getter, tuple[_Take, ...]]
"""What every such event has, where the item stands, how each other column is taken and parsed."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)+")
"""A native event's name may be told in a report: several words, which no person's id looks like."""


@dataclass(frozen=True, slots=True)
class Only:
    """Rows with another value here are nobody's learning."""

    field: Field
    values: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Not:
    """Rows with one of these values here are nobody's learning."""

    field: Field
    values: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Means:
    """What a native event means, where it is more than a verb.

    Attributes:
        verb: Its verb.
        fields: Where its values stand, beside or instead of those of the rows.
        item: Where its item stands, if elsewhere than in the other rows.
    """

    verb: str
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    item: Field | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """One kind of log.

    Attributes:
        name: The name space of its records' numbers: a change of it changes all event ids.
        what: What it is called on the platform.
        marks: Columns that every record has; the kind is known by them.
        learner: Where the learner stands. A record without one is ignored.
        item: Where the item stands. A record without one is ignored.
        time: Where the time stands.
        order: Where the order of the records stands, if only that is known.
        verbs: What native events mean. Of a log with one kind of event: its verb.
        event: Where the native event's name stands.
        ignored: Native events that are no learning, with the reason.
        otherwise: Why native events that are not named are no learning.
        rules: What makes a record nobody's learning.
        fields: Where the other columns of the interaction table stand.
        identity: Where the record's own number stands; None: it has none, and is known by its
            whole content.
        told_apart_by: Instead of a number: the columns that tell one fact from another, where
            the whole content holds what may change without being another fact.
        evidence: As in the interaction table.
        times: Ways to write a time beside ISO 8601 and unix seconds, as for `strptime`.
        kinds: Kinds of file it may be.
        table: The table of an SQLite database that it is known by, if it stands in one.
        query: What reads it there.
        outcome: For what cannot be said as data: more values of the interaction, or `ignore`
            and a reason, from record and values.
    """

    name: str
    what: str
    marks: frozenset[str]
    learner: Field
    item: Field
    time: Field
    verbs: Mapping[str, str | Means] | str
    event: Field | None = None
    ignored: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    otherwise: str = "no learning event"
    rules: tuple[Only | Not, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    identity: Field | None = None
    order: Field | None = None
    told_apart_by: tuple[str, ...] = ()
    evidence: str = "observed"
    times: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ROWS
    table: str = ""
    query: str = ""
    outcome: Callable[[Row, dict[str, Any]], Mapping[str, Any]] | None = None

    def sign(self) -> Sign:
        """How its files are recognised."""
        if self.table:
            return Sign(self.what, frozenset({self.table}), ("sqlite",))
        return Sign(self.what, self.marks, self.kinds)


_PARSERS: Mapping[str, Callable[[object, str], object]] = {
    "score": part,
    "raw": text_number,
    "min": text_number,
    "max": text_number,
    "progress": lambda value, name: share(text_number(value, name)),
    "duration_seconds": length,
    "attempt": whole_number,
    "success": yes_no,
    "completion": yes_no,
}


def _text_of(value: object, name: str) -> str:
    return "" if value is None or value == "" else identifier(value, name)


class RowReader:
    """Reads one kind of log within one import."""

    def __init__(self, kind: Rows, format_name: str, options: AdaptOptions, tables: Tables) -> None:
        def get(where: Field | None) -> Getter:
            return getter("" if where is None else where, tables)

        self.marks = kind.marks
        self._kind = kind
        self._outcome = kind.outcome
        self._source = format_name
        self._numbered = f"{format_name}:{kind.name}:"
        self._namespace = event_namespace(options.platform)
        self._clock = Clock(options.timezone, _name_of(kind.time, "time"), kind.times)
        self._rules = [(get(r.field), r.values, isinstance(r, Only), r.reason) for r in kind.rules]
        self._learner, self._item, self._time = get(kind.learner), get(kind.item), get(kind.time)
        self._event, self._identity = get(kind.event), get(kind.identity)
        self._order = None if kind.order is None else get(kind.order)
        self._learner_name = _name_of(kind.learner, "learner")
        self._item_name = _name_of(kind.item, "item")
        verbs = {"": kind.verbs} if isinstance(kind.verbs, str) else kind.verbs
        self._means = {name: self._compiled(name, means, get) for name, means in verbs.items()}

    def _compiled(
        self, native: str, means: str | Means, get: Callable[[Field | None], Getter]
    ) -> _Compiled:
        if isinstance(means, str):
            means = Means(means)
        always = {
            "verb": means.verb,
            "evidence": self._kind.evidence,
            "source": f"{self._source}:{native or self._kind.name}",
        }
        fields = {**self._kind.fields, **means.fields}
        takes = tuple(
            (column, get(where), _PARSERS.get(column, _text_of), _name_of(where, column))
            for column, where in fields.items()
        )
        return always, self._item if means.item is None else get(means.item), takes

    def read(self, row: Row, line: int) -> Interaction | Ignored:
        """One record.

        Raises:
            RecordError: It is not what the format demands.
        """
        native = str(self._event(row) or "")
        means = self._means.get(native)
        if means is None:
            return Ignored(self._reason(native), line)
        always, item_of, takes = means
        learner, item = self._learner(row), item_of(row)
        nobody = self._nobody(row, learner, item)
        if nobody:
            return Ignored(nobody, line)
        values = always.copy()
        values["learner"] = identifier(learner, self._learner_name)
        values["item"] = identifier(item, self._item_name)
        for column, take, parse, name in takes:
            values[column] = parse(take(row), name)
        if self._outcome is not None:
            values.update(self._outcome(row, values))
            if "ignore" in values:
                return Ignored(str(values["ignore"]), line)
        if values.get("score") is None and values.get("raw") is not None:
            values["score"] = ratio(values["raw"], values.get("min"), values.get("max"))
        seconds, order = self._when(row)
        return Interaction(self._event_id(row), timestamp=seconds, order=order, **values)

    def _when(self, row: Row) -> tuple[int | None, int | None]:
        """Time, or order where only that is known."""
        order = self._order(row) if self._order is not None else None
        if order is None or order == "":
            return self._clock.seconds(self._time(row)), None
        return None, whole_number(order, "order")

    def _nobody(self, row: Row, learner: object, item: object) -> str:
        """Why the record is nobody's learning, or nothing."""
        for take, among, only, reason in self._rules:
            if (str(take(row)) in among) is not only:
                return reason
        if learner is None or learner == "":
            return "no learner named"
        return "no item named" if item is None or item == "" else ""

    def _event_id(self, row: Row) -> str:
        own = self._identity(row)
        if own is None or own == "":
            apart = self._kind.told_apart_by
            return hashed({name: row.get(name) for name in apart} if apart else row)
        return event_id(self._namespace, f"{self._numbered}{own}")

    def _reason(self, native: str) -> str:
        told = self._kind.ignored.get(native)
        if told is not None:
            return told
        reason = self._kind.otherwise
        return f"{reason}: {native}" if _NAME.fullmatch(native[:80]) else reason


def _name_of(where: Field, otherwise: str) -> str:
    """A field's name for messages."""
    if isinstance(where, str):
        return where
    if isinstance(where, Join):
        return where.take or otherwise
    return ".".join(where) if isinstance(where, tuple) else otherwise
