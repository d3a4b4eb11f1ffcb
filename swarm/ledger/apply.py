"""Which transaction may come next, and what the ledger says after it.

Validity is deterministic and free of data (R23): `apply_transaction` needs the ledger so far and
the transaction, no clock, no float, no private opinion. What depends on a member's own timer or own
merge (R24, R25) is asked before voting, in `swarm.rounds`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from swarm.ledger.kinds import AGAIN, PARAMETERS
from swarm.ledger.membership import change_members
from swarm.ledger.rounds import (
    VOID_ABSTAINED,
    VOID_EMPTY,
    VOID_UNMERGED,
    Head,
    Round,
    compute_expected,
    compute_next_round,
    compute_out,
)
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    Membership,
    MergeResult,
    RoundOpen,
    RoundVoid,
    Transaction,
    receipt_body,
)
from swarm.protocol import MAX_REASON, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger, Verify
    from swarm.ledger.transactions import Included


def apply_transaction(
    ledger: Ledger, transaction: Transaction, sender: str, verify: Verify
) -> Ledger:
    """The ledger after one more transaction.

    Args:
        ledger: So far; its `height` is that of the block in which this transaction stands.
        transaction: What comes next.
        sender: The member who signed it.
        verify: For receipts, and for approvals of a membership change.

    Raises:
        RemoteProtocolError: It may not come next; the message names the rule.
    """
    roster = ledger.roster
    if sender not in roster.by_id:
        raise refuse(f"a transaction of {sender[:64]}, who is no member", "R27")
    if isinstance(transaction, RoundOpen):
        if transaction.kind == AGAIN:
            raise refuse(
                "a round-open of the kind 'again', which only a change of members opens", "R29"
            )
        return _open(roster, ledger, transaction)
    if isinstance(transaction, Membership):
        return change_members(ledger, transaction, verify)
    current = ledger.current
    if current is None or current.key != (transaction.round, transaction.attempt):
        raise refuse(
            f"a transaction for round {transaction.round}, attempt {transaction.attempt}, "
            "which is not under way",
            "R25",
        )
    return _apply_to_current(roster, ledger, current, transaction, sender, verify)


def _apply_to_current(
    roster: Roster,
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
            changed = _commit(roster, ledger, current, transaction, sender)
            first = roster.origin(sender)
            ledger = replace(ledger, makers={**ledger.makers, transaction.blob: first})
        case Abstain():
            changed = _abstain(roster, current, transaction, sender)
        case CloseSet():
            changed = _close(roster, ledger, current, transaction, verify)
        case _:
            changed = _void(current, transaction, ledger.height)
    return replace(ledger, rounds=(*ledger.rounds[:-1], changed))


def _open(roster: Roster, ledger: Ledger, opening: RoundOpen) -> Ledger:
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
    if opening.manifest != roster.manifest_digest:
        raise refuse("a round-open under another manifest than genesis'", "R15")
    roster.terms(opening.kind)
    head = ledger.head_of(opening.kind)
    if opening.base != (head.digest if head else b""):
        raise refuse("a round-open on another base than HEAD", "R23")
    if opening.expected != compute_expected(roster, ledger):
        raise refuse("a round-open that expects other members than the ledger says", "R24")
    return replace(ledger, rounds=(*ledger.rounds, Round(opening, ledger.height)))


def _may_answer(roster: Roster, current: Round, sender: str) -> None:
    if current.outcome != "open":
        raise refuse("a contribution to a round that is closed", "R24")
    if not roster.by_id[sender].contributes:
        raise refuse(f"a contribution by {sender}, who is a witness", "R12")
    if sender in current.commits or sender in current.abstained:
        raise refuse(f"a second answer of {sender} to one round", "R12")


def _commit(roster: Roster, ledger: Ledger, current: Round, commit: Commit, sender: str) -> Round:
    _may_answer(roster, current, sender)
    terms = roster.terms(current.kind)
    if commit.rho != terms.rho:
        raise refuse("a commit whose rho is not the manifest's", "R12")
    if commit.size != terms.size:
        raise refuse(f"a commit to {commit.size} bytes, the manifest's are {terms.size}", "R9")
    first = roster.origin(sender)
    if ledger.makers.get(commit.blob, first) != first:
        raise refuse("a commit to another member's contribution", "R12")
    is_update = (first, commit.blob) in (pair for merged in ledger.updates for pair in merged)
    if is_update or commit.blob in ledger.accepted.get(first, ()):
        raise refuse("a commit to a contribution that is already merged", "R13")
    for earlier in _same_release(ledger, current):
        # Under whatever key: a new key is no new budget.
        mine = {c.blob for who, c in earlier.commits.items() if roster.origin(who) == first}
        if mine - {commit.blob}:
            raise refuse("a second contribution of one member in one round", "R12")
    return replace(current, commits={**current.commits, sender: commit})


def _same_release(ledger: Ledger, current: Round) -> Iterator[Round]:
    """Earlier attempts to which a member contributes what it contributes to the current one."""
    for earlier in reversed(ledger.rounds[:-1]):
        same_round = earlier.opening.round == current.opening.round
        # P28: training from one base is paid for once, however many rounds fail there.
        same_base = earlier.kind == current.kind == PARAMETERS and (
            earlier.opening.base == current.opening.base
        )
        if same_round or same_base:
            yield earlier
        elif current.kind != PARAMETERS:  # rounds stand in order
            return


def _abstain(roster: Roster, current: Round, abstain: Abstain, sender: str) -> Round:
    _may_answer(roster, current, sender)
    return replace(current, abstained={**current.abstained, sender: abstain.reason[:MAX_REASON]})


def _close(
    roster: Roster, ledger: Ledger, current: Round, closing: CloseSet, verify: Verify
) -> Round:
    if current.outcome != "open":
        raise refuse("a close-set for a round that is closed", "R24")
    members = [entry.member for entry in closing.included]
    if not members or members != sorted(set(members)):
        raise refuse("a close-set that is empty, unsorted, or names a member twice", "R24")
    for entry in closing.included:
        _check_included(roster, current, entry, verify)
    if closing.out != compute_out(current, members):
        raise refuse("a close-set that does not name who is out, and why", "R24")
    return replace(
        current,
        included=tuple((entry.member, entry.blob) for entry in closing.included),
        out=closing.out,
        outcome="closed",
        closed_height=ledger.height,
        anchors=roster.anchor_origins,
    )


def _check_included(roster: Roster, current: Round, entry: Included, verify: Verify) -> None:
    commit = current.commits.get(entry.member)
    if commit is None or commit.blob != entry.blob:
        raise refuse(f"a close-set with a blob that {entry.member} did not commit to", "R24")
    holders = [index for index, _ in entry.receipts]
    if len(holders) != roster.receipts_needed or holders != sorted(set(holders)):
        raise refuse(f"a close-set without f+1 receipts for {entry.member}", "R24")
    body = receipt_body(*current.key, entry.member, entry.blob)
    for index, signature in entry.receipts:
        holder = roster.ids[index] if index < len(roster.ids) else entry.member
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
    if current.kind == AGAIN:
        raise refuse("a round-void for the merge without a member that has left", "R29")
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
