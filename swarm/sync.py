"""Catching up and sending again: what keeps members together over a network that loses messages.

- Everybody says from time to time what it has (`swarm.having`); who is ahead sends what the other
  lacks: final blocks, or what is missing of the height under way. Decided members keep doing so,
  or laggards would never finish.
- Who has not said so for a while (an older version, or an unheard one) is told our height, and sent
  all of ours again.
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
from swarm.events import Broadcast, Send, SendBlocks
from swarm.having import MAX_POINTS_SENT, Have, compute_missing, describe, is_asked_by, write_have
from swarm.protocol import MAX_BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm.consensus.instance import Seat
    from swarm.events import Effect
    from swarm.state import NodeConfig, State, Step

MAX_BLOCKS_SENT: Final = 32
MAX_BYTES_SENT: Final = 512 * 1024
MAX_EARLY: Final = 8
"""Messages about the next height that are kept, of each member."""
MAX_EARLY_BYTES: Final = 2 * MAX_BLOCK_BYTES


def status_message(state: State) -> bytes:
    """Our height, and the earliest view from which certificates would help us."""
    return codec.encode(["status", state.instance.height, state.instance.gap()])


def final_message(height: int, block: bytes) -> bytes:
    """A final block for somebody who lacks it."""
    return codec.encode(["final", height, block])


def final_messages(blocks: Sequence[bytes], height: int) -> list[bytes]:
    """The next final blocks for somebody who lacks those from a height on (P24).

    Args:
        blocks: The ledger on disk, by height from 1; what is asked for is read, and not more.
        height: The first wanted, from 1.
    """
    messages: list[bytes] = []
    size = 0
    for at in range(height, min(height + MAX_BLOCKS_SENT, len(blocks) + 1)):
        block = blocks[at - 1]
        size += len(block)
        if messages and size > MAX_BYTES_SENT:
            break
        messages.append(final_message(at, block))
    return messages


def tell_final(state: State, height: int, final: bytes) -> tuple[Effect, ...]:
    """A block has become final here: most others have its votes, too, and only need to hear.

    Who has not said yet what it has may be of an older version, and gets the block.
    """
    members = state.ledger.roster.ids
    block = final_message(height, final)
    others = tuple(Send(who, block) for who in members if who not in state.peers.haves_ms)
    return (Broadcast(status_message(state)), *others)


def ask(config: NodeConfig, state: State, member: str) -> Step:
    """Tell a member who seems to be ahead what we lack."""
    last = state.peers.asked_ms.get(member)
    if last is not None and state.now_ms < last + config.answer_ms:
        return state, ()
    asked = {**state.peers.asked_ms, member: state.now_ms}
    told = replace(state, peers=replace(state.peers, asked_ms=asked))
    return told, (Send(member, status_message(state)),)


def fall_behind(config: NodeConfig, state: State, member: str, message: bytes, height: int) -> Step:
    """A member speaks of a later height: keep what is about the next, and ask in a moment.

    Most often the votes that it has seen are on their way to us, too.
    """
    if member not in state.peers.haves_ms:
        return ask(config, state, member)
    peers = state.peers
    heights = {**peers.heights, member: max(height, peers.heights.get(member, 0))}
    since = state.now_ms if peers.behind_ms is None else peers.behind_ms
    state = replace(state, peers=replace(peers, heights=heights, behind_ms=since))
    kept = state.early.get(member, ())
    size = len(message) + sum(map(len, kept))
    has_room = len(kept) < MAX_EARLY and size <= MAX_EARLY_BYTES
    if message and has_room and message not in kept and height == state.instance.height + 1:
        state = replace(state, early={**state.early, member: (*kept, message)})
    return state, ()


def catch_up(seat: Seat, config: NodeConfig, state: State) -> Step:
    """If others have been ahead for a moment, ask one of them, in turn, for what we lack (P24)."""
    since = state.peers.behind_ms
    if since is None or state.now_ms < since + config.answer_ms:
        return state, ()
    heights, asked = state.peers.heights, state.peers.asked_ms
    ahead = [
        who
        for who in sorted(heights)
        if heights[who] > state.instance.height and who in seat.genesis.by_id and who != seat.me
    ]
    if not ahead:
        return replace(state, peers=replace(state.peers, behind_ms=None)), ()
    state = replace(state, peers=replace(state.peers, behind_ms=state.now_ms))
    return ask(config, state, min(ahead, key=lambda who: asked.get(who, -1)))


def answer(config: NodeConfig, state: State, member: str, height: int, view: int) -> Step:
    """Send a member what it lacks from this height and view on (P24)."""
    if height < state.instance.height:
        return _give(config, state, member, lambda: (SendBlocks(member, height),))
    return _give(config, state, member, lambda: _send(member, _compute_points(state, view)))


def answer_have(seat: Seat, config: NodeConfig, state: State, member: str, have: Have) -> Step:
    """Send a member what it lacks by what it says that it has (P25)."""
    if have.height < state.instance.height:
        if not is_asked_by(seat, have):
            return state, ()
        return answer(config, state, member, have.height, have.gap)
    return _give(config, state, member, lambda: _send(member, compute_missing(seat, state, have)))


def _give(
    config: NodeConfig, state: State, member: str, compute: Callable[[], tuple[Effect, ...]]
) -> Step:
    """Send a member something, but not too often."""
    last = state.peers.answered_ms.get(member)
    if last is not None and state.now_ms < last + config.answer_ms:
        return state, ()
    answers = compute()
    if not answers:
        return state, ()
    answered = {**state.peers.answered_ms, member: state.now_ms}
    told = replace(state, peers=replace(state.peers, answered_ms=answered))
    return told, answers


def _send(member: str, messages: list[bytes]) -> tuple[Effect, ...]:
    return tuple(Send(member, message) for message in messages)


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
    """Say again what we have, at growing intervals; whoever lacks something gets it (P25)."""
    active = is_active(state)
    if active and not state.peers.resend_gap:
        state = hurry(config, state)
    peers = state.peers
    if state.now_ms < peers.resend_at:
        return state, ()
    gap, following = config.idle_ms, 0
    if active:
        gap, following = peers.resend_gap, min(2 * peers.resend_gap, config.resend_longest_ms)
    have = write_have(describe(seat, state))
    told = replace(peers, resend_at=state.now_ms + gap, resend_gap=following, said=peers.said + 1)
    return replace(state, peers=told), (Broadcast(have), *_push(seat, config, state))


def _push(seat: Seat, config: NodeConfig, state: State) -> list[Effect]:
    """All that is ours, for members that have not said for a while what they have."""
    silent = [
        member
        for member in seat.genesis.ids
        if member != seat.me
        and state.now_ms
        > state.peers.haves_ms.get(member, -config.silent_ms - 1) + config.silent_ms
    ]
    if not silent:
        return []
    messages = [status_message(state), *(_compute_own(seat, state) if is_active(state) else ())]
    return [Send(member, message) for member in silent for message in messages]


def hurry(config: NodeConfig, state: State) -> State:
    """Something has changed: begin again with the short interval."""
    at = min(state.peers.resend_at, state.now_ms + config.resend_ms)
    return replace(state, peers=replace(state.peers, resend_at=at, resend_gap=config.resend_ms))


def _compute_own(seat: Seat, state: State) -> list[bytes]:
    """Our own proposal, votes and receipts, and what waits."""
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
        for maker in sorted(state.desk.receipts):
            signature = state.desk.receipts[maker].get(seat.me)
            if signature is not None:
                blob = current.commits[maker].blob
                receipt = Receipt(current.key, maker, blob, seat.me, signature)
                messages.append(codec.encode(["receipt", write_receipt(receipt)]))
    return messages
