"""The values that the template of `/ui/swarm` is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of the page."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A notice."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class MemberView:
    """A row of the members' table."""

    name: str
    id: str
    short_id: str
    me: bool
    state: str
    state_css: str
    seen: str
    bracket: str
    role: str


@dataclass(frozen=True, slots=True)
class Line:
    """A connection in the picture."""

    x1: int
    y1: int
    x2: int
    y2: int
    css: str


@dataclass(frozen=True, slots=True)
class Node:
    """A member in the picture."""

    name: str
    letter: str
    x: int
    y: int
    label_y: int
    anchor: bool
    css: str


@dataclass(frozen=True, slots=True)
class Ring:
    """The picture of who is connected."""

    label: str
    lines: tuple[Line, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OutView:
    """A member left out of a round, and why."""

    member: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round's card; `subject` says what it merges, unless that is statistics."""

    number: int
    subject: str
    attempt: int
    outcome: str
    css: str
    when: str
    sentence: str
    inside: str
    out: tuple[OutView, ...]
    epsilon: str
    digest: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """The promise (R4)."""

    sentence: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class SwarmView:
    """The whole page."""

    headline: str
    subtitle: str
    warnings: tuple[Warned, ...]
    tiles: tuple[Tile, ...]
    members: tuple[MemberView, ...]
    ring: Ring
    anchor_note: str
    rounds: tuple[RoundView, ...]
    leaves: tuple[str, ...]
    stays: tuple[str, ...]
    mix: str
    claim: ClaimView
    updated: str
