"""Everything a node knows, as one frozen value, and what its member may choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from swarm.consensus.instance import Instance
from swarm.consensus.rules import Rules
from swarm.desk import Desk
from swarm.ledger.rounds import empty_ledger
from swarm.rounds import Patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm.events import Effect
    from swarm.ledger.blocks import Block
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger
    from swarm.protocol import Signed


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What each member may choose for itself.

    Attributes:
        patience: How long to wait for blobs and merges.
        resend_ms: First interval of sending again what may be lost; doubles.
        resend_longest_ms: Last interval while something is under way.
        idle_ms: Interval of telling our height while nothing is under way.
        answer_ms: Least time between two answers to one member, and between two questions; and how
            long what is most often on its way already is waited for.
        silent_ms: A member that has not said what it has for so long is sent all that is ours.
        checkpoint: Height and hash of a block that the history must have: what an invitation names;
            with it we may start before we are a member (R27).
        restored: The disk comes from a backup: take no part until a height to which this member
            cannot have come before (R26).
        rules: Of consensus; only tests break them.
    """

    patience: Patience = field(default_factory=Patience)
    resend_ms: int = 1_000
    resend_longest_ms: int = 16_000
    idle_ms: int = 5_000
    answer_ms: int = 200
    silent_ms: int = 40_000
    checkpoint: tuple[int, bytes] | None = None
    restored: bool = False
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Peers:
    """What other members told us about themselves, and when we spoke.

    Attributes:
        heights: The height that each was working on.
        first: The first such height since we started.
        haves_ms: When each last said what it has (P25).
        said: How often we have said what we have.
        behind_ms: Since when somebody is known to be ahead of us; None if nobody is.
        answered_ms: When we last sent each what it lacked.
        asked_ms: When we last told each what we lack.
        resend_at: When to send again what may be lost.
        resend_gap: The interval after that; 0 while nothing is under way.
    """

    heights: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, int] = field(default_factory=dict)
    haves_ms: Mapping[str, int] = field(default_factory=dict)
    said: int = 0
    behind_ms: int | None = None
    answered_ms: Mapping[str, int] = field(default_factory=dict)
    asked_ms: Mapping[str, int] = field(default_factory=dict)
    resend_at: int = 0
    resend_gap: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything a node knows; replaced, never changed.

    Attributes:
        ledger: What the final blocks say.
        now_ms: Last time told.
        started: Whether the shell is up.
        passive: Whether we must not vote at this height (R26); on disk, too.
        instance: The height under way.
        blocks: Its blocks, parsed, by hash.
        pool: Members' transactions that are not final yet.
        desk: Our part in rounds.
        peers: What others told us.
        evidence: Members caught contradicting themselves, with the first case.
        log: Our own proposals and votes of later heights, from the log.
        early: Messages about the next height, by sender: those who sent them are ahead of us.
    """

    ledger: Ledger
    now_ms: int = 0
    started: bool = False
    passive: bool = False
    instance: Instance = field(default_factory=lambda: Instance(1))
    blocks: Mapping[bytes, Block] = field(default_factory=dict)
    pool: Mapping[tuple[str, str], Signed] = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    peers: Peers = field(default_factory=Peers)
    evidence: Mapping[str, str] = field(default_factory=dict)
    log: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    early: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


Step = tuple[State, tuple["Effect", ...]]


def empty_state(genesis: Genesis) -> State:
    """Before anything has happened."""
    return State(empty_ledger(genesis))
