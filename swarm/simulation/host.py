"""A simulated member: performs the effects of a real `Node` on a simulated disk and network."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from swarm import codec, events
from swarm.ledger.kinds import PARAMETERS
from swarm.merge.merge import head_digest, merge
from swarm.merge.updates import merge_updates, network_digest
from swarm.node import Node
from swarm.rounds import Patience
from swarm.signing import SimSigner
from swarm.simulation.invariants import ViolationError
from swarm.state import NodeConfig

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

    from swarm.consensus.rules import Rules
    from swarm.events import Effect, Event
    from swarm.ledger.genesis import Genesis
    from swarm.simulation.invariants import Invariants


@dataclass
class Disk:
    """What survives a crash.

    Attributes:
        log: Persisted records, oldest first.
        blocks: Final blocks, by height from 1.
        blobs: Contributions by digest.
        own: Our contribution of each round; of updates, of each base.
        head: Digest that HEAD points to.
        network: Digest that the network's pointer points to.
    """

    log: list[bytes] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    own: dict[int | bytes, bytes] = field(default_factory=dict)
    head: bytes = b""
    network: bytes = b""


class Surroundings(Protocol):
    """What a host needs of the world around it."""

    rng: Random

    def send(self, sender: str, receiver: str, message: bytes) -> None:
        """Hand a message to the network."""
        ...

    def later(self, host: Host, delay_ms: int, event: Event) -> None:
        """Let something happen to a host, unless it crashes before."""
        ...

    def find(self, host: Host, effect: events.FetchBlob) -> bytes | None:
        """A blob from whoever is up, reachable and willing."""
        ...

    def crashed(self, host: Host) -> None:
        """Say that a host is down, and must start again some time."""
        ...

    def note(self, host: Host, text: str) -> None:
        """For the trace."""
        ...


class Host:
    """One member's process and disk.

    Attributes:
        me: Member id.
        node: The protocol core, None while down.
        disk: What survives.
        run: Number of the present run; events of earlier runs are lost.
        crash_after: Effects until the next crash; negative for none.
    """

    def __init__(
        self, genesis: Genesis, me: str, world: Surroundings, rules: Rules, invariants: Invariants
    ) -> None:
        """Build it, still down."""
        self.genesis = genesis
        self.me = me
        self.signer = SimSigner(me, genesis.swarm_id)
        self.node: Node | None = None
        self.disk = Disk()
        self.run = 0
        self.crash_after = -1
        self.clock_rate = 1.0
        self._world = world
        self._invariants = invariants
        self._config = NodeConfig(
            rules=rules, patience=Patience(fetch_again_ms=2_000, merge_ms=8_000)
        )

    def start(self, now_ms: int) -> None:
        """Start, or start again, from what the disk holds."""
        self.run += 1
        self._started_ms = now_ms
        self.node = Node(self.genesis, self.me, self.signer, self._config)
        log, blocks = tuple(self.disk.log), tuple(self.disk.blocks)
        self.step(events.Started(self.local_ms(now_ms), log, blocks))

    def crash(self) -> None:
        """Lose everything but the disk."""
        self.node = None
        self.crash_after = -1
        self._world.crashed(self)

    def local_ms(self, now_ms: int) -> int:
        """Our own monotonic clock: begins at each start and runs at its own rate."""
        return int((now_ms - self._started_ms) * self.clock_rate)

    def step(self, event: Event) -> None:
        """Let something happen; the process may crash between any two effects."""
        if self.node is None:
            return
        for effect in self.node.step(event):
            if self.crash_after == 0:
                self.crash()
                return
            self.crash_after -= 1
            self.perform(effect)

    def perform(self, effect: Effect) -> None:
        """Perform one effect."""
        match effect:
            case events.Persist():
                self.disk.log.append(effect.record)
                self._invariants.on_persist(self.me, effect.record)
            case events.Send():
                self.let_go(effect.message, (effect.to,))
            case events.Broadcast():
                others = tuple(member for member in self.genesis.ids if member != self.me)
                self.let_go(effect.message, others)
            case events.AppendBlock():
                self._append(effect)
            case events.MoveHead():
                self._invariants.on_head(self.me, effect.round, effect.digest)
                self.point(effect)
            case events.Note():
                self._note(effect)
            case events.StartContribution() | events.FetchBlob() | events.ComputeMerge():
                self._begin(effect)

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Send a message."""
        self._invariants.on_send(self.me, message)
        for receiver in receivers:
            self._world.send(self.me, receiver, message)

    def serves(self, blob: bytes, asker: str) -> bytes | None:
        """The bytes of a blob, if we have them and give them away."""
        del asker
        return self.disk.blobs.get(blob) if self.node is not None else None

    def _append(self, effect: events.AppendBlock) -> None:
        self._invariants.on_append(self.me, effect.height, len(self.disk.blocks), effect.block)
        self.disk.blocks.append(effect.block)

    def _note(self, note: events.Note) -> None:
        self._world.note(self, f"{note.level}: {note.text}")
        if self.node is not None:
            for accused in self.node.view().evidence:
                self._invariants.on_evidence(self.me, accused)

    def _begin(
        self, effect: events.StartContribution | events.FetchBlob | events.ComputeMerge
    ) -> None:
        """What runs beside the core and comes back as an event."""
        rng = self._world.rng
        match effect:
            case events.StartContribution():
                blob = self.contribute(effect)
                ready = events.ContributionReady(effect.round, effect.attempt, blob, effect.size)
                self._world.later(self, 200 + rng.randrange(800), ready)
            case events.FetchBlob():
                found = self.disk.blobs.get(effect.blob) or self._world.find(self, effect)
                if found is not None:
                    self.disk.blobs[effect.blob] = found
                    stored = events.BlobStored(effect.blob)
                    self._world.later(self, 20 + rng.randrange(80), stored)
            case events.ComputeMerge():
                digest = self.merge(effect)
                computed = events.MergeComputed(effect.round, effect.attempt, digest)
                self._world.later(self, 20 + rng.randrange(80), computed)

    def contribute(self, order: events.StartContribution) -> bytes:
        """Digest of our contribution: drawn once, then the same for ever (R13)."""
        place = order.base if order.kind == PARAMETERS else order.round
        if order.kind == PARAMETERS and order.base != self.disk.network:
            raise ViolationError(f"{self.me} trains on parameters that it does not have")
        if place not in self.disk.own:
            cells = [self._world.rng.randrange(-1000, 1000) for _ in range(order.size // 4)]
            data = struct.pack(f"<{len(cells)}i", *cells)
            blob = codec.blob_digest([data])
            self.disk.blobs[blob] = data
            self.disk.own[place] = blob
            self._invariants.blobs[blob] = data
        return self.disk.own[place]

    def merge(self, effect: events.ComputeMerge) -> bytes:
        """Digest of the real merge of what the disk holds."""
        manifest, updates = self.genesis.manifest_digest, self.genesis.updates
        if effect.updates and updates is not None:
            rounds = [{who: self._read(blob) for who, blob in one} for one in effect.updates]
            merged = merge_updates(rounds, effect.anchors, updates.entry, updates.norm)
            return network_digest(manifest, merged)
        arrays = {
            member: [self._read(blob) for blob in blobs] for member, blobs in effect.contributions
        }
        return head_digest(manifest, *merge(arrays, effect.anchors))

    def point(self, effect: events.MoveHead) -> None:
        """Move a pointer."""
        if effect.kind == PARAMETERS:
            self.disk.network = effect.digest
        else:
            self.disk.head = effect.digest

    def _read(self, blob: bytes) -> NDArray[np.int32]:
        return np.frombuffer(self.disk.blobs[blob], dtype="<i4")
