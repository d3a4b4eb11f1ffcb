"""One kind of log, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from platform_adapters.declared_side import taken_by
from platform_adapters.format import ROWS, Sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Set
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.declared_side import Side, Taken
    from platform_adapters.fields import Field, Row


@dataclass(frozen=True, slots=True)
class Only:
    """Rows with another value here are nobody's learning."""

    field: Field
    values: Set[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Not:
    """Rows with one of these values here are nobody's learning."""

    field: Field
    values: Set[str]
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
        beside: Tables that it needs beside it though nothing is taken of them.
        example: What one record says, in a sentence.
        files: How files are known whose records are not their rows.
        read: What makes records of such a file.
    """

    name: str
    what: str
    marks: Set[str]
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
    beside: tuple[Side, ...] = ()
    example: str = ""
    files: tuple[Sign, ...] = ()
    read: Callable[[Path], Iterator[Record]] | None = None

    def signs(self) -> list[Sign]:
        """How its files are recognised."""
        plain = Sign(self.what, self.marks, self.kinds, example=self.example)
        if self.files:
            return [replace(sign, what=self.what, example=self.example) for sign in self.files]
        return [replace(plain, needs={self.table}, kinds=("sqlite",)) if self.table else plain]

    def sides(self) -> Taken:
        """The tables that stand beside it, and what is taken of them."""
        verbs = () if isinstance(self.verbs, str) else self.verbs.values()
        means = [means for means in verbs if isinstance(means, Means)]
        elsewhere = (field for m in means for field in (m.item, *m.fields.values()))
        own = (self.learner, self.item, self.time, self.event, self.identity, self.order)
        ruled = (rule.field for rule in self.rules)
        taken = taken_by((*own, *ruled, *self.fields.values(), *elsewhere, *self.told_apart_by))
        return {**{side: set() for side in self.beside}, **taken}
