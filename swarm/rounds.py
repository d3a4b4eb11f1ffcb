"""One member's part in a round, as pure functions of ledger, desk and time.

- `work` says what to do now: contribute, sign, fetch, give receipts, merge, move HEAD.
- `compute_wish` says which transaction we would put into a block of our own.
- `agrees` says whether our own timer and merge support somebody else's (R24, R25).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.desk import Desk, Receipt, deadline, on_receipt, write_receipt
from swarm.events import (
    Broadcast,
    ComputeMerge,
    FetchBlob,
    MoveHead,
    Note,
    Persist,
    StartContribution,
)
from swarm.ledger.kinds import AGAIN, PARAMETERS
from swarm.ledger.rounds import (
    VOID_ABSTAINED,
    VOID_EMPTY,
    VOID_UNMERGED,
    compute_expected,
    compute_next_round,
    compute_out,
)
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    Included,
    MergeResult,
    RoundOpen,
    RoundVoid,
    Transaction,
    key_of,
    receipt_body,
    write_transaction,
)
from swarm.protocol import MAX_REASON, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm.consensus.instance import Seat
    from swarm.events import Effect
    from swarm.ledger.rounds import Head, Ledger, Round

_FETCHED_AT_ONCE: Final = 64
"""Of an old ledger's contributions, so many are asked for before the next ones."""

Work = tuple[Desk, tuple["Effect", ...]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait, in milliseconds; each member may choose.

    Attributes:
        fetch_again_ms: Between two requests for the same blob.
        merge_ms: From CloseSet to the wish to give up, if longer than the round's own timer.
    """

    fetch_again_ms: int = 5_000
    merge_ms: int = 60_000


def work(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Everything that is due now; doing it changes the desk so that it is due only once."""
    acts = (_watch_clock, _contribute, _ask_for_round, _answer, _fetch, _give_receipts, _merge)
    return _do(acts, seat, ledger, desk, now_ms, patience)


def watch(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """What is due while we must sign nothing, after a disk was restored (R26)."""
    return _do((_watch_clock, _fetch, _merge), seat, ledger, desk, now_ms, patience)


def _do(
    acts: tuple[Callable[[Seat, Ledger, Desk, int, Patience], Work], ...],
    seat: Seat,
    ledger: Ledger,
    desk: Desk,
    now_ms: int,
    patience: Patience,
) -> Work:
    effects: list[Effect] = []
    for act in acts:
        desk, done = act(seat, ledger, desk, now_ms, patience)
        effects.extend(done)
    return desk, tuple(effects)


def _watch_clock(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Remember who was complete when our timer ran out (R24)."""
    del patience
    current = ledger.current
    if current is None or current.outcome != "open" or desk.required is not None:
        return desk, ()
    if now_ms < deadline(desk, current):
        return desk, ()
    return replace(desk, required=frozenset(desk.complete(seat.genesis))), ()


def _contribute(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    del now_ms, patience
    current = ledger.current
    if current is None or current.outcome != "open" or current.key in desk.started:
        return desk, ()
    has_answered = any((purpose, current.key) in desk.signed for purpose in ("commit", "abstain"))
    is_known = seat.me in current.commits or seat.me in current.abstained
    if has_answered or is_known or seat.me not in seat.genesis.contributors:
        return desk, ()
    opening = current.opening
    if opening.kind == PARAMETERS and not desk.has_moved(ledger.network):
        return desk, ()  # training starts from merged parameters, which we do not have yet
    started = replace(desk, started=desk.started | {current.key})
    order = StartContribution(
        *current.key,
        opening.kind,
        opening.as_of,
        opening.base,
        seat.genesis.terms(opening.kind).size,
        opening.close_after_seconds,
    )
    return started, (order,)


def _ask_for_round(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Sign the RoundOpen that an operator asked for."""
    del now_ms, patience
    request = desk.request
    if request is None or ledger.current is not None or _is_retry_due(ledger):
        return desk, ()
    head = ledger.head_of(request.kind)
    opening = RoundOpen(
        *compute_next_round(ledger),
        request.kind,
        head.digest if head else b"",
        seat.genesis.manifest_digest,
        request.as_of,
        compute_expected(seat.genesis, ledger),
        request.close_after_seconds,
    )
    key = ("round-open", key_of(opening))
    mine = desk.signed.get(key)
    if mine is not None and mine.body != codec.encode(write_transaction(opening)[1]):
        # Members have changed since we signed it, so that it can never come next.
        desk = replace(desk, signed={at: kept for at, kept in desk.signed.items() if at != key})
    return _sign(seat, desk, opening)


def _is_retry_due(ledger: Ledger) -> bool:
    return bool(ledger.rounds) and ledger.rounds[-1].has_second_attempt


def _answer(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Sign our Commit or Abstain; it is on disk before it leaves (R26)."""
    del now_ms, patience
    current = ledger.current
    if current is None or current.outcome != "open":
        return desk, ()
    key = current.key
    if any((purpose, key) in desk.signed for purpose in ("commit", "abstain")):
        return desk, ()
    if seat.me in current.commits or seat.me in current.abstained:
        return desk, ()
    if key in desk.ready:
        blob, size = desk.ready[key]
        terms = seat.genesis.terms(current.kind)
        if size == terms.size:
            return _sign(seat, desk, Commit(*key, blob, size, terms.rho))
        return _sign(seat, desk, Abstain(*key, f"its contribution has {size} bytes"))
    if key in desk.abstained:
        reason = "".join(x if x.isprintable() else " " for x in desk.abstained[key])
        return _sign(seat, desk, Abstain(*key, reason.strip()[:MAX_REASON] or "no reason given"))
    return desk, ()


def _sign(seat: Seat, desk: Desk, transaction: Transaction) -> Work:
    purpose, body = write_transaction(transaction)
    key = key_of(transaction)
    if (purpose, key) in desk.signed:
        return desk, ()
    signed = sign(seat.signer, seat.me, purpose, body)
    message = codec.encode(["transaction", signed.to_value()])
    grown = replace(desk, signed={**desk.signed, (purpose, key): signed})
    return grown, (Persist(message), Broadcast(message))


def _fetch(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Fetch what is final and not here, from its maker or anybody who holds it."""
    effects = []
    asked = dict(desk.asked_ms) if desk.lacking else {}
    commits = {} if ledger.current is None else ledger.current.commits
    urgent = {commit.blob for commit in commits.values()} & desk.lacking.keys()
    for blob in sorted(urgent.union(islice(desk.lacking, _FETCHED_AT_ONCE))):
        maker, size = desk.lacking[blob]
        due = asked.get(blob, now_ms - patience.fetch_again_ms) + patience.fetch_again_ms
        if blob in desk.refused or now_ms < due:
            continue
        receipts = sorted(desk.receipts.get(maker, {}))
        others = [member for member in seat.genesis.ids if member not in receipts]
        order = dict.fromkeys([maker, *receipts, *others])
        holders = tuple(m for m in order if m != seat.me and m in seat.genesis.by_id)
        effects.append(FetchBlob(blob, size, holders))
        asked[blob] = now_ms
    return replace(desk, asked_ms=asked) if effects else desk, tuple(effects)


def _give_receipts(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Say that we hold others' contributions, once each.

    Where enough others have said so, members need no more, and whoever lacks them asks (P25).
    """
    del now_ms, patience
    current = ledger.current
    if current is None or current.outcome != "open":
        return desk, ()
    effects = []
    for maker in sorted(current.commits):
        blob = current.commits[maker].blob
        is_done = seat.me in desk.receipts.get(maker, {})
        if maker == seat.me or blob not in desk.stored or is_done:
            continue
        signature = seat.signer.sign("receipt", receipt_body(*current.key, maker, blob))
        receipt = Receipt(current.key, maker, blob, seat.me, signature)
        is_needed = len(desk.receipts.get(maker, {})) < seat.genesis.receipts_needed
        desk = on_receipt(seat.genesis, ledger, desk, receipt)
        if is_needed:
            effects.append(Broadcast(codec.encode(["receipt", write_receipt(receipt)])))
    return desk, tuple(effects)


def _merge(seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience) -> Work:
    """Merge what is closed, and what HEAD should be; move HEAD once merge and ledger agree."""
    del seat, now_ms, patience
    effects: list[Effect] = []
    due: list[Round] = []
    for head in (ledger.head, ledger.network):
        if head is not None and not desk.has_moved(head):
            entry = ledger.find((head.round, head.attempt))
            desk, moves = _move_head(desk, head, entry.kind)
            effects += moves
            due.append(entry)
    current = ledger.current
    if current is not None and current.outcome == "closed":
        due.append(current)
    for entry in due:
        order = _order_merge(ledger, desk, entry)
        if order is not None:
            effects.append(order)
            desk = replace(desk, asked_merges=desk.asked_merges | {entry.key})
    return desk, tuple(effects)


def _order_merge(ledger: Ledger, desk: Desk, entry: Round) -> ComputeMerge | None:
    """What to merge for an attempt, unless that was asked for, or a blob is not here yet."""
    if entry.key in desk.asked_merges or entry.key in desk.merges:
        return None
    current = ledger.current
    if current is not None and current.kind == AGAIN and entry is not current:
        return None  # that merge cannot be made again: a leaver's sums are taken out just now (R29)
    anchors = entry.anchors
    if entry.kind == PARAMETERS:
        order = ComputeMerge(*entry.key, (), anchors, ledger.updates_with(entry))
    else:
        order = ComputeMerge(*entry.key, ledger.contributions(entry), anchors)
    is_here = all(
        blob in desk.stored for _, blobs in order.contributions for blob in blobs
    ) and all(blob in desk.stored for merged in order.updates for _, blob in merged)
    return order if is_here else None


def _move_head(desk: Desk, head: Head, kind: str) -> tuple[Desk, list[Effect]]:
    key = (head.round, head.attempt)
    if key not in desk.merges:
        return desk, []
    if desk.merges[key] == head.digest:
        moved = replace(desk, moved=desk.moved | {key})
        return moved, [MoveHead(head.round, head.height, head.digest, kind)]
    if key in desk.warned:
        return desk, []
    text = (
        f"our merge of round {head.round} differs from the one that a quorum agreed on; "
        "HEAD stays. Check the blobs' folder for damage and that all members run one version."
    )
    return replace(desk, warned=desk.warned | {key}), [Note("error", text)]


def compute_wish(
    seat: Seat, ledger: Ledger, desk: Desk, now_ms: int, patience: Patience
) -> Transaction | None:
    """The transaction about the round that we would put into a block of our own."""
    current = ledger.current
    if current is None:
        return _compute_retry(seat, ledger)
    if current.outcome == "closed":
        if current.key in desk.merges and not _has_given_up(desk, current, now_ms, patience, 2):
            return MergeResult(*current.key, desk.merges[current.key])
        if _has_given_up(desk, current, now_ms, patience, 1):
            return RoundVoid(*current.key, VOID_UNMERGED)
        return None
    complete = desk.complete(seat.genesis)
    is_out_of_time = now_ms >= deadline(desk, current)
    if complete and (is_out_of_time or _is_settled(current, complete)):
        return _compute_close(seat, desk, current, complete)
    if not complete and _has_nobody(current):
        return RoundVoid(*current.key, VOID_ABSTAINED)
    if not complete and is_out_of_time:
        return RoundVoid(*current.key, VOID_EMPTY)
    return None


def agrees(
    seat: Seat,
    ledger: Ledger,
    desk: Desk,
    now_ms: int,
    patience: Patience,
    transaction: Transaction,
) -> bool:
    """Whether our timers and merges support a transaction that may come next; may change.

    What is asked here must come true for every honest member in the end, or else views time out.
    """
    current = ledger.current
    if current is None:
        return True
    match transaction:
        case CloseSet():
            included = {entry.member for entry in transaction.included}
            if desk.required is not None:
                return desk.required <= included
            is_settled = _is_settled(current, included)
            return is_settled and set(desk.complete(seat.genesis)) <= included
        case MergeResult():
            return desk.merges.get(current.key) == transaction.digest
        case RoundVoid() if current.outcome == "closed":
            factor = 2 if current.key in desk.merges else 1
            return _has_given_up(desk, current, now_ms, patience, factor)
        case RoundVoid():
            is_over = transaction.reason == VOID_ABSTAINED or desk.required is not None
            return is_over and not desk.complete(seat.genesis)
        case _:
            return True


def _has_given_up(desk: Desk, current: Round, now_ms: int, patience: Patience, factor: int) -> bool:
    """Whether a closed attempt has waited too long for its merge (R25)."""
    if current.kind == AGAIN:
        return False  # it needs nobody's contribution, only time
    longest = max(patience.merge_ms, 1000 * current.opening.close_after_seconds)
    return now_ms >= desk.closed_ms[current.key] + factor * longest


def _is_settled(current: Round, complete: tuple[str, ...] | set[str]) -> bool:
    """Whether everybody who is waited for is in or has abstained."""
    settled = {*complete, *current.abstained}
    return all(member in settled for member in current.opening.expected)


def _has_nobody(current: Round) -> bool:
    waits = [member for member in current.opening.expected if member not in current.abstained]
    return not waits and not current.commits


def _compute_close(seat: Seat, desk: Desk, current: Round, complete: tuple[str, ...]) -> CloseSet:
    place = {member: index for index, member in enumerate(seat.genesis.ids)}
    included = []
    for maker in complete:
        held = desk.receipts[maker]
        chosen = sorted(held)[: seat.genesis.receipts_needed]
        receipts = tuple((place[holder], held[holder]) for holder in chosen)
        included.append(Included(maker, current.commits[maker].blob, receipts))
    return CloseSet(*current.key, tuple(included), compute_out(current, complete))


def _compute_retry(seat: Seat, ledger: Ledger) -> RoundOpen | None:
    """The second attempt of a round that failed (R25)."""
    if not _is_retry_due(ledger):
        return None
    first = ledger.rounds[-1].opening
    return replace(
        first,
        attempt=2,
        expected=compute_expected(seat.genesis, ledger),
    )
