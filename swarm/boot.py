"""Starting, and again: the ledger is verified, the log replayed, no vote forgotten (R26)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from swarm import codec
from swarm.consensus.instance import Instance
from swarm.desk import on_block
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.events import Persist
from swarm.heights import replay_point
from swarm.ledger.chain import verify_next
from swarm.ledger.transactions import TRANSACTIONS, key_of, read_transaction
from swarm.protocol import MAX_MESSAGE_BYTES, read_signed, refuse
from swarm.pruning import PRUNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.consensus.instance import Seat
    from swarm.events import Started
    from swarm.state import NodeConfig, State, Step


def boot_record(swarm_id: bytes, me: str) -> bytes:
    """The first record of a log: whose it is."""
    return codec.encode(["boot", swarm_id, me])


def on_started(seat: Seat, config: NodeConfig, state: State, event: Started) -> Step:
    """Take up the ledger and the log of earlier runs.

    Raises:
        LedgerError: One of them is damaged, another member's, or the log is missing.
    """
    state = replace(state, started=True, now_ms=event.now_ms)
    state = _read_blocks(seat, state, event.blocks)
    seat = _take_seat(seat, config, state)
    record = boot_record(seat.genesis.swarm_id, seat.me)
    passive = Persist(codec.encode(["passive", state.ledger.height]))
    if not event.log:
        if event.blocks and not config.restored:
            raise LedgerError(
                "There is a ledger but no vote log: this peer could vote twice and does not start "
                "(R26). Put the log back, or start it as restored, so that it takes no part until "
                "two more heights are decided."
            )
        if config.restored:
            return replace(state, passive=True), (Persist(record), passive)
        return state, (Persist(record),)
    if event.log[0] != record:
        raise LedgerError("The vote log is another member's or another swarm's; put ours back.")
    for number, entry in enumerate(event.log, start=1):
        try:
            state = _replay(seat, config, state, entry)
        except RemoteProtocolError as cause:
            raise LedgerError(
                f"Record {number} of the vote log is damaged: {cause}. Start this peer as restored."
            ) from cause
    if config.restored and not state.passive:
        return replace(state, passive=True), (passive,)
    return state, ()


def _take_seat(seat: Seat, config: NodeConfig, state: State) -> Seat:
    """Our seat among the members in force; who was never one, and is not invited, has none."""
    roster = state.ledger.roster
    if seat.me not in roster.names and config.checkpoint is None:
        raise LedgerError(f"{seat.me} is not a member of the swarm {roster.name!r}.")
    return seat.at(roster)


def _read_blocks(seat: Seat, state: State, blocks: Sequence[bytes]) -> State:
    ledger = state.ledger
    for data in blocks:
        try:
            ledger = verify_next(ledger, data, seat.signer.verify, seat.rules.quorum)
        except RemoteProtocolError as cause:
            raise LedgerError(
                f"Our ledger does not verify at height {ledger.height + 1}: {cause}. Remove the "
                "blocks from there on; they are fetched again from other members."
            ) from cause
    desk = on_block(state.desk, state.ledger, ledger, state.now_ms)
    instance = Instance(ledger.height + 1)
    return replace(state, ledger=ledger, desk=desk, instance=instance)


def _replay(seat: Seat, config: NodeConfig, state: State, record: bytes) -> State:
    value: Any = codec.decode(record, MAX_MESSAGE_BYTES)
    if type(value) is not list or len(value) < 2:
        raise refuse("a record without a type")
    if value[0] == "boot":
        return state
    if value[0] in {"passive", "active"}:
        # Written down: the next start must not need the operator to say it again (R26).
        return replace(state, passive=value[0] == "passive")
    if value[0] == PRUNED and type(value[1]) is int:
        if state.ledger.height < value[1] and not config.restored:
            raise LedgerError(
                f"Our ledger ends at height {state.ledger.height}, and votes up to height "
                f"{value[1]} have been dropped from the vote log since they were final (R26). Put "
                "the ledger back, or start this peer as restored."
            )
        return state
    if value[0] == "transaction":
        signed = read_signed(value[1], TRANSACTIONS, seat.signer.verify)
        transaction = read_transaction(signed)
        key = (signed.purpose, key_of(transaction))
        desk = replace(state.desk, signed={**state.desk.signed, key: signed})
        return replace(state, desk=desk)
    return replay_point(seat, state, record)
