"""Catching up and sending again: what keeps members together over a network that loses messages.

- Everybody tells its height and view from time to time; who is ahead sends what the other lacks:
  final blocks, or certificates and own votes of the height under way. Decided members keep doing
  so, or laggards would never finish.
- Nothing sent here is trusted: blocks carry certificates, votes and receipts signatures.
- Answers are bounded in number and frequency, so that nobody can make us talk without end (R28).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.consensus.messages import FINALIZE, write_vote
from swarm.consensus.simplex import certificate_message
from swarm.desk import Receipt, write_receipt
from swarm.events import Broadcast, Send

if TYPE_CHECKING:
    from swarm.consensus.instance import Seat
    from swarm.events import Effect
    from swarm.state import NodeConfig, State, Step

OTHERS_AFTER: Final = 2
"""First intervals after which we repeat what others said, too."""
MAX_BLOCKS_SENT: Final = 32
MAX_BYTES_SENT: Final = 512 * 1024
MAX_POINTS_SENT: Final = 64


def status_message(state: State) -> bytes:
    """Our height, and the earliest view from which certificates would help us."""
    return codec.encode(["status", state.instance.height, state.instance.gap()])


def final_message(state: State, height: int) -> bytes:
    """A final block for somebody who lacks it."""
    return codec.encode(["final", height, state.finals[height - 1]])


def ask(config: NodeConfig, state: State, member: str) -> Step:
    """Tell a member who seems to be ahead what we lack."""
    last = state.peers.asked_ms.get(member)
    if last is not None and state.now_ms < last + config.answer_ms:
        return state, ()
    asked = {**state.peers.asked_ms, member: state.now_ms}
    told = replace(state, peers=replace(state.peers, asked_ms=asked))
    return told, (Send(member, status_message(state)),)


def answer(config: NodeConfig, state: State, member: str, height: int, view: int) -> Step:
    """Send a member what it lacks from this height and view on (P24)."""
    last = state.peers.answered_ms.get(member)
    if last is not None and state.now_ms < last + config.answer_ms:
        return state, ()
    if height < state.instance.height:
        messages = _compute_blocks(state, height)
    else:
        messages = _compute_points(state, view)
    if not messages:
        return state, ()
    answered = {**state.peers.answered_ms, member: state.now_ms}
    told = replace(state, peers=replace(state.peers, answered_ms=answered))
    return told, tuple(Send(member, message) for message in messages)


def _compute_blocks(state: State, height: int) -> list[bytes]:
    messages: list[bytes] = []
    size = 0
    for at in range(height, min(height + MAX_BLOCKS_SENT, state.instance.height)):
        size += len(state.finals[at - 1])
        if messages and size > MAX_BYTES_SENT:
            break
        messages.append(final_message(state, at))
    return messages


def _compute_points(state: State, view: int) -> list[bytes]:
    """Certificates from a view on, and our own votes where there is none."""
    instance = state.instance
    keys = [key for key in sorted(instance.certificates) if key[1] >= view and key[0] != FINALIZE]
    votes = [
        codec.encode(["vote", write_vote(instance.mine[key])])
        for key in sorted(instance.mine)
        if key[1] >= view and (key not in instance.certificates or key[0] == FINALIZE)
    ]
    points = [certificate_message(instance, key) for key in keys[:MAX_POINTS_SENT]]
    return points + votes[:MAX_POINTS_SENT]


def may_vote_again(seat: Seat, state: State, height: int) -> bool:
    """Whether a member whose disk was restored may vote after this height (R26, P17).

    It may have voted at one height past the last that was decided when its disk was lost. It
    cannot know that height, but others were there: of the quorum that finalised it, at least so
    many of those who have told their height since we started that the `sure`-th largest of these
    heights is no smaller. One that forgets its votes is one of the f that may fail (R22), so at
    most f - 1 others lie; once all have spoken, no liar can hold us up by naming a great height.
    """
    first, members = state.peers.first, seat.genesis.by_id
    told = sorted((first[member] for member in first if member in members), reverse=True)
    liars = max(seat.genesis.tolerates - 1, 0)
    sure = len(told) + seat.quorum - len(seat.genesis.ids) - liars
    return sure > 0 and height > told[sure - 1]


def is_active(state: State) -> bool:
    """Whether something is under way that lost messages could hold up."""
    has_round = state.ledger.current is not None
    return has_round or bool(state.pool) or state.instance.since is not None


def send_again(seat: Seat, config: NodeConfig, state: State) -> Step:
    """Send again what may have been lost, at growing intervals (P25)."""
    active = is_active(state)
    if active and not state.peers.resend_gap:
        state = hurry(config, state)
    peers = state.peers
    if state.now_ms < peers.resend_at:
        return state, ()
    messages = [status_message(state)]
    gap, following = config.idle_ms, 0
    if active:
        gap, following = peers.resend_gap, min(2 * peers.resend_gap, config.resend_longest_ms)
        messages += _compute_own(seat, state, is_late=gap >= OTHERS_AFTER * config.resend_ms)
    told = replace(peers, resend_at=state.now_ms + gap, resend_gap=following)
    effects: tuple[Effect, ...] = tuple(Broadcast(message) for message in messages)
    return replace(state, peers=told), effects


def hurry(config: NodeConfig, state: State) -> State:
    """Something has changed: begin again with the short interval."""
    at = min(state.peers.resend_at, state.now_ms + config.resend_ms)
    return replace(state, peers=replace(state.peers, resend_at=at, resend_gap=config.resend_ms))


def _compute_own(seat: Seat, state: State, *, is_late: bool) -> list[bytes]:
    """What may have been lost; others' receipts only once our own have not been enough for a while.

    There are n times f + 1 of them among n members: if all repeated them all, they would drown.
    """
    instance = state.instance
    messages = [
        codec.encode(["transaction", state.pool[key].to_value()]) for key in sorted(state.pool)
    ]
    proposal = instance.proposals.get(instance.view)
    if proposal is not None and proposal.signed.member == seat.me:
        messages.append(codec.encode(["proposal", proposal.signed.to_value()]))
    messages += [
        codec.encode(["vote", write_vote(instance.mine[key])])
        for key in sorted(instance.mine)
        if key[1] >= instance.view - 1
    ]
    current = state.ledger.current
    if current is not None and current.outcome == "open":
        # Others' too, as many as make a set: R24 makes us insist on what others may lack.
        for maker in sorted(state.desk.receipts):
            held = state.desk.receipts[maker]
            others = sorted(held)[: seat.genesis.receipts_needed] if is_late else ()
            chosen = {*others, seat.me} & set(held)
            for holder in sorted(chosen):
                signature = held[holder]
                blob = current.commits[maker].blob
                receipt = Receipt(current.key, maker, blob, holder, signature)
                messages.append(codec.encode(["receipt", write_receipt(receipt)]))
    return messages
