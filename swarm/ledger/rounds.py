"""What the ledger says about rounds, and which transaction may come next.

Validity is deterministic and free of data (R23): `apply_transaction` needs genesis, the ledger so
far and the transaction, no clock, no float, no private opinion. What depends on a member's own
timer or own merge (R24, R25) is asked before voting, in `swarm.rounds`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    MergeResult,
    RoundOpen,
    RoundVoid,
    Transaction,
    receipt_body,
)
from swarm.protocol import MAX_REASON, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from swarm.ledger.genesis import Genesis
    from swarm.ledger.transactions import Included

    Verify = Callable[[str, str, bytes, bytes], bool]

VOID_ABSTAINED: Final = "every expected member abstained"
VOID_EMPTY: Final = "no contribution was complete in time"
VOID_UNMERGED: Final = "no merge was agreed in time"

OUT_SILENT: Final = "no contribution arrived"
OUT_WITHHELD: Final = "its contribution could not be fetched"
OUT_ABSTAINED: Final = "abstained: "
_MISSED: Final = (OUT_SILENT, OUT_WITHHELD)


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
        rounds: All attempts, oldest first.
        accepted: Merged blobs by member, oldest first; of rounds of the kind `parameters`, none.
        makers: Who committed to a blob, for every blob ever committed to.
        head: The last merge, of `parameters` apart.
        updates: For each merged round of the kind `parameters`, oldest first, (member, blob).
        network: The last merge of the kind `parameters`.
    """

    height: int
    tip: bytes
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
        """The last merge of rounds of this kind; a round of the kind builds on it."""
        return self.network if kind == PARAMETERS else self.head

    def find(self, key: tuple[int, int]) -> Round:
        """An attempt by round and attempt."""
        return next(entry for entry in reversed(self.rounds) if entry.key == key)

    def updates_with(self, closing: Round) -> tuple[tuple[tuple[str, bytes], ...], ...]:
        """All updates to merge once `closing` is merged: round by round, oldest first."""
        is_next = closing.outcome == "closed" and closing.kind == PARAMETERS
        return (*self.updates, closing.included) if is_next else self.updates

    def contributions(self, closing: Round) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
        """All statistics to merge once `closing` is merged: by member, oldest first."""
        merged = dict(self.accepted)
        if closing.outcome == "closed" and closing.kind != PARAMETERS:
            for member, blob in closing.included:
                merged[member] = (*merged.get(member, ()), blob)
        return tuple((member, merged[member]) for member in sorted(merged))

    def releases(self, member: str) -> int:
        """Different contributions that a member has committed to; each has cost rho (R12)."""
        return sum(maker == member for maker in self.makers.values())


def empty_ledger(genesis: Genesis) -> Ledger:
    """The ledger before its first block."""
    return Ledger(0, genesis.swarm_id)


def compute_expected(genesis: Genesis, ledger: Ledger) -> tuple[str, ...]:
    """Who is waited for in the next round: not those left out twice in three rounds (R24)."""
    last: dict[int, Round] = {entry.opening.round: entry for entry in ledger.rounds}
    recent = [last[number] for number in sorted(last)[-3:]]
    missed = [member for entry in recent for member, why in entry.out if why in _MISSED]
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


def apply_transaction(
    genesis: Genesis, ledger: Ledger, transaction: Transaction, sender: str, verify: Verify
) -> Ledger:
    """The ledger after one more transaction.

    Args:
        genesis: Of the swarm.
        ledger: So far; its `height` is that of the block in which this transaction stands.
        transaction: What comes next.
        sender: The member who signed it.
        verify: For receipts.

    Raises:
        RemoteProtocolError: It may not come next; the message names the rule.
    """
    if sender not in genesis.by_id:
        raise refuse(f"a transaction of {sender[:64]}, who is no member", "R27")
    if isinstance(transaction, RoundOpen):
        return _open(genesis, ledger, transaction)
    current = ledger.current
    if current is None or current.key != (transaction.round, transaction.attempt):
        raise refuse(
            f"a transaction for round {transaction.round}, attempt {transaction.attempt}, "
            "which is not under way",
            "R25",
        )
    return _apply_to_current(genesis, ledger, current, transaction, sender, verify)


def _apply_to_current(
    genesis: Genesis,
    ledger: Ledger,
    current: Round,
    transaction: Commit | Abstain | CloseSet | MergeResult | RoundVoid,
    sender: str,
    verify: Verify,
) -> Ledger:
    match transaction:
        case MergeResult():
            return _merge(ledger, current, transaction)
        case Commit():
            changed = _commit(genesis, ledger, current, transaction, sender)
            ledger = replace(ledger, makers={**ledger.makers, transaction.blob: sender})
        case Abstain():
            changed = _abstain(genesis, current, transaction, sender)
        case CloseSet():
            changed = _close(genesis, ledger, current, transaction, verify)
        case _:
            changed = _void(current, transaction, ledger.height)
    return replace(ledger, rounds=(*ledger.rounds[:-1], changed))


def _open(genesis: Genesis, ledger: Ledger, opening: RoundOpen) -> Ledger:
    if ledger.current is not None:
        raise refuse(f"a round-open while round {ledger.current.opening.round} is open", "R25")
    if (opening.round, opening.attempt) != compute_next_round(ledger):
        raise refuse(
            f"a round-open for round {opening.round}, attempt {opening.attempt}; next is round "
            "%d, attempt %d" % compute_next_round(ledger),
            "R25",
        )
    if opening.attempt > 1:
        first = ledger.rounds[-1].opening
        mine = (opening.kind, opening.as_of, opening.close_after_seconds)
        if mine != (first.kind, first.as_of, first.close_after_seconds):
            raise refuse("a second attempt with other parameters than the first", "R25")
    if opening.manifest != genesis.manifest_digest:
        raise refuse("a round-open under another manifest than genesis'", "R15")
    genesis.terms(opening.kind)
    head = ledger.head_of(opening.kind)
    if opening.base != (head.digest if head else b""):
        raise refuse("a round-open on another base than HEAD", "R23")
    if opening.expected != compute_expected(genesis, ledger):
        raise refuse("a round-open that expects other members than the ledger says", "R24")
    return replace(ledger, rounds=(*ledger.rounds, Round(opening, ledger.height)))


def _may_answer(genesis: Genesis, current: Round, sender: str) -> None:
    if current.outcome != "open":
        raise refuse("a contribution to a round that is closed", "R24")
    if not genesis.by_id[sender].contributes:
        raise refuse(f"a contribution by {sender}, who is a witness", "R12")
    if sender in current.commits or sender in current.abstained:
        raise refuse(f"a second answer of {sender} to one round", "R12")


def _commit(genesis: Genesis, ledger: Ledger, current: Round, commit: Commit, sender: str) -> Round:
    _may_answer(genesis, current, sender)
    terms = genesis.terms(current.kind)
    if commit.rho != terms.rho:
        raise refuse("a commit whose rho is not the manifest's", "R12")
    if commit.size != terms.size:
        raise refuse(f"a commit to {commit.size} bytes, the manifest's are {terms.size}", "R9")
    if ledger.makers.get(commit.blob, sender) != sender:
        raise refuse("a commit to another member's contribution", "R12")
    is_update = (sender, commit.blob) in (pair for merged in ledger.updates for pair in merged)
    if is_update or commit.blob in ledger.accepted.get(sender, ()):
        raise refuse("a commit to a contribution that is already merged", "R13")
    for earlier in ledger.rounds[:-1]:
        # Training that goes on from one base is paid for once, however many rounds fail there.
        same_base = earlier.kind == current.kind == PARAMETERS and (
            earlier.opening.base == current.opening.base
        )
        same = same_base or earlier.opening.round == commit.round
        if same and earlier.commits.get(sender, commit).blob != commit.blob:
            raise refuse("a second contribution of one member in one round", "R12")
    return replace(current, commits={**current.commits, sender: commit})


def _abstain(genesis: Genesis, current: Round, abstain: Abstain, sender: str) -> Round:
    _may_answer(genesis, current, sender)
    return replace(current, abstained={**current.abstained, sender: abstain.reason[:MAX_REASON]})


def _close(
    genesis: Genesis, ledger: Ledger, current: Round, closing: CloseSet, verify: Verify
) -> Round:
    if current.outcome != "open":
        raise refuse("a close-set for a round that is closed", "R24")
    members = [entry.member for entry in closing.included]
    if not members or members != sorted(set(members)):
        raise refuse("a close-set that is empty, unsorted, or names a member twice", "R24")
    for entry in closing.included:
        _check_included(genesis, current, entry, verify)
    if closing.out != compute_out(current, members):
        raise refuse("a close-set that does not name who is out, and why", "R24")
    return replace(
        current,
        included=tuple((entry.member, entry.blob) for entry in closing.included),
        out=closing.out,
        outcome="closed",
        closed_height=ledger.height,
    )


def _check_included(genesis: Genesis, current: Round, entry: Included, verify: Verify) -> None:
    commit = current.commits.get(entry.member)
    if commit is None or commit.blob != entry.blob:
        raise refuse(f"a close-set with a blob that {entry.member} did not commit to", "R24")
    holders = [index for index, _ in entry.receipts]
    if len(holders) != genesis.receipts_needed or holders != sorted(set(holders)):
        raise refuse(f"a close-set without f+1 receipts for {entry.member}", "R24")
    body = receipt_body(*current.key, entry.member, entry.blob)
    for index, signature in entry.receipts:
        holder = genesis.ids[index] if index < len(genesis.ids) else entry.member
        if holder == entry.member or not verify(holder, "receipt", body, signature):
            raise refuse(f"a close-set with a false receipt for {entry.member}", "R24")


def _merge(ledger: Ledger, current: Round, result: MergeResult) -> Ledger:
    if current.outcome != "closed":
        raise refuse("a merge-result for a round that is not closed", "R23")
    merged = replace(current, outcome="merged", digest=result.digest, decided_height=ledger.height)
    head = Head(*current.key, ledger.height, result.digest)
    rounds = (*ledger.rounds[:-1], merged)
    if current.kind == PARAMETERS:
        return replace(ledger, rounds=rounds, updates=ledger.updates_with(current), network=head)
    accepted = dict(ledger.contributions(current))
    return replace(ledger, rounds=rounds, accepted=accepted, head=head)


def _void(current: Round, void: RoundVoid, height: int) -> Round:
    has_abstained = not current.commits and all(
        member in current.abstained for member in current.opening.expected
    )
    fitting = {
        "closed": (VOID_UNMERGED,),
        "open": (VOID_ABSTAINED,) if has_abstained else (VOID_EMPTY,),
    }[current.outcome]
    if void.reason not in fitting:
        raise refuse(f"a round-void for {void.reason!r}; only {fitting[0]!r} can be true", "R25")
    return replace(current, outcome="void", reason=void.reason, decided_height=height)
