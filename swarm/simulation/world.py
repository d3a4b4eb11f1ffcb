"""A whole swarm in one process, one thread and simulated time: a seed decides everything.

The same `Node` that real peers run is driven by hosts (`swarm.simulation.host`) over a network that
misbehaves until `faults_until_ms`; afterwards every round must be decided in bounded time.
Invariants are checked after every effect. The same seed gives the same trace.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from swarm.codec import blob_digest
from swarm.events import Received, RoundRequested, Tick
from swarm.ledger.kinds import PARAMETERS, STATISTICS
from swarm.ledger.membership import ROTATE
from swarm.signing import SimSigner
from swarm.simulation.changes import draw_carry, draw_change
from swarm.simulation.faults import Faults
from swarm.simulation.host import Host
from swarm.simulation.invariants import Invariants, ViolationError
from swarm.simulation.liars import make_liar
from swarm.simulation.network import Network
from swarm.simulation.scenario import make_genesis
from swarm.transport.versions import SPOKEN, is_understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm.events import Event
    from swarm.ledger.rounds import Ledger
    from swarm.simulation.scenario import Scenario

TICK_MS = 250
AS_OF = "2026-11-24"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went.

    Attributes:
        seed: Of the run.
        rounds: For each attempt of a round, (round, attempt, outcome, number of members in).
        height: Blocks decided.
        simulated_ms: When everything was decided.
        violation: The invariant that broke, or empty.
        stalled: Whether something was still undecided when patience ended.
        left_out: Honest members that are not in the last round, though it opened after the faults
            and their disks were whole. There must be none.
        trace: SHA-256 over everything that happened.
        events: How many things happened.
        injected: How often each fault and lie happened, by name.
    """

    seed: int
    rounds: tuple[tuple[int, int, str, int], ...]
    height: int
    simulated_ms: int
    violation: str
    stalled: bool
    trace: str
    events: int
    injected: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...] = ()

    @property
    def failure(self) -> str:
        """What went wrong, in words; empty if nothing did."""
        if self.violation:
            return self.violation
        if self.stalled:
            return "stalled"
        return f"left out: {', '.join(self.left_out)}" if self.left_out else ""


def simulate(seed: int, scenario: Scenario) -> Outcome:
    """Run one seed to its end."""
    world = World(seed, scenario)
    violation = ""
    try:
        world.run()
    except ViolationError as error:
        violation = str(error)
    ledger = world.invariants.ledger
    return Outcome(
        seed=seed,
        rounds=tuple((*r.key, r.outcome, len(r.included)) for r in ledger.rounds),
        height=ledger.height,
        simulated_ms=world.now_ms,
        violation=violation,
        stalled=not violation and not world.is_finished(),
        trace=world.trace.hexdigest(),
        events=world.count,
        injected=tuple(sorted((name, n) for name, n in world.injected.items() if n)),
        left_out=() if violation else world.left_out(),
    )


_Due = tuple[int, int, "Callable[[], None]"]
"""When something happens, its place among what happens then, and what."""


class World:
    """Hosts, network and time.

    Attributes:
        rng: Seeded; the only source of chance.
        now_ms: Simulated time.
        invariants: Checked all the time.
        trace: Hash of everything that happened.
        count: How many things happened.
        notes: What nodes and hosts had to say: time, member, text.
        injected: How often each fault and lie happened.
        network: Between the hosts.
    """

    def __init__(self, seed: int, scenario: Scenario) -> None:
        """Set everything up at time zero."""
        self.rng = Random(seed)  # noqa: S311 (a simulation, not a secret)
        self._kinds = Random(seed)  # noqa: S311 - apart, so that faults do not depend on kinds
        self.now_ms = 0
        self.trace = hashlib.sha256()
        self.count = 0
        self.notes: list[tuple[int, str, str]] = []
        self.injected: Counter[str] = Counter()
        self.scenario = scenario
        genesis = self._genesis = make_genesis(scenario.members)
        liars = frozenset(self.rng.sample(genesis.ids, scenario.liars))
        verify = SimSigner("", genesis.swarm_id).verify
        self.invariants = Invariants(genesis, verify, frozenset(genesis.ids) - liars)
        self._faults = Faults(self)
        self.network = Network(
            self._faults.active, scenario.faults_until_ms, self.rng, self.injected
        )
        self.hosts: dict[str, Host] = {}
        for member in genesis.ids:
            make = make_liar if member in liars else Host
            self.hosts[member] = make(genesis, member, self, scenario.rules, self.invariants)
        self._versions = dict(zip(genesis.ids, scenario.versions, strict=False))
        self._down = frozenset(genesis.ids[index] for index in scenario.down)
        self.honest = [
            host
            for member, host in self.hosts.items()
            if member not in liars and member not in self._down
        ]
        self._queue: list[_Due] = []
        self._order = 0
        self._able: frozenset[str] = frozenset()
        self._changes_left = scenario.changes
        self._prepare()

    def run(self) -> None:
        """Until everything is decided, or patience ends.

        Raises:
            ViolationError: An invariant broke.
        """
        end_ms = self.scenario.faults_until_ms + self.scenario.patience_ms
        while self._queue and not self.is_finished():
            at_ms, _, act = heapq.heappop(self._queue)
            if at_ms > end_ms:
                return
            self.now_ms = at_ms
            rounds = len(self.invariants.ledger.rounds)
            act()
            if len(self.invariants.ledger.rounds) > rounds:
                self._able = self._who_is_able()

    def is_finished(self) -> bool:
        """Whether all rounds are decided and all honest members know it, and hold the merge."""
        ledger = self.invariants.ledger
        if ledger.current is not None or _decided_rounds(ledger) < self.scenario.rounds:
            return False
        if self._changes_left or self._owes_carry():
            return False
        return all(self._has_all(host, ledger.height) for host in self.members())

    def members(self) -> list[Host]:
        """Honest members in force, as the ledger says."""
        ids = self.invariants.ledger.roster.by_id
        return [host for host in self.honest if host.me in ids]

    def _has_all(self, host: Host, height: int) -> bool:
        """Whether a host is up, has so many blocks, and holds the last merge of each kind."""
        ledger = self.invariants.ledger
        head = ledger.head.digest if ledger.head else b""
        network = ledger.network.digest if ledger.network else b""
        has_blocks = host.node is not None and len(host.disk.blocks) >= height
        return has_blocks and (host.disk.head, host.disk.network) == (head, network)

    def _who_is_able(self) -> frozenset[str]:
        """Honest members that a round which opens now must not miss (P30)."""
        if self.network.is_faulty(self.now_ms):
            return frozenset()
        before = self.invariants.ledger.height - 1
        able = (h for h in self.members() if not h.hurt and self._has_all(h, before))
        return frozenset(host.me for host in able)

    def left_out(self) -> tuple[str, ...]:
        """Members of which the last round should have had a contribution, and has none."""
        last = self.invariants.ledger.rounds[-1:]
        expected = set(last[0].opening.expected) if last else set()
        return tuple(sorted(self._able & expected - dict(last[0].included).keys() if last else ()))

    def send(self, sender: str, receiver: str, message: bytes) -> None:
        """Hand a message to the network; as on a stream, it does not outlive a restart."""
        host = self.hosts.get(receiver)
        if host is None or not host.admits(sender):
            return
        older = min(self._versions.get(who, SPOKEN[0]) for who in (sender, receiver))
        if not is_understood(message, older):
            return  # as on the stream that both have agreed on (P20)
        event = Received(sender, message)
        for delay in self.network.arrivals(sender, receiver, self.now_ms):
            self.later(host, self.hosts[sender].lag_ms + delay, event)

    def later(self, host: Host, delay_ms: int, event: Event) -> None:
        """Let something happen to a host, unless it crashes before."""
        self.again(host, delay_ms, lambda: self._step(host, event))

    def again(self, host: Host, delay_ms: int, act: Callable[[], None]) -> None:
        """Let a host do something later, unless it crashes before, and not before its disk is."""
        run = host.run

        def wait() -> None:
            if host.run != run or host.node is None:
                return
            if host.busy_until_ms > self.now_ms:
                self.at(host.busy_until_ms - self.now_ms, wait)
            else:
                act()

        self.at(delay_ms, wait)

    def find(self, host: Host, blob: bytes, holders: tuple[str, ...]) -> bytes | None:
        """A blob from the first holder that is up, reachable and willing, and does not cheat."""
        faulty = self.network.is_faulty(self.now_ms)
        for member in holders:
            if faulty and (self.network.is_cut(member, host.me) or self.rng.random() < 0.1):
                continue
            holder = self.hosts.get(member)
            found = holder.serves(blob, host.me) if holder and holder.admits(host.me) else None
            if found is not None and blob_digest([found]) == blob:
                return found
        return None

    def crashed(self, host: Host) -> None:
        """A host is down against its will."""
        self.injected["crash"] += 1
        self.note(host, "crash")
        self.start_again(host)

    def start_again(self, host: Host) -> None:
        """A host is down; it starts again after a while."""
        self.at(500 + self.rng.randrange(5_000), lambda: self._start(host))

    def rotated(self, host: Host, before: str) -> None:
        """A host goes on under its next key."""
        del self.hosts[before]
        self.hosts[host.me] = host

    def note(self, host: Host, text: str) -> None:
        """For the trace, and for people who look for the reason of a failure."""
        self.notes.append((self.now_ms, host.me, text))

    def _prepare(self) -> None:
        for host in self.hosts.values():
            if host.me in self._down:
                continue
            host.clock_rate = 0.95 + 0.1 * self.rng.random()
            self.at(self.rng.randrange(500), lambda host=host: self._start(host))  # type: ignore[misc]
        self._faults.plan()
        self.at(1_000, self._ask_for_round)
        for _ in range(self._changes_left):
            self.at(self.rng.randrange(2 * self.scenario.faults_until_ms), self._change_members)
        if self.scenario.carries:
            self.at(700, self._carry)

    def _start(self, host: Host) -> None:
        if host.node is not None:
            return
        self._mark(host, "start")
        self._faults.before_start(host)
        host.start(self.now_ms)

        def tick() -> None:
            self._step(host, Tick(host.local_ms(self.now_ms)))
            self.again(host, TICK_MS, tick)

        self.again(host, TICK_MS, tick)

    def _ask_for_round(self) -> None:
        """The operator: asks, through anybody who is up, until enough rounds are decided.

        The last round is asked for once all changes of the members have been handed in.
        """
        ledger = self.invariants.ledger
        decided = _decided_rounds(ledger)
        is_last = decided == self.scenario.rounds - 1
        is_early = decided and self.network.is_faulty(self.now_ms)
        waits = is_early or (is_last and self._changes_left) or self._owes_carry()
        up = [host for host in self.members() if host.node is not None]
        if up and ledger.current is None and decided < self.scenario.rounds and not waits:
            kind = self._kinds.choice((STATISTICS, PARAMETERS))
            request = RoundRequested(kind, AS_OF, self.scenario.close_after_seconds)
            self._step(self.rng.choice(up), request)
        self.at(5_000, self._ask_for_round)

    def _change_members(self) -> None:
        """An operator hands in a change, through anybody who is up and a member."""
        self._changes_left -= 1
        ledger = self.invariants.ledger
        liars = self.hosts.keys() - self.invariants.honest
        weak = self._down | {host.me for host in self.honest if host.hurt}
        drawn = draw_change(ledger, self.rng, liars, weak)
        up = [host for host in self.members() if host.node is not None]
        if drawn is None or not up or ledger.roster.by_id.keys() - self.hosts.keys():
            return  # a key that has just come in must take over first
        self.injected["change"] += 1
        self.injected[f"change: {drawn.change.kind}"] += 1
        if drawn.fresh and drawn.change.kind == ROTATE:
            self.hosts[drawn.change.member].next_ids |= {drawn.fresh}
        elif drawn.fresh:
            self._invite(drawn.fresh, drawn.change.seen)
        self._step(self.rng.choice(up), drawn.event)

    def _invite(self, member: str, checkpoint: tuple[int, bytes]) -> None:
        """A newcomer starts with its invitation: soon, or long after it is a member."""
        host = Host(self._genesis, member, self, self.scenario.rules, self.invariants)
        host.invite(checkpoint, self.invariants.ledger.roster.ids)
        self.invariants.on_join(member)
        self.hosts[member] = host
        self.honest.append(host)
        host.clock_rate = 0.95 + 0.1 * self.rng.random()
        self.at(self.rng.randrange(15_000), lambda: self._start(host))
        self._faults.meet(host)

    def _owes_carry(self) -> bool:
        return self.scenario.carries and not self.invariants.ledger.accepted

    def _carry(self) -> None:
        """The operators of a swarm founded anew hand in what it takes over, until it stands."""
        if not self._owes_carry():
            return
        event, blobs = draw_carry(self.invariants.ledger, self.rng)
        self.invariants.blobs.update(blobs)
        up = [host for host in self.members() if host.node is not None]
        for host in up:  # whoever was in the swarm before it holds what that had merged
            host.disk.blobs.update(blobs)
        if up:
            self.injected["carry"] += 1
            self._step(self.rng.choice(up), event)
        self.at(5_000, self._carry)

    def _step(self, host: Host, event: Event) -> None:
        self._mark(host, event)
        host.step(event, self.now_ms)

    def _mark(self, host: Host, what: object) -> None:
        self.count += 1
        self.trace.update(f"{self.now_ms} {host.me} {what!r}".encode())

    def at(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Let something happen after a while."""
        self._order += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._order, act))


def _decided_rounds(ledger: Ledger) -> int:
    last = {entry.opening.round: entry for entry in ledger.rounds}
    return sum(entry.is_decided and not entry.has_second_attempt for entry in last.values())
