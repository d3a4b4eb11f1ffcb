"""What a member's bytes do to our state: read strictly, verify, keep, or refuse as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from swarm import codec, sync
from swarm.consensus.instance import add_certificate, add_proposal, add_vote
from swarm.consensus.messages import read_certificate, read_proposal, read_vote
from swarm.desk import on_receipt, read_receipt
from swarm.having import PARTS, read_have
from swarm.heights import accept, check_block
from swarm.known import is_known_receipt, is_known_transaction, is_known_vote
from swarm.ledger.blocks import MAX_HEIGHT, MAX_VIEW
from swarm.ledger.chain import verify_next
from swarm.pool import POOLED, add_transaction
from swarm.protocol import MAX_MESSAGE_BYTES, read_signed, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swarm.consensus.instance import Seat
    from swarm.events import Received
    from swarm.state import NodeConfig, State, Step


def on_received(seat: Seat, config: NodeConfig, state: State, event: Received) -> Step:
    """Take a message.

    Raises:
        RemoteProtocolError: The bytes break the protocol; nothing has changed.
    """
    if event.sender == seat.me:
        raise refuse("a message of our own", "R27")
    value = codec.decode(event.message, MAX_MESSAGE_BYTES)
    if type(value) is not list or not value or type(value[0]) is not str:
        raise refuse("a message without a type")
    read = _READERS.get(value[0])
    if read is None:
        raise refuse(f"a message of unknown type {value[0][:32]!r}")
    length, handle = read
    if event.sender not in seat.genesis.by_id and value[0] not in _OF_LATER_MEMBERS:
        if event.sender in state.ledger.roster.names:
            return state, ()  # it was one, and may not know yet
        raise refuse(f"a {value[0]} of {event.sender[:64]}, who is no member", "R27")
    if len(value) != length:
        raise refuse(f"a {value[0]} of {len(value)} parts, expected {length}")
    return handle(seat, config, state, event, value)


def _on_other_height(config: NodeConfig, state: State, event: Received, height: int) -> Step:
    """Who speaks of a past height may lack a block of ours; who speaks of a later one has ours.

    Whoever says what it has says so soon enough: most often it is only a moment behind.
    """
    if height > state.instance.height:
        return sync.fall_behind(config, state, event.sender, event.message, height)
    if event.sender in state.peers.haves_ms:
        return state, ()
    return sync.answer(config, state, event.sender, height, 1)


def _on_proposal(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    proposal = read_proposal(value[1], seat.signer.verify)
    if proposal.height != state.instance.height:
        return _on_other_height(config, state, event, proposal.height)
    instance = add_proposal(seat, state.instance, proposal)
    if instance.proposals.get(proposal.view) is not proposal:
        return replace(state, instance=instance), ()
    # Only now: a leader that proposes twice cannot make us keep, or judge, a second block.
    state, block = check_block(seat, state, proposal.block)
    pool = state.pool
    for signed in block.signed:
        if signed.purpose in POOLED:
            # We want it decided even if this leader falls silent.
            pool = add_transaction(seat, state.ledger, pool, signed)
    return replace(state, instance=instance, pool=pool), ()


def _on_vote(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    if is_known_vote(state.instance, value[1]):
        return state, ()
    vote = read_vote(value[1], seat.signer.verify)
    if vote.height != state.instance.height:
        return _on_other_height(config, state, event, vote.height)
    if vote.member not in seat.genesis.by_id:
        raise refuse(f"a vote of {vote.member[:64]}, who is no member", "R27")
    if vote.member == seat.me:
        return state, ()
    return replace(state, instance=add_vote(state.instance, vote)), ()


def _on_certificate(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    certificate, content = read_certificate(value[1])
    if certificate.height != state.instance.height:
        return _on_other_height(config, state, event, certificate.height)
    instance = add_certificate(seat, state.instance, certificate, content)
    if content and codec.digest(content) in instance.contents:
        state, _ = check_block(seat, state, content)
    return replace(state, instance=instance), ()


def _on_final(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    height, data = value[1:]
    if type(height) is not int or not 1 <= height <= MAX_HEIGHT or type(data) is not bytes:
        raise refuse("a final block that is not a height and bytes")
    if height < state.instance.height:
        return state, ()  # others were faster
    if height > state.instance.height:
        return sync.ask(config, state, event.sender)
    ledger = verify_next(state.ledger, data, seat.signer.verify, seat.rules.quorum)
    grown, effects = accept(seat, config, state, ledger, data)
    if state.peers.heights.get(event.sender, 0) > grown.instance.height:
        grown, asked = sync.ask(config, grown, event.sender)
        effects = (*effects, *asked)
    return grown, effects


def _on_status(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    del seat
    height, view = value[1:]
    if type(height) is not int or not 1 <= height <= MAX_HEIGHT:
        raise refuse("a status whose height is out of bounds")
    if type(view) is not int or not 1 <= view <= MAX_VIEW:
        raise refuse("a status whose view is out of bounds")
    state = _heard_height(state, event.sender, height)
    if height > state.instance.height:
        return sync.fall_behind(config, state, event.sender, b"", height)
    return sync.answer(config, state, event.sender, height, view)


def _on_have(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    have = read_have(value)
    state = _heard_height(state, event.sender, have.height)
    haves = {**state.peers.haves_ms, event.sender: state.now_ms}
    state = replace(state, peers=replace(state.peers, haves_ms=haves))
    if have.height > state.instance.height:
        return sync.fall_behind(config, state, event.sender, b"", have.height)
    return sync.answer_have(seat, config, state, event.sender, have)


def _heard_height(state: State, sender: str, height: int) -> State:
    heights = {**state.peers.heights, sender: height}
    first = {sender: height, **state.peers.first}
    return replace(state, peers=replace(state.peers, heights=heights, first=first))


def _on_transaction(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    del config, event
    if is_known_transaction(state.pool, value[1]):
        return state, ()
    signed = read_signed(value[1], POOLED, seat.signer.verify)
    pool = add_transaction(seat, state.ledger, state.pool, signed)
    return replace(state, pool=pool), ()


def _on_receipt(
    seat: Seat, config: NodeConfig, state: State, event: Received, value: list[Any]
) -> Step:
    del config, event
    if is_known_receipt(state.desk, value[1]):
        return state, ()
    receipt = read_receipt(value[1], seat.signer.verify)
    if receipt.holder == seat.me:
        return state, ()  # of a time when we held it: our disk may have been restored since (R24)
    desk = on_receipt(seat.genesis, state.ledger, state.desk, receipt)
    return replace(state, desk=desk), ()


_OF_LATER_MEMBERS: Final = ("final", "have", "status")
"""What may help us whoever sends it: a member that our history does not know yet sends blocks."""

_READERS: Final[
    Mapping[str, tuple[int, Callable[[Seat, NodeConfig, State, Received, list[Any]], Step]]]
] = {
    "proposal": (2, _on_proposal),
    "vote": (2, _on_vote),
    "certificate": (2, _on_certificate),
    "final": (3, _on_final),
    "status": (3, _on_status),
    "have": (PARTS, _on_have),
    "transaction": (2, _on_transaction),
    "receipt": (2, _on_receipt),
}
