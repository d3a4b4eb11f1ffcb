"""What the ledger says: rounds, heads and members, and what follows from that.

Which transaction may come next is `swarm.ledger.apply`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.roster import first_roster

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from swarm.ledger.genesis import Genesis
    from swarm.ledger.roster import Roster
    from swarm.ledger.transactions import Commit, RoundOpen

    Verify = Callable[[str, str, bytes, bytes], bool]

VOID_ABSTAINED: Final = "every expected member abstained"
VOID_EMPTY: Final = "no contribution was complete in time"
VOID_UNMERGED: Final = "no merge was agreed in time"

OUT_SILENT: Final = "no contribution arrived"
OUT_WITHHELD: Final = "its contribution could not be fetched"
OUT_ABSTAINED: Final = "abstained: "
_MISSED: Final = (OUT_SILENT, OUT_WITHHELD)
_RECENT: Final = 3


@dataclass(frozen=True, slots=True)
class Round:
    """One attempt of one round.

    Attributes:
        opening: Its RoundOpen.
        height: Where it was opened.
        commits: By member.
        abstained: Reason by member.
        included: (member, blob) of the CloseSet.
        out: (member, reason) of the CloseSet.
        outcome: `open`, `closed` (merging), `merged` or `void`.
        digest: Of the merge.
        reason: Of a void attempt.
        closed_height: Height of the CloseSet, else 0.
        decided_height: Height of MergeResult or RoundVoid, else 0.
        anchors: First ids of the anchors when it was closed (R34).
    """

    opening: RoundOpen
    height: int
    commits: Mapping[str, Commit] = field(default_factory=dict)
    abstained: Mapping[str, str] = field(default_factory=dict)
    included: tuple[tuple[str, bytes], ...] = ()
    out: tuple[tuple[str, str], ...] = ()
    outcome: str = "open"
    digest: bytes = b""
    reason: str = ""
    closed_height: int = 0
    decided_height: int = 0
    anchors: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[int, int]:
        """Round and attempt."""
        return self.opening.round, self.opening.attempt

    @property
    def kind(self) -> str:
        """Kind of the round."""
        return self.opening.kind

    @property
    def is_decided(self) -> bool:
        """Whether it has ended, with a merge or without."""
        return self.outcome in {"merged", "void"}

    @property
    def has_second_attempt(self) -> bool:
        """Whether the same round must be tried again (R25: two attempts at most)."""
        return (
            self.outcome == "void" and self.opening.attempt == 1 and self.reason != VOID_ABSTAINED
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The merge that HEAD, or the network's own pointer, points to."""

    round: int
    attempt: int
    height: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the final blocks say.

    Attributes:
        height: Of the last block; 0 when there is none.
        tip: Its hash; the swarm id when there is none.
        roster: The members in force for the next block (R27).
        rounds: All attempts, oldest first.
        accepted: Merged blobs by member (by its first id, if it has changed its key), oldest first;
            of rounds of the kind `parameters`, none.
        makers: Who committed to a blob (by the first id), for every blob ever committed to.
        head: The last merge, of `parameters` apart.
        updates: For each merged round of the kind `parameters`, oldest first, (member, blob).
        network: The last merge of the kind `parameters`.
    """

    height: int
    tip: bytes
    roster: Roster
    rounds: tuple[Round, ...] = ()
    accepted: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    makers: Mapping[bytes, str] = field(default_factory=dict)
    head: Head | None = None
    updates: tuple[tuple[tuple[str, bytes], ...], ...] = ()
    network: Head | None = None

    @property
    def current(self) -> Round | None:
        """The attempt that is under way."""
        return self.rounds[-1] if self.rounds and not self.rounds[-1].is_decided else None

    def head_of(self, kind: str) -> Head | None:
        """The last merge of rounds of this kind; a round of the kind builds on it (P27)."""
        return self.network if kind == PARAMETERS else self.head

    def find(self, key: tuple[int, int]) -> Round:
        """An attempt by round and attempt."""
        return next(entry for entry in reversed(self.rounds) if entry.key == key)

    def updates_with(self, closing: Round) -> tuple[tuple[tuple[str, bytes], ...], ...]:
        """All updates to merge once `closing` is merged: round by round, oldest first."""
        is_next = closing.outcome == "closed" and closing.kind == PARAMETERS
        if not is_next:
            return self.updates
        included = tuple((self.roster.origin(who), blob) for who, blob in closing.included)
        return (*self.updates, included)

    def contributions(self, closing: Round) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
        """All statistics to merge once `closing` is merged: by member, oldest first."""
        merged = dict(self.accepted)
        if closing.outcome == "closed" and closing.kind != PARAMETERS:
            for member, blob in closing.included:
                first = self.roster.origin(member)
                merged[first] = (*merged.get(first, ()), blob)
        return tuple((member, merged[member]) for member in sorted(merged))

    def releases(self, member: str) -> int:
        """Different contributions that a member has committed to; each has cost rho (R12)."""
        return sum(maker == self.roster.origin(member) for maker in self.makers.values())


def empty_ledger(genesis: Genesis) -> Ledger:
    """The ledger before its first block."""
    return Ledger(0, genesis.swarm_id, first_roster(genesis))


def compute_expected(genesis: Genesis, ledger: Ledger) -> tuple[str, ...]:
    """Who is waited for in the next round: not those left out twice in three rounds (R24)."""
    last: dict[int, Round] = {}
    for entry in reversed(ledger.rounds):
        last.setdefault(entry.opening.round, entry)
        if len(last) > _RECENT:
            break
    recent = sorted(last)[-_RECENT:]
    missed = [member for number in recent for member, why in last[number].out if why in _MISSED]
    expected = tuple(m for m in genesis.contributors if missed.count(m) < 2)
    return expected or genesis.contributors


def compute_next_round(ledger: Ledger) -> tuple[int, int]:
    """Round and attempt that may be opened once the current one is decided."""
    if not ledger.rounds:
        return 1, 1
    number, _ = ledger.rounds[-1].key
    return (number, 2) if ledger.rounds[-1].has_second_attempt else (number + 1, 1)


def compute_training(genesis: Genesis, ledger: Ledger, number: int) -> int | None:
    """Number of the round that began the training to which a round belongs.

    A training is `updates.rounds` merged rounds; a round that fails is tried again within it.

    Args:
        genesis: Of the swarm.
        ledger: With that round.
        number: Of the round.

    Returns:
        None where the round is none of the kind `parameters`.
    """
    if genesis.updates is None:
        return None
    merged = 0
    began: dict[int, int] = {}
    for entry in ledger.rounds:
        if entry.kind == PARAMETERS:
            first = began.setdefault(merged // genesis.updates.rounds, entry.opening.round)
            if entry.opening.round == number:
                return first
            merged += entry.outcome == "merged"
    return None


def compute_out(closing: Round, included: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Who is out and why, given who is in (R24): nobody is passed over in silence."""
    concerned = {*closing.opening.expected, *closing.commits, *closing.abstained}
    out = []
    for member in sorted(concerned - set(included)):
        if member in closing.abstained:
            out.append((member, OUT_ABSTAINED + closing.abstained[member]))
        else:
            out.append((member, OUT_WITHHELD if member in closing.commits else OUT_SILENT))
    return tuple(out)


def needed_blobs(
    genesis: Genesis, ledger: Ledger, held: Collection[bytes] = ()
) -> tuple[tuple[bytes, str, int], ...]:
    """Blobs that every member must hold: merged ones and the current round's.

    Args:
        genesis: Of the swarm.
        ledger: What names them.
        held: Those that need not be named.

    Returns:
        Digest, maker and size in bytes of each; sorted.
    """
    size = genesis.contribution_bytes
    blobs = {
        (blob, who, size)
        for who, merged in ledger.accepted.items()
        for blob in merged
        if blob not in held
    }
    if genesis.updates is not None:
        size = genesis.updates.terms.size
        updates = (pair for merged in ledger.updates for pair in merged)
        blobs |= {(blob, who, size) for who, blob in updates if blob not in held}
    current = ledger.current
    if current is not None:
        size = genesis.terms(current.kind).size
        commits = [(who, commit.blob) for who, commit in current.commits.items()]
        included = current.included if current.outcome == "closed" else commits
        blobs |= {(blob, who, size) for who, blob in included if blob not in held}
    return tuple(sorted(blobs))
