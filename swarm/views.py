"""What a node shows of itself, for status files and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from swarm.consensus.instance import Seat
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Head, Round
    from swarm.state import State


@dataclass(frozen=True, slots=True)
class NodeView:
    """What a node knows, as far as others may see it.

    Attributes:
        height: Of the last final block; 0 before the first.
        view: Of the height under way, from 1.
        deciding_since_ms: When its present view began, by our clock; None before the first.
        state: `idle`, `contributing`, `closing`, `fetching`, `merging`, `behind`, or `no member`:
            not yet, or not any more.
        head: The last merge on the ledger, or None.
        has_head: Whether our own merge of it is done and equal, so that HEAD points to it.
        rounds: All attempts on the ledger, oldest first.
        quorum: Signatures that decide (R22).
        tolerates: How many members may lie.
        rho: Cost of one, numerator and denominator.
        served: Blobs whose Commit is final: they may be given to members.
        missing: Blobs that we still lack.
        heights: The height that each other member last told us it was working on.
        pending: Purposes of our own transactions that are not final yet.
        evidence: Members caught contradicting themselves: id and the first case.
        roster: The members in force for the next block (R27).
        passive: Whether we take no part, after a disk was restored (R26).
        merge_differs: Whether our own merge is not the one that a quorum agreed on.
        warnings: What an operator should read, one sentence each.
    """

    height: int
    view: int
    deciding_since_ms: int | None
    state: str
    head: Head | None
    has_head: bool
    rounds: tuple[Round, ...]
    quorum: int
    tolerates: int
    rho: tuple[int, int]
    served: Collection[bytes]
    missing: Collection[bytes]
    heights: Mapping[str, int]
    pending: tuple[str, ...]
    evidence: Mapping[str, str]
    roster: Roster
    passive: bool
    merge_differs: bool
    warnings: tuple[str, ...]


def build_view(seat: Seat, state: State) -> NodeView:
    """The present view."""
    ledger = state.ledger
    head = ledger.head
    missing = state.desk.lacking.keys()
    return NodeView(
        height=ledger.height,
        view=state.instance.view,
        deciding_since_ms=state.instance.since,
        state=_compute_state(seat, state, missing),
        head=head,
        has_head=head is not None and state.desk.has_moved(head),
        rounds=ledger.rounds,
        quorum=seat.genesis.quorum,
        tolerates=seat.genesis.tolerates,
        rho=seat.genesis.rho,
        served=ledger.makers.keys(),
        missing=missing,
        heights={
            who: height for who, height in state.peers.heights.items() if who in ledger.roster.by_id
        },
        pending=tuple(purpose for purpose, member in sorted(state.pool) if member == seat.me),
        evidence=dict(state.evidence),
        roster=ledger.roster,
        passive=state.passive,
        merge_differs=bool(state.desk.warned),
        warnings=_compute_warnings(seat, state),
    )


def _compute_state(seat: Seat, state: State, missing: Collection[bytes]) -> str:
    current = state.ledger.current
    if seat.me not in seat.genesis.by_id:
        return "no member"
    heights = [state.peers.heights.get(member, 0) for member in seat.genesis.ids]
    ahead = sum(height > state.instance.height for height in heights)
    if ahead > seat.genesis.tolerates:  # so many cannot all be lying
        return "behind"
    if current is not None and current.outcome == "open":
        answered = seat.me in current.commits or seat.me in current.abstained
        contributes = seat.me in seat.genesis.contributors
        return "contributing" if contributes and not answered else "closing"
    ledger = state.ledger
    has_heads = state.desk.has_moved(ledger.head) and state.desk.has_moved(ledger.network)
    if current is None and has_heads:
        return "idle"
    return "fetching" if missing else "merging"


def _compute_warnings(seat: Seat, state: State) -> tuple[str, ...]:
    warnings = []
    names = state.ledger.roster.names
    if seat.genesis.tolerates == 0:
        warnings.append("Agreement assumes that no member lies: there are fewer than 4 members.")
    if state.passive and seat.me in seat.genesis.by_id:
        warnings.append("This disk was restored: no vote until two more heights are decided.")
    for member, case in sorted(state.evidence.items()):
        warnings.append(f"{names[member]} signed {case}: it lies, or two processes use its key.")
    if state.desk.warned:
        warnings.append("Our own merge differs from the one agreed on; HEAD has not moved.")
    return tuple(warnings)
