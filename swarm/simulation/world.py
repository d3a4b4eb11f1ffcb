"""A whole swarm in one process, one thread and simulated time: a seed decides everything.

The same `Node` that real peers run is driven by hosts (`swarm.simulation.host`) over a network that
misbehaves until `faults_until_ms`; afterwards every round must be decided in bounded time.
Invariants are checked after every effect. The same seed gives the same trace.
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from swarm.events import Received, RoundRequested, Tick
from swarm.ledger.kinds import PARAMETERS, STATISTICS
from swarm.signing import SimSigner
from swarm.simulation.host import Host
from swarm.simulation.invariants import Invariants, ViolationError
from swarm.simulation.liar import Liar
from swarm.simulation.network import Network
from swarm.simulation.scenario import make_genesis

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm.events import Event, FetchBlob
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
        trace: SHA-256 over everything that happened.
        events: How many things happened.
    """

    seed: int
    rounds: tuple[tuple[int, int, str, int], ...]
    height: int
    simulated_ms: int
    violation: str
    stalled: bool
    trace: str
    events: int


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
    )


@dataclass(order=True, slots=True)
class _Due:
    at_ms: int
    order: int
    act: Callable[[], None] = field(compare=False)


class World:
    """Hosts, network and time.

    Attributes:
        rng: Seeded; the only source of chance.
        now_ms: Simulated time.
        invariants: Checked all the time.
        trace: Hash of everything that happened.
        count: How many things happened.
        notes: What nodes and hosts had to say: time, member, text.
    """

    def __init__(self, seed: int, scenario: Scenario) -> None:
        """Set everything up at time zero."""
        self.rng = Random(seed)  # noqa: S311 (a simulation, not a secret)
        self._kinds = Random(seed)  # noqa: S311 - apart, so that faults do not depend on kinds
        self.now_ms = 0
        self.trace = hashlib.sha256()
        self.count = 0
        self.notes: list[tuple[int, str, str]] = []
        self._scenario = scenario
        genesis = make_genesis(scenario.members)
        liars = frozenset(self.rng.sample(genesis.ids, scenario.liars))
        verify = SimSigner("", genesis.swarm_id).verify
        self.invariants = Invariants(genesis, verify, frozenset(genesis.ids) - liars)
        self._network = Network(scenario, self.rng)
        self.hosts: dict[str, Host] = {}
        for member in genesis.ids:
            kind = Liar if member in liars else Host
            self.hosts[member] = kind(genesis, member, self, scenario.rules, self.invariants)
        self._down = frozenset(genesis.ids[index] for index in scenario.down)
        self._honest = [
            host
            for member, host in self.hosts.items()
            if member not in liars and member not in self._down
        ]
        self._queue: list[_Due] = []
        self._order = 0
        self._prepare()

    def run(self) -> None:
        """Until everything is decided, or patience ends.

        Raises:
            ViolationError: An invariant broke.
        """
        end_ms = self._scenario.faults_until_ms + self._scenario.patience_ms
        while self._queue and not self.is_finished():
            due = heapq.heappop(self._queue)
            if due.at_ms > end_ms:
                return
            self.now_ms = due.at_ms
            due.act()

    def is_finished(self) -> bool:
        """Whether all rounds are decided and all honest members know it, and hold the merge."""
        ledger = self.invariants.ledger
        if ledger.current is not None or _decided_rounds(ledger) < self._scenario.rounds:
            return False
        head = ledger.head.digest if ledger.head else b""
        network = ledger.network.digest if ledger.network else b""
        return all(
            host.node is not None
            and len(host.disk.blocks) == ledger.height
            and (host.disk.head, host.disk.network) == (head, network)
            for host in self._honest
        )

    def send(self, sender: str, receiver: str, message: bytes) -> None:
        """Hand a message to the network."""
        host = self.hosts[receiver]
        for delay in self._network.arrivals(sender, receiver, self.now_ms):
            self._at(delay, lambda: self._deliver(host, sender, message))

    def later(self, host: Host, delay_ms: int, event: Event) -> None:
        """Let something happen to a host, unless it crashes before."""
        run = host.run

        def act() -> None:
            if host.run == run:
                self._step(host, event)

        self._at(delay_ms, act)

    def find(self, host: Host, effect: FetchBlob) -> bytes | None:
        """A blob from the first holder that is up, reachable and willing."""
        faulty = self._network.is_faulty(self.now_ms)
        for member in effect.holders:
            if faulty and (self._network.is_cut(member, host.me) or self.rng.random() < 0.1):
                continue
            found = self.hosts[member].serves(effect.blob, host.me)
            if found is not None:
                return found
        return None

    def crashed(self, host: Host) -> None:
        """A host is down; it starts again after a while."""
        self.note(host, "crash")
        self._at(500 + self.rng.randrange(5_000), lambda: self._start(host))

    def note(self, host: Host, text: str) -> None:
        """For the trace, and for people who look for the reason of a failure."""
        self.notes.append((self.now_ms, host.me, text))

    def _prepare(self) -> None:
        faults, until_ms = self._scenario.faults, self._scenario.faults_until_ms
        for host in self.hosts.values():
            if host.me in self._down:
                continue
            host.clock_rate = 0.95 + 0.1 * self.rng.random()
            self._at(self.rng.randrange(500), lambda host=host: self._start(host))  # type: ignore[misc]
            if "crash" in faults and not isinstance(host, Liar):
                for _ in range(self.rng.randrange(5)):
                    at_ms = self.rng.randrange(until_ms)
                    self._at(at_ms, lambda host=host: self._doom(host))  # type: ignore[misc]
        if "crash" in faults:
            self._at(until_ms, self._pardon)
        if "partition" in faults:
            for at_ms in range(0, until_ms, 2_000):
                self._at(at_ms, lambda: self._network.change(tuple(self.hosts)))
        self._at(1_000, self._ask_for_round)

    def _doom(self, host: Host) -> None:
        """Let a host crash after some more effects: between any two of them."""
        host.crash_after = self.rng.randrange(12)

    def _pardon(self) -> None:
        for host in self.hosts.values():
            host.crash_after = -1

    def _start(self, host: Host) -> None:
        if host.node is not None:
            return
        self._mark(host, "start")
        host.start(self.now_ms)
        run = host.run

        def tick() -> None:
            if host.run == run and host.node is not None:
                self._step(host, Tick(host.local_ms(self.now_ms)))
                self._at(TICK_MS, tick)

        self._at(TICK_MS, tick)

    def _ask_for_round(self) -> None:
        """The operator: asks, through anybody who is up, until enough rounds are decided."""
        ledger = self.invariants.ledger
        decided = _decided_rounds(ledger)
        is_early = decided and self._network.is_faulty(self.now_ms)
        up = [host for host in self._honest if host.node is not None]
        if up and ledger.current is None and decided < self._scenario.rounds and not is_early:
            kind = self._kinds.choice((STATISTICS, PARAMETERS))
            request = RoundRequested(kind, AS_OF, self._scenario.close_after_seconds)
            self._step(self.rng.choice(up), request)
        self._at(5_000, self._ask_for_round)

    def _deliver(self, host: Host, sender: str, message: bytes) -> None:
        if host.node is not None:
            self._step(host, Received(sender, message))

    def _step(self, host: Host, event: Event) -> None:
        self._mark(host, event)
        host.step(event)

    def _mark(self, host: Host, what: object) -> None:
        self.count += 1
        self.trace.update(f"{self.now_ms} {host.me} {what!r}".encode())

    def _at(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, _Due(self.now_ms + delay_ms, self._order, act))


def _decided_rounds(ledger: Ledger) -> int:
    last = {entry.opening.round: entry for entry in ledger.rounds}
    return sum(entry.is_decided and not entry.has_second_attempt for entry in last.values())
