"""From one height to the next: blocks that may follow, blocks that do, our own earlier votes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from swarm import codec, sync
from swarm.consensus.instance import Instance, add_certificate, add_proposal
from swarm.consensus.messages import read_certificate, read_proposal, read_vote
from swarm.consensus.simplex import restore
from swarm.desk import on_block
from swarm.errors import LedgerError
from swarm.events import AppendBlock, Note, Persist
from swarm.ledger.blocks import apply_block, read_block
from swarm.pool import prune
from swarm.protocol import MAX_MESSAGE_BYTES, refuse

if TYPE_CHECKING:
    from swarm.consensus.instance import Seat
    from swarm.events import Effect
    from swarm.ledger.blocks import Block
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger, Round
    from swarm.state import NodeConfig, State, Step


def check_block(seat: Seat, state: State, data: bytes) -> tuple[State, Block]:
    """Keep a parsed block of the height under way if it may follow our ledger.

    Raises:
        RemoteProtocolError: It may not.
    """
    block_hash = codec.digest(data)
    if block_hash in state.blocks:
        return state, state.blocks[block_hash]
    block = read_block(data, seat.signer.verify)
    apply_block(state.ledger, block, seat.signer.verify)
    return replace(state, blocks={**state.blocks, block_hash: block}), block


def accept(seat: Seat, config: NodeConfig, state: State, ledger: Ledger, final: bytes) -> Step:
    """One more final block: everything about its height is over.

    Raises:
        LedgerError: It is not the history that our invitation names (R27).
    """
    if config.checkpoint is not None and config.checkpoint[0] == ledger.height:
        _check_history(config.checkpoint, ledger)
    passive = state.passive and not sync.may_vote_again(seat, state, ledger.height)
    seat = seat.at(ledger.roster)
    grown = replace(
        state,
        ledger=ledger,
        passive=passive,
        instance=Instance(ledger.height + 1),
        blocks={},
        pool=prune(seat, ledger, state.pool),
        desk=on_block(state.desk, state.ledger, ledger, state.now_ms),
    )
    for record in grown.log.get(ledger.height + 1, ()):
        grown = replay_point(seat, grown, record)
    effects: tuple[Effect, ...] = (AppendBlock(ledger.height, final),)
    if passive is not state.passive:
        effects = (*effects, Persist(codec.encode(["active", ledger.height])))
    notes = (*_describe_change(state.ledger, ledger), *_describe(state.ledger, ledger))
    return sync.hurry(config, grown), (*effects, *notes)


def replay_point(seat: Seat, state: State, record: bytes) -> State:
    """Take up a proposal or vote of ours, or a certificate, from the log (R26, P16).

    Those of later heights are kept until we get there: a ledger that was cut short is fetched
    again, and must not find us voting a second time.

    Raises:
        RemoteProtocolError: The record is damaged.
    """
    value: Any = codec.decode(record, MAX_MESSAGE_BYTES)
    verify = seat.signer.verify
    if value[0] == "proposal" and len(value) == 2:
        proposal = read_proposal(value[1], verify)
        if proposal.height != state.instance.height:
            return _keep(state, proposal.height, record)
        state, _ = check_block(seat, state, proposal.block)
        view = max(proposal.view, state.instance.view)
        there = replace(state.instance, view=view)
        return replace(state, instance=add_proposal(seat, there, proposal))
    if value[0] == "vote" and len(value) == 3 and type(value[2]) is bytes:
        vote = read_vote(value[1], verify)
        if vote.height != state.instance.height:
            return _keep(state, vote.height, record)
        if value[2]:
            state, _ = check_block(seat, state, value[2])
        return replace(state, instance=restore(state.instance, vote, value[2]))
    if value[0] == "certificate" and len(value) == 2:
        return _replay_certificate(seat, state, record, value[1])
    raise refuse("a record of unknown type")


def _replay_certificate(seat: Seat, state: State, record: bytes, value: object) -> State:
    certificate, content = read_certificate(value)
    if certificate.height != state.instance.height:
        return _keep(state, certificate.height, record)
    if content:
        state, _ = check_block(seat, state, content)
    grown = add_certificate(seat, state.instance, certificate, content)
    kept = grown.kept | {(certificate.purpose, certificate.view)}
    return replace(state, instance=replace(grown, kept=kept))


def _keep(state: State, height: int, record: bytes) -> State:
    if height < state.instance.height:
        return state
    return replace(state, log={**state.log, height: (*state.log.get(height, ()), record)})


def _check_history(checkpoint: tuple[int, bytes], ledger: Ledger) -> None:
    if ledger.tip != checkpoint[1]:
        raise LedgerError(
            f"The history that members gave us is not the one that our invitation names (height "
            f"{checkpoint[0]}); ask whoever invited us, and do not go on with it."
        )


def _describe_change(before: Ledger, after: Ledger) -> tuple[Effect, ...]:
    """One line about members that have changed."""
    old, new = before.roster, after.roster
    if old is new:
        return ()
    gone = [old.names[who] for who in old.ids if who not in new.by_id]
    come = [new.names[who] for who in new.ids if who not in old.by_id]
    text = (
        f"members changed: change={new.changes} height={after.height} members={len(new.ids)} "
        f"quorum={new.quorum} tolerates={new.tolerates} came={', '.join(come) or 'nobody'} "
        f"went={', '.join(gone) or 'nobody'}"
    )
    return (Note("info", text),)


def _describe(before: Ledger, after: Ledger) -> tuple[Effect, ...]:
    """One line for each turn that a round has taken."""
    known = {entry.key: entry for entry in before.rounds[-1:]}  # those before it are decided
    lines = []
    for entry in after.rounds[max(len(before.rounds) - 1, 0) :]:
        old = known.get(entry.key)
        if old is None or old.outcome != entry.outcome:
            lines.append(_describe_round(after.roster, entry, after.height))
    return tuple(Note("info", line) for line in lines)


def _describe_round(roster: Roster, entry: Round, height: int) -> str:
    name = roster.names
    begin = f"round={entry.opening.round} attempt={entry.opening.attempt} height={height}"
    match entry.outcome:
        case "open":
            opening = entry.opening
            return f"{begin} opened: as_of={opening.as_of} expected={len(opening.expected)}"
        case "closed":
            out = "; ".join(f"{name[member]}: {reason}" for member, reason in entry.out)
            return f"{begin} closed: in={len(entry.included)} out={out or 'nobody'}"
        case "merged":
            return f"{begin} merged: digest={entry.digest.hex()}"
        case _:
            return f"{begin} void: {entry.reason}"
