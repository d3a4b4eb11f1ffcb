"""The reader of one kind of log: each native event's records, by a function of its own."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from platform_adapters.compiler import Function
from platform_adapters.contract import COLUMNS, NAMED, Ignored, Interaction
from platform_adapters.declared_rows import Means, Not
from platform_adapters.fields import Apply, Constant, Join
from platform_adapters.values import (
    Clock,
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
    from platform_adapters.declared_rows import Only, Rows
    from platform_adapters.fields import Field, Row, Tables

    Reader = Callable[[Row, int], Interaction | Ignored]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)+")
"""A native event's name may be told in a report: several words, which no person's id looks like."""

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
_TEXTS = frozenset({"course", "parent_item", "session", "language", "skill"})
_USED = {f.__name__: f for f in (Interaction, Ignored, hashed, identifier, ratio, whole_number)}


class _Readers(dict[str, "Reader"]):
    """Functions by native event, each written when it is needed first."""

    def __init__(self, make: Callable[[str], Reader | None], reason: Callable[[str], str]) -> None:
        self._make = make
        self._reason = reason

    def __missing__(self, native: str) -> Reader:
        made = self._make(native)
        if made is None:  # not kept: their names may be without end
            return _ignoring(self._reason(native))
        self[native] = made
        return made


def _ignoring(reason: str) -> Reader:
    return lambda _row, line: Ignored(reason, line)


class RowReader:
    """Reads one kind of log within one import.

    Attributes:
        marks: Columns by which its records are known.
        read: From a record and its line to what it is; raises `RecordError`.
        readers: The functions that have been needed so far, by native event.
    """

    def __init__(self, kind: Rows, format_name: str, options: AdaptOptions, tables: Tables) -> None:
        self.marks = kind.marks
        self._kind = kind
        self._format = format_name
        self._tables = tables
        self._clock = Clock(options.timezone, _name_of(kind.time, "time"), kind.times)
        verbs = {"": kind.verbs} if isinstance(kind.verbs, str) else kind.verbs
        self._means = {n: Means(m) if isinstance(m, str) else m for n, m in verbs.items()}
        self.readers = _Readers(self._make, self._reason)
        self.read: Reader = self._dispatch(self.readers).made()

    def cells(self, columns: tuple[str, ...]) -> Reader:
        """`read` for rows of texts with these columns."""
        readers = _Readers(lambda native: self._make(native, columns), self._reason)
        return self._dispatch(readers, columns).made()

    def _dispatch(self, readers: _Readers, columns: tuple[str, ...] | None = None) -> Function:
        """What finds the function of a record's native event."""
        made = Function(self._tables, columns=columns)
        native = "''" if self._kind.event is None else f"str({made.value(self._kind.event)} or '')"
        made.write(f"return {made.bind(readers, 'readers')}[{native}](row, line)")
        return made

    def _make(self, native: str, columns: tuple[str, ...] | None = None) -> Reader | None:
        if native in self._means:
            return self.function(native, columns).made()
        return _ignoring(self._reason(native)) if native in self._kind.ignored else None

    def function(self, native: str, columns: tuple[str, ...] | None = None) -> Function:
        """What reads the records of a native event, as it is written."""
        kind, means = self._kind, self._means[native]
        made = Function(self._tables, _USED, columns)
        where = {"learner": kind.learner, "item": means.item or kind.item}
        self._write_rules(made, where)
        where |= {**kind.fields, **means.fields}
        for field in where.values():
            if not isinstance(field, Constant):
                made.value(field)  # first all are taken, then all are parsed
        # By column, in their order: what the interaction is made of.
        values = {
            **{name: "''" if name in _TEXTS else "None" for name in COLUMNS[1:]},
            "verb": repr(means.verb),
            "evidence": repr(kind.evidence),
            "source": repr(f"{self._format}:{native or kind.name}"),
        }
        for name in COLUMNS[1:]:
            if name in where:
                values[name] = _parsed(made, name, where[name])
        if kind.outcome is not None or "raw" in where:
            made.write(*(f"{name} = {text}" for name, text in values.items()))
            values = dict(zip(values, values, strict=True))
            if kind.outcome is not None:
                self._write_outcome(made)
            made.write("if score is None and raw is not None: score = ratio(raw, min, max)")
        values |= self._write_time(made)
        event_id = self._event_id(made)
        made.write(f"return Interaction({event_id}, {', '.join(values.values())})")
        return made

    def _write_rules(self, made: Function, where: Mapping[str, Field]) -> None:
        """What makes a record nobody's learning; it needs a learner and an item."""
        lacking = {name: made.lacks(field) for name, field in where.items()}
        for rule in self._kind.rules:
            out = made.value(Apply(partial(_is_out, rule), (rule.field,)))
            made.write(f"if {out}: return Ignored({rule.reason!r}, line)")
        for name, lacks in lacking.items():
            made.write(f"if {lacks}: return Ignored({f'no {name} named'!r}, line)")

    def _write_outcome(self, made: Function) -> None:
        """What cannot be said as data may change every column."""
        outcome, names = made.bind(self._kind.outcome, "outcome"), ", ".join(COLUMNS[1:])
        made.write(
            f"values = {{{', '.join(f'{name!r}: {name}' for name in COLUMNS[1:])}}}",
            f"values.update({outcome}({made.record()}, values))",
            "if 'ignore' in values: return Ignored(str(values['ignore']), line)",
            f"{names} = values.values()",
        )

    def _write_time(self, made: Function) -> dict[str, str]:
        """Time, or order where only that is known."""
        kind, seconds = self._kind, made.bind(self._clock.seconds, "seconds")
        time = made.value(kind.time, recurs=False)
        if kind.order is None:
            made.write(f"timestamp = {seconds}({time})")
            return {"timestamp": "timestamp"}
        order = made.value(kind.order, recurs=False)
        made.write(
            "timestamp = order = None",
            f"if {made.lacks(kind.order)}: timestamp = {seconds}({time})",
            f"else: order = whole_number({order}, 'order')",
        )
        return {"timestamp": "timestamp", "order": "order"}

    def _event_id(self, made: Function) -> str:
        kind = self._kind
        apart = ", ".join(f"{name!r}: {made.value(name)}" for name in kind.told_apart_by)
        content = f"hashed({{{apart}}})" if apart else f"hashed({made.record()})"
        if kind.identity is None:
            return content
        own = made.value(kind.identity, recurs=False)
        name = f"{NAMED}{self._format}:{kind.name}:"
        return f"{content} if {made.lacks(kind.identity)} else {name!r} + str({own})"

    def _reason(self, native: str) -> str:
        told = self._kind.ignored.get(native)
        if told is not None:
            return told
        reason = self._kind.otherwise
        return f"{reason}: {native}" if _NAME.fullmatch(native[:80]) else reason


def _is_out(rule: Only | Not, found: object) -> bool:
    """Whether a rule makes a record nobody's learning."""
    return (str(found) in rule.values) is isinstance(rule, Not)


def _parsed(made: Function, column: str, field: Field) -> str:
    """A column's value, made of a field, as it is written."""
    name, parse = _name_of(field, column), _PARSERS.get(column, identifier)
    if isinstance(field, Constant):
        return repr(parse(field.value, name))
    nothing = "" if column in _TEXTS else None

    def parsed(value: object) -> object:
        return nothing if value is None or value == "" else parse(value, name)

    return made.value(Apply(parsed, (field,)))


def _name_of(where: Field, otherwise: str) -> str:
    """A field's name for messages."""
    if isinstance(where, str):
        return where
    if isinstance(where, Join):
        return where.take or otherwise
    return ".".join(where) if isinstance(where, tuple) else otherwise
