"""The protocol core of one member: events in, effects out, nothing else.

`Node.step` takes one event of `swarm.events` and returns what the shell has to do, in order. All
state is one frozen value that is replaced at the end of a step, so that refused input changes
nothing (P26): foreign bytes that break the protocol come back as one `Note` of level `warning` that
names the peer and the rule, and everything else is as before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from swarm import desk as desks
from swarm import events, sync
from swarm.boot import on_started
from swarm.changes import on_change
from swarm.consensus import simplex
from swarm.consensus.instance import Seat
from swarm.errors import LocalProtocolError, RemoteProtocolError
from swarm.heights import accept
from swarm.ledger.blocks import apply_block, read_block, write_final
from swarm.ledger.rounds import compute_next_round
from swarm.ledger.transactions import MAX_CLOSE_SECONDS, MEMBERSHIP
from swarm.pool import Content, add_transaction
from swarm.protocol import Fields
from swarm.receive import on_received
from swarm.rounds import watch, work
from swarm.state import NodeConfig, State, Step, empty_state
from swarm.views import NodeView, build_view

if TYPE_CHECKING:
    from swarm.events import Effect, Event
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger
    from swarm.signing import Signer

    _DeskEvent = (
        events.ContributionReady
        | events.ContributionAbstained
        | events.BlobStored
        | events.BlobRefused
        | events.MergeComputed
    )
    _OwnEvent = (
        events.Started | events.Tick | events.RoundRequested | events.ChangeRequested | _DeskEvent
    )


class Node:
    """One member of one swarm."""

    def __init__(
        self, genesis: Genesis, me: str, signer: Signer, config: NodeConfig | None = None
    ) -> None:
        """Take a seat.

        Args:
            genesis: Verified.
            me: Our member id.
            signer: Signs for `me` in this swarm.
            config: What we choose ourselves.
        """
        self._config = config or NodeConfig()
        self._state = empty_state(genesis)
        self._first_seat = Seat(self._state.ledger.roster, me, signer, self._config.rules)

    def step(self, event: Event, now_ms: int = 0) -> tuple[Effect, ...]:
        """Take one event.

        Args:
            event: What happened.
            now_ms: Monotonic time at which it did; never before the last time told. Timers that
                began at the last tick instead would be short by up to a tick (P30).

        Returns:
            What to do, in this order; a `Persist` is finished before what follows it.

        Raises:
            LocalProtocolError: The shell broke the order of events: a bug of ours.
            LedgerError: At `Started`: our own ledger or vote log is damaged or missing.
        """
        height = self._state.instance.height
        if now_ms > self._state.now_ms:
            self._state = replace(self._state, now_ms=now_ms)
        if isinstance(event, events.Received):
            before = self._up(event)
            state, effects = self._hear(before, event)
            if state is before:
                return effects
        else:
            state, effects = self._take(event)
        state, more = self._settle(state)
        if state.early and state.instance.height > height:
            state, again = self._hear_early(state)
            more = (*more, *again)
        self._state = state
        return (*effects, *more)

    def _hear(self, state: State, event: events.Received) -> Step:
        """Take foreign bytes, or refuse them as a whole (P26)."""
        try:
            return on_received(self._seat(state), self._config, state, event)
        except RemoteProtocolError as error:
            rule = f" ({error.rule})" if error.rule else ""
            text = f"{event.sender} sent {error}{rule}; dropped."
            return state, (events.Note("warning", text, event.sender),)

    def _hear_early(self, state: State) -> Step:
        """Take what came a moment too early, now that the height before is decided."""
        effects: list[Effect] = []
        while state.early:
            early, state = state.early, replace(state, early={})
            for sender in sorted(early):
                for message in early[sender]:
                    state, done = self._hear(state, events.Received(sender, message))
                    effects.extend(done)
            state, more = self._settle(state)
            effects.extend(more)
        return state, tuple(effects)

    def view(self) -> NodeView:
        """What a status page may show."""
        return build_view(self._seat(self._state), self._state)

    @property
    def roster(self) -> Roster:
        """The members in force for the next block (R27)."""
        return self._state.ledger.roster

    @property
    def ledger(self) -> Ledger:
        """What the final blocks say."""
        return self._state.ledger

    def _is_silent(self, state: State) -> bool:
        """Whether we sign nothing: after a restore (R26), or while we are no member (R27)."""
        return state.passive or self._first_seat.me not in state.ledger.roster.by_id

    def _seat(self, state: State) -> Seat:
        """Our seat among the members in force (R27)."""
        return self._first_seat.at(state.ledger.roster)

    def _up(self, event: Event) -> State:
        if not self._state.started:
            raise LocalProtocolError(f"{type(event).__name__} before Started")
        return self._state

    def _take(self, event: _OwnEvent) -> Step:
        """Take an event of our own shell."""
        match event:
            case events.Started():
                if self._state.started:
                    raise LocalProtocolError("a node was started twice")
                return on_started(self._first_seat, self._config, self._state, event)
            case events.Tick():
                state = self._up(event)
                return replace(state, now_ms=max(state.now_ms, event.now_ms)), ()
            case events.RoundRequested():
                state = self._up(event)
                return _on_request(self._seat(state), state, event)
            case events.ChangeRequested():
                state = self._up(event)
                return on_change(self._seat(state), state, event)
            case _:
                state = self._up(event)
                return replace(state, desk=_change_desk(state.desk, event)), ()

    def _settle(self, state: State) -> Step:
        """Do all that has become possible, height after height."""
        effects: list[Effect] = []
        while True:
            before = state
            for act in (self._work, self._vote, self._decide):
                state, done = act(state)
                effects.extend(done)
            if state is before:
                break
        for repeat in (sync.catch_up, sync.send_again):
            state, done = repeat(self._seat(state), self._config, state)
            effects.extend(done)
        return state, tuple(effects)

    def _work(self, state: State) -> Step:
        task = watch if self._is_silent(state) else work
        patience = self._config.patience
        desk, due = task(self._seat(state), state.ledger, state.desk, state.now_ms, patience)
        if desk is not state.desk:
            state = sync.hurry(self._config, replace(state, desk=desk))
        return self._pool_own(state), due

    def _vote(self, state: State) -> Step:
        seat = self._seat(state)
        judge = Content(seat, state, self._config.patience)
        act = simplex.observe if self._is_silent(state) else simplex.advance
        before = state.instance
        instance, effects = act(seat, before, state.now_ms, judge)
        if instance.view > before.view or len(instance.mine) > len(before.mine):
            state = sync.hurry(self._config, state)
        if instance is not before:
            state = replace(state, instance=instance)
        state, notes = _note_evidence(state)
        return state, (*effects, *notes)

    def _pool_own(self, state: State) -> State:
        """Put our own transactions among those that wait, unless they are final already."""
        seat = self._seat(state)
        current, me = state.ledger.current, seat.me
        if current is None:
            next_change = (MEMBERSHIP, (state.ledger.roster.changes + 1, 1))
            due = (("round-open", compute_next_round(state.ledger)), next_change)
        elif me in current.commits or me in current.abstained:
            return state
        else:
            due = (("commit", current.key), ("abstain", current.key))
        pool = state.pool
        for key in due:
            signed = state.desk.signed.get(key)
            if signed is not None:
                pool = add_transaction(seat, state.ledger, pool, signed)
        return state if pool is state.pool else replace(state, pool=pool)

    def _decide(self, state: State) -> Step:
        final = state.instance.decided()
        if final is None:
            return state, ()
        seat = self._seat(state)
        block = read_block(final.data, seat.signer.verify)
        ledger = apply_block(state.ledger, block, seat.signer.verify)
        data = write_final(final)
        grown, effects = accept(seat, self._config, state, ledger, data)
        return grown, (*effects, *sync.tell_final(grown, block.height, data))


def _change_desk(desk: desks.Desk, event: _DeskEvent) -> desks.Desk:
    match event:
        case events.ContributionReady():
            return desks.on_ready(desk, event)
        case events.ContributionAbstained():
            return desks.on_abstained(desk, event)
        case events.BlobStored():
            return desks.on_stored(desk, event.blob)
        case events.BlobRefused():
            return desks.on_refused(desk, event)
        case _:
            return desks.on_merge(desk, event)


def _on_request(seat: Seat, state: State, event: events.RoundRequested) -> Step:
    """An operator asks for a round: at most one request waits."""
    fields = Fields(
        {"kind": event.kind, "as_of": event.as_of, "close": event.close_after_seconds},
        "round request",
        ("kind", "as_of", "close"),
    )
    try:
        fields.text("kind", 32)
        fields.day("as_of")
        fields.integer("close", 1, MAX_CLOSE_SECONDS)
        seat.genesis.terms(event.kind)
    except RemoteProtocolError as error:
        return state, (events.Note("error", f"The request for a round is refused: {error}."),)
    if state.ledger.current is not None:
        number = state.ledger.current.opening.round
        text = f"Round {number} is under way; ask again when it is decided."
        return state, (events.Note("warning", text),)
    return replace(state, desk=replace(state.desk, request=event)), ()


def _note_evidence(state: State) -> Step:
    fresh = {m: c for m, c in state.instance.evidence.items() if m not in state.evidence}
    if not fresh:
        return state, ()
    notes = tuple(
        events.Note("error", f"{member} contradicts itself: {fresh[member]}.")
        for member in sorted(fresh)
    )
    return replace(state, evidence={**state.evidence, **fresh}), notes
