"""A change of the members that an operator hands in: checked, signed, sent to all (R27)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.events import Broadcast, Note, Persist
from swarm.ledger.membership import is_approved, preview, read_change
from swarm.ledger.transactions import MEMBERSHIP, Membership, write_transaction
from swarm.protocol import refuse, sign

if TYPE_CHECKING:
    from swarm.consensus.instance import Seat
    from swarm.events import ChangeRequested
    from swarm.ledger.rounds import Ledger
    from swarm.state import State, Step


def on_change(seat: Seat, state: State, event: ChangeRequested) -> Step:
    """Take a change that its signers have approved; it waits for the end of a round."""
    try:
        number = _check(state.ledger, event)
        if seat.me not in seat.genesis.by_id:
            raise refuse("a membership change at a platform that is no member", "R27")
    except RemoteProtocolError as error:
        return state, (Note("error", f"The change of the members is refused: {error}."),)
    key = (MEMBERSHIP, (number, 1))
    transaction = Membership(number, event.change, event.approvals)
    signed = sign(seat.signer, seat.me, *write_transaction(transaction))
    message = codec.encode(["transaction", signed.to_value()])
    desk = replace(state.desk, signed={**state.desk.signed, key: signed})
    told = Note("info", f"membership change {number} is handed in")
    return replace(state, desk=desk), (Persist(message), Broadcast(message), told)


def _check(ledger: Ledger, event: ChangeRequested) -> int:
    """Refuse what can never come next; whether approvals are true is found when it is applied."""
    change = read_change(event.change)
    if change.number != ledger.roster.changes + 1:
        raise refuse(
            f"change {change.number}; the next is {ledger.roster.changes + 1}: others were faster, "
            "make it again",
            "R27",
        )
    if ledger.height >= change.until:
        raise refuse(f"a change that expired at height {change.until}; make it again", "R27")
    if not is_approved(ledger.roster, change, event.approvals):
        raise refuse("a change that too few members have approved of", "R27")
    preview(ledger, change)
    return change.number
