"""What a member does at a height: propose, vote, change views (rules in `swarm.consensus.rules`).

`advance` is called after every event and does everything that has become possible, in a fixed
order, until nothing more is. Each vote comes out as a `Persist` before its `Broadcast` (R26).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from swarm import codec
from swarm.consensus.instance import (
    Instance,
    Seat,
    add_content,
    add_proposal,
    add_vote,
    form_certificates,
)
from swarm.consensus.messages import (
    FINALIZE,
    NOTARIZE,
    NULLIFY,
    Proposal,
    Vote,
    proposal_body,
    write_certificate,
    write_vote,
)
from swarm.events import Broadcast, Persist, Send
from swarm.ledger.blocks import NO_BLOCK, vote_body
from swarm.protocol import sign

if TYPE_CHECKING:
    from swarm.events import Effect

Step = tuple[Instance, tuple["Effect", ...]]


class Judge(Protocol):
    """What consensus asks about the content of blocks; answered by the round machine."""

    def has_wish(self) -> bool:
        """Whether we hold a transaction, so that a height must start."""
        ...

    def build(self) -> bytes | None:
        """A fresh block to propose, if we hold a transaction."""
        ...

    def agrees(self, block: bytes) -> bool:
        """Whether our own timer and our own merge support a fresh block (R24, R25); may change."""
        ...


def advance(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Do everything that has become possible.

    Args:
        seat: Who we are.
        instance: What we know.
        now_ms: Monotonic time.
        judge: Knows about the content of blocks.

    Returns:
        What we know now, and effects in their order.
    """
    effects: list[Effect] = []
    while True:
        before = instance
        for act in (_learn, _keep, _start, _finalise, _change_view, _propose, _notarise, _time_out):
            instance, done = act(seat, instance, now_ms, judge)
            effects.extend(done)
            if instance.decided() is not None:
                return instance, tuple(effects)
        if instance is before:
            return instance, tuple(effects)


def observe(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """What a member does that must not vote: after a disk was restored, for a while (P17)."""
    instance, effects = _learn(seat, instance, now_ms, judge)
    return _change_view(seat, instance, now_ms, judge)[0], effects


def _learn(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Form certificates, and send them on: others may lack votes that we have.

    A nullification goes to all at once. A notarisation carries its block, and most often everybody
    forms it: it goes, after a moment, to those who have not finalised on its strength.
    """
    del judge
    grown = form_certificates(seat, instance)
    learned = {key: now_ms for key in grown.certificates if key[0] != FINALIZE}
    learned |= grown.learned
    effects: list[Effect] = []
    told = set(grown.told)
    for key in sorted(learned.keys() - told):
        message = certificate_message(grown, key)
        if key[0] == NULLIFY:
            effects.append(Broadcast(message))
        elif now_ms < learned[key] + seat.rules.relay_ms():
            continue
        else:
            done = grown.votes.get((FINALIZE, key[1]), {})
            effects += [
                Send(who, message) for who in seat.genesis.ids if who not in done and who != seat.me
            ]
        told.add(key)
    if learned == grown.learned and told == grown.told:
        return grown, ()
    return replace(grown, learned=learned, told=frozenset(told)), tuple(effects)


def _keep(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Persist each certificate before we vote on its strength (P16).

    A member that crashes past the view of a certificate, and forgets it, cannot go back, and those
    who lack it may never get it again: the votes that made it may be a liar's, or on a lost disk.
    """
    del now_ms, judge
    fresh = sorted(key for key in instance.certificates if key[0] != FINALIZE)
    records = tuple(
        Persist(certificate_message(instance, key))
        for key in fresh
        if key not in instance.kept and seat.rules.must_persist()
    )
    if not records:
        return instance, ()
    return replace(instance, kept=instance.kept | set(fresh)), records


def certificate_message(instance: Instance, key: tuple[str, int]) -> bytes:
    """A certificate as a message; a notarisation carries its block, if we have it."""
    certificate = instance.certificates[key]
    content = instance.contents.get(certificate.block, b"") if key[0] == NOTARIZE else b""
    return codec.encode(["certificate", write_certificate(certificate, content)])


def _start(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Start the clock of a height once somebody honest holds a transaction, not before (P8)."""
    if instance.since is None:
        voters = {member for votes in instance.votes.values() for member in votes}
        honest = len(voters) > seat.genesis.tolerates
        has_begun = honest or instance.mine or instance.proposals or instance.certificates
        if has_begun or judge.has_wish():
            return replace(instance, since=now_ms), ()
    return instance, ()


def _finalise(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Finalise what was notarised, in any view that we have not nullified (P11)."""
    del now_ms, judge
    for purpose, view in sorted(instance.certificates):
        if purpose != NOTARIZE or (FINALIZE, view) in instance.mine:
            continue
        block = instance.notarised(view)
        has_nullified = (NULLIFY, view) in instance.mine
        if block is not None and seat.rules.may_finalise(has_nullified=has_nullified):
            return _vote(seat, instance, FINALIZE, view, block)
    return instance, ()


def _change_view(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Enter the view after the latest that was notarised or nullified (P12)."""
    del seat, judge
    ended = [view for purpose, view in instance.certificates if purpose != FINALIZE]
    view = max(ended, default=0) + 1
    if view > instance.view:
        return replace(instance, view=view, since=now_ms), ()
    return instance, ()


def _propose(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Propose, if we lead: the block that was notarised last, or else a fresh one (P9)."""
    view = instance.view
    leads = seat.rules.leader(seat.genesis.ids, instance.height, view) == seat.me
    if not leads or instance.since is None or view in instance.proposals:
        return instance, ()
    parent = instance.parent(seat.rules)
    if parent is None or (NULLIFY, view) in instance.mine:
        return instance, ()
    if parent:
        # Most often the quorum of Finalize is on its way: do not repeat the block at once.
        if now_ms < instance.since + seat.rules.timeout_ms(view) // 4:
            return instance, ()
        block = instance.contents[instance.certificates[NOTARIZE, parent].block]
    else:
        fresh = judge.build()
        if fresh is None:
            return instance, ()
        block = fresh
    body = proposal_body(instance.height, view, parent, block)
    signed = sign(seat.signer, seat.me, "proposal", body)
    proposal = Proposal(instance.height, view, parent, block, signed)
    message = codec.encode(["proposal", signed.to_value()])
    return add_proposal(seat, instance, proposal), (Persist(message), Broadcast(message))


def _notarise(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Notarise one proposal of our view, if it follows from what was certified (P10)."""
    del now_ms
    view = instance.view
    proposal = instance.proposals.get(view)
    has_voted = (NOTARIZE, view) in instance.mine or (NULLIFY, view) in instance.mine
    if proposal is None or has_voted:
        return instance, ()
    skipped = instance.nullified()
    between = range(proposal.parent + 1, view)
    if not all(seat.rules.may_skip(earlier, skipped) for earlier in between):
        return instance, ()
    block = codec.digest(proposal.block)
    if proposal.parent:
        # A quorum has notarised it, so somebody honest has judged it: we need not judge again.
        supported = instance.notarised(proposal.parent) == block
    else:
        supported = judge.agrees(proposal.block)
    if not supported:
        return instance, ()
    return _vote(seat, instance, NOTARIZE, view, block)


def _time_out(seat: Seat, instance: Instance, now_ms: int, judge: Judge) -> Step:
    """Nullify our view when its time is over, unless we have finalised it (P13)."""
    del judge
    view = instance.view
    if instance.since is None or now_ms < instance.since + seat.rules.timeout_ms(view):
        return instance, ()
    has_finalised = (FINALIZE, view) in instance.mine
    may = seat.rules.may_nullify(has_finalised=has_finalised)
    if (NULLIFY, view) in instance.mine or not may:
        return instance, ()
    return _vote(seat, instance, NULLIFY, view, NO_BLOCK)


def _vote(seat: Seat, instance: Instance, purpose: str, view: int, block: bytes) -> Step:
    body = vote_body(instance.height, view, block)
    signature = seat.signer.sign(purpose, body)
    vote = Vote(purpose, instance.height, view, block, seat.me, signature)
    effects: tuple[Effect, ...] = (Broadcast(codec.encode(["vote", write_vote(vote)])),)
    if seat.rules.must_persist():
        # With its block, which we may be the last to hold.
        content = instance.contents.get(block, b"")
        effects = (Persist(codec.encode(["vote", write_vote(vote), content])), *effects)
    return keep_own_vote(instance, vote), effects


def keep_own_vote(instance: Instance, vote: Vote) -> Instance:
    """Count our own vote, fresh or from the log."""
    grown = replace(instance, mine={**instance.mine, (vote.purpose, vote.view): vote})
    return add_vote(grown, vote)


def restore(instance: Instance, vote: Vote, block: bytes) -> Instance:
    """Take up one of our own votes from the log: we never vote there again (R26)."""
    grown = keep_own_vote(instance, vote)
    if block:
        grown = add_content(grown, block)
    view = vote.view + 1 if vote.purpose == FINALIZE else vote.view
    return replace(grown, view=max(view, grown.view))
