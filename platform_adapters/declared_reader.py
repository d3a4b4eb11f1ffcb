"""The reader of one kind of log: each native event's records, by a function of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_adapters.compiler import Function
from platform_adapters.contract import COLUMNS, Ignored, Interaction
from platform_adapters.declared_rows import Means, Only
from platform_adapters.fields import Constant, Join
from platform_adapters.values import (
    Clock,
    event_namespace,
    hashed,
    identifier,
    length,
    numbered_ids,
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
    from platform_adapters.declared_rows import Rows
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
            reason = self._reason(native)
            return lambda _row, line: Ignored(reason, line)
        self[native] = made
        return made


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
        self._namespace = event_namespace(options.platform)
        self._clock = Clock(options.timezone, _name_of(kind.time, "time"), kind.times)
        verbs = {"": kind.verbs} if isinstance(kind.verbs, str) else kind.verbs
        self._means = {n: Means(m) if isinstance(m, str) else m for n, m in verbs.items()}
        self.readers = _Readers(self._make, self._reason)
        self.read: Reader = self._dispatch().made()

    def _dispatch(self) -> Function:
        """What finds the function of a record's native event."""
        made = Function(self._tables)
        native = "''" if self._kind.event is None else f"str({made.value(self._kind.event)} or '')"
        readers = made.bind(self.readers, "readers")
        made.write(f"return {readers}[{native}](row, line)")
        return made

    def _make(self, native: str) -> Reader | None:
        return self.function(native).made() if native in self._means else None

    def function(self, native: str) -> Function:
        """What reads the records of a native event, as it is written."""
        kind, means, made = self._kind, self._means[native], Function(self._tables, _USED)
        learner, item = made.value(kind.learner), made.value(means.item or kind.item)
        for rule in kind.rules:
            found, among = made.value(rule.field), made.bind(rule.values, "values")
            sign = "not in" if isinstance(rule, Only) else "in"
            made.write(f"if str({found}) {sign} {among}: return Ignored({rule.reason!r}, line)")
        for each, what in ((learner, "learner"), (item, "item")):
            reason = f"no {what} named"
            made.write(f"if {each} is None or {each} == '': return Ignored({reason!r}, line)")
        # By column, in their order: what the interaction is made of.
        columns = {name: "''" if name in _TEXTS else "None" for name in COLUMNS[1:]}
        columns["learner"] = f"identifier({learner}, {_name_of(kind.learner, 'learner')!r})"
        columns["item"] = f"identifier({item}, {_name_of(kind.item, 'item')!r})"
        columns["verb"], columns["evidence"] = repr(means.verb), repr(kind.evidence)
        columns["source"] = repr(f"{self._format}:{native or kind.name}")
        for column, field in {**kind.fields, **means.fields}.items():
            columns[column] = _parsed(made, column, field)
        made.write(*(f"{name} = {text}" for name, text in columns.items()))
        if kind.outcome is not None:
            self._write_outcome(made, columns)
        if kind.outcome is not None or "raw" in kind.fields or "raw" in means.fields:
            made.write("if score is None and raw is not None: score = ratio(raw, min, max)")
        self._write_time(made)
        made.write(f"return Interaction({self._event_id(made)}, {', '.join(COLUMNS[1:])})")
        return made

    def _write_outcome(self, made: Function, columns: Mapping[str, str]) -> None:
        """What cannot be said as data may change every column."""
        outcome, names = made.bind(self._kind.outcome, "outcome"), ", ".join(columns)
        made.write(
            f"values = {{{', '.join(f'{name!r}: {name}' for name in columns)}}}",
            f"values.update({outcome}(row, values))",
            "if 'ignore' in values: return Ignored(str(values['ignore']), line)",
            f"{names} = values.values()",
        )

    def _write_time(self, made: Function) -> None:
        """Time, or order where only that is known."""
        kind, seconds = self._kind, made.bind(self._clock.seconds, "seconds")
        if kind.order is None:
            made.write(f"timestamp = {seconds}({made.value(kind.time)})")
            return
        order, time = made.value(kind.order), made.value(kind.time)
        made.write(
            f"if {order} is None or {order} == '': timestamp = {seconds}({time})",
            f"else: order = whole_number({order}, 'order')",
        )

    def _event_id(self, made: Function) -> str:
        kind = self._kind
        apart = ", ".join(f"{name!r}: {made.value(name)}" for name in kind.told_apart_by)
        content = f"hashed({{{apart}}})" if apart else "hashed(row)"
        if kind.identity is None:
            return content
        own = made.value(kind.identity)
        numbered = numbered_ids(self._namespace, f"{self._format}:{kind.name}:")
        numbers = made.bind(numbered, "numbered")
        return f"{content} if {own} is None or {own} == '' else {numbers}({own})"

    def _reason(self, native: str) -> str:
        told = self._kind.ignored.get(native)
        if told is not None:
            return told
        reason = self._kind.otherwise
        return f"{reason}: {native}" if _NAME.fullmatch(native[:80]) else reason


def _parsed(made: Function, column: str, field: Field) -> str:
    """A column's value out of a field, as it is written."""
    name, parse = _name_of(field, column), _PARSERS.get(column, identifier)
    nothing = "''" if column in _TEXTS else "None"
    if isinstance(field, Constant):
        return repr(parse(field.value, name))
    value, parser = made.value(field), made.bind(parse, "parse")
    return f"{nothing} if {value} is None or {value} == '' else {parser}({value}, {name!r})"


def _name_of(where: Field, otherwise: str) -> str:
    """A field's name for messages."""
    if isinstance(where, str):
        return where
    if isinstance(where, Join):
        return where.take or otherwise
    return ".".join(where) if isinstance(where, tuple) else otherwise
