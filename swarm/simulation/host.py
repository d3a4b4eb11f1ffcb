"""A simulated member: performs the effects of a real `Node` on a simulated disk and network."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from swarm import codec, events
from swarm.boot import boot_record
from swarm.errors import StorageError
from swarm.ledger.chain import verify_chain
from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.roster import first_roster
from swarm.merge.merge import head_digest, merge
from swarm.merge.updates import merge_updates, network_digest
from swarm.node import Node
from swarm.rounds import Patience
from swarm.signing import SimSigner
from swarm.simulation.disk import Disk
from swarm.simulation.invariants import ViolationError
from swarm.state import NodeConfig
from swarm.sync import final_messages

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from swarm.consensus.rules import Rules
    from swarm.events import Effect, Event
    from swarm.ledger.genesis import Genesis
    from swarm.simulation.invariants import Invariants
    from swarm.simulation.surroundings import Surroundings


class Host:
    """One member's process and disk.

    Attributes:
        me: Member id.
        node: The protocol core, None while down.
        disk: What survives.
        run: Number of the present run; events of earlier runs are lost.
        crash_after: Effects until the next crash; negative for none.
        clock_rate: How fast our monotonic clock runs.
        skew_ms: How far it has jumped since the start.
        is_full: Whether the disk takes nothing more.
        fsync_ms: How long a write takes.
        busy_until_ms: When what was written last is on disk.
        hurt: Whether the disk lost something, and we must not vote yet.
        spent: Rounds up to this one are not contributed to: the disk may have forgotten one (R3).
        next_ids: Keys that wait until the ledger knows one of them.
        links: Whom we are connected with: members in force, and before those, who invited us.
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
        self.skew_ms = 0
        self.is_full = False
        self.fsync_ms = 0
        self.busy_until_ms = 0
        self.hurt = False
        self.spent = 0
        self.tears = False
        self.next_ids: frozenset[str] = frozenset()
        self.links = frozenset(genesis.ids)
        self._roster = first_roster(genesis)
        self._is_told = False
        self._lag_ms = 0
        self._now_ms = 0
        self._world = world
        self._invariants = invariants
        self._config = NodeConfig(
            rules=rules, patience=Patience(fetch_again_ms=2_000, merge_ms=8_000)
        )

    def start(self, now_ms: int) -> None:
        """Start, or start again, from what the disk holds."""
        self.run += 1
        self._started_ms = self._now_ms = self.busy_until_ms = now_ms
        self.skew_ms = self._lag_ms = 0
        config = self._config
        try:
            log, blocks = self._read("votes"), self._read("blocks")
        except StorageError as error:
            if not self.disk.decayed:
                raise ViolationError(
                    f"{self.me}: a torn write passes for damage: {error}"
                ) from error
            # The operator reads the message and does what it says: `--restored` (R26).
            self._world.note(self, "restored")
            for kind in tuple(self.disk.decayed):
                self.disk.lose(kind)
            self._invariants.on_loss(self.me, self.disk)
            log, blocks = self._read("votes"), self._read("blocks")
            self.hurt, self._is_told = True, False
        fresh = self.next_ids & set(self._settled(blocks).ids)
        if fresh:
            self._take_over(*fresh)
            log = self._read("votes")
        if self.hurt and not self._is_told:
            config = replace(config, restored=True)
        self._invariants.on_start(self.me, log, blocks)
        self.node = Node(self.genesis, self.me, self.signer, config)
        self.step(events.Started(self.local_ms(now_ms), log, blocks), now_ms)

    def invite(self, checkpoint: tuple[int, bytes], contacts: Collection[str]) -> None:
        """We are no member yet: what an invitation names, and who sent it."""
        self._config = replace(self._config, checkpoint=checkpoint)
        self.links = frozenset(contacts)

    def _settled(self, blocks: tuple[bytes, ...]) -> Genesis:
        """The members that our own ledger says, if we wait for our next key."""
        if not self.next_ids:
            return self.genesis
        return verify_chain(self.genesis, blocks, self.signer.verify).roster

    def _take_over(self, fresh: str) -> None:
        """The next key takes over, on the same disk, with a vote log of its own."""
        before, self.me, self.next_ids = self.me, fresh, frozenset()
        self.signer = SimSigner(self.me, self.genesis.swarm_id)
        self.disk.log[:] = []
        self.disk.torn.pop("votes", None)
        if not self.hurt or self._is_told:  # a key that has never voted has forgotten no vote
            self.disk.log.append(boot_record(self.genesis.swarm_id, self.me))
            self.hurt = False
        self._invariants.on_rotate(self.me, self.disk)
        self._world.rotated(self, before)

    def follow(self) -> None:
        """Other members are in force: we connect to those, and to no others."""
        if self.node is None or self.node.roster is self._roster:
            return
        self._roster = self.node.roster
        self.links = frozenset(self._roster.ids)
        if self.next_ids & self.links:
            self.node = None  # the process ends, and goes on under its next key
            self._world.start_again(self)

    def _read(self, kind: str) -> tuple[bytes, ...]:
        return self.disk.read(kind, self._world.rng)

    def restore(self, backup: Disk) -> None:
        """While down: the disk is replaced by an older state of itself, and the operator knows."""
        self.disk = backup
        self._invariants.on_loss(self.me, backup)
        self.hurt, self._is_told = True, False

    def crash(self) -> None:
        """Lose everything but the disk."""
        self.node = None
        self.crash_after = -1
        self._world.crashed(self)

    def local_ms(self, now_ms: int) -> int:
        """Our own monotonic clock: begins at each start and runs at its own rate."""
        return int((now_ms - self._started_ms) * self.clock_rate) + self.skew_ms

    def admits(self, member: str) -> bool:
        """Whether somebody may connect; who was a member may still be heard, and is to no avail."""
        return member in self.links or member in self._roster.names

    @property
    def others(self) -> tuple[str, ...]:
        """Whom we are connected with, sorted."""
        return tuple(sorted(self.links - {self.me}))

    @property
    def is_up(self) -> bool:
        """Whether the process runs."""
        return self.node is not None

    @property
    def is_passive(self) -> bool:
        """Whether it is up and must not vote yet (R26)."""
        return self.node is not None and self.node._state.passive  # noqa: SLF001 (a simulation)

    @property
    def lag_ms(self) -> int:
        """How much later what is sent now leaves, because the disk was not ready."""
        return self._lag_ms

    def step(self, event: Event, now_ms: int) -> None:
        """Let something happen; the process may crash between any two effects."""
        if self.node is None:
            return
        self._now_ms, self._lag_ms = now_ms, 0
        for effect in self.node.step(event, self.local_ms(now_ms)):
            if self.crash_after == 0 or not self._takes(effect):
                self._tear(effect)
                self.crash()
                return
            self.crash_after -= 1
            self.perform(effect)
            if not self.is_up:
                return
        self.busy_until_ms = now_ms + self._lag_ms
        if self.hurt and not self.is_passive:
            self.hurt = False
        if self.node.roster is not self._roster:
            self._invariants.on_roster(self.me, len(self.disk.blocks) + 1, self.node.roster)
            self.follow()

    def _takes(self, effect: Effect) -> bool:
        """Whether the disk has room for what an effect writes; if not, the process ends."""
        writes = isinstance(effect, events.Persist | events.AppendBlock | events.MoveHead)
        if writes and self.is_full:
            self._world.injected["full"] += 1
            return False
        return True

    def _tear(self, effect: Effect) -> None:
        """A crash in the middle of a write."""
        if not self.tears or self.is_full:
            return
        rng = self._world.rng
        match effect:
            case events.Persist():
                self.disk.tear("votes", effect.record, rng)
            case events.AppendBlock():
                self.disk.tear("blocks", effect.block, rng)
            case _:
                return
        self._world.injected["torn"] += 1

    def perform(self, effect: Effect) -> None:
        """Perform one effect."""
        match effect:
            case events.Persist():
                self.disk.log.append(effect.record)
                self._is_told |= (
                    codec.decode(effect.record, 1 << 20)[0] == "passive"
                )  # no need to say `--restored` again
                self._wait_for_disk()
                self._invariants.on_persist(self.me, effect.record)
            case events.Send() | events.SendBlocks() | events.Broadcast():
                self._say(effect)
            case events.AppendBlock():
                self._append(effect)
                self._wait_for_disk()
            case events.MoveHead():
                self._invariants.on_head(self.me, effect.round, effect.digest)
                self.point(effect)
            case events.Note():
                self._note(effect)
            case events.StartContribution() | events.FetchBlob() | events.ComputeMerge():
                self._begin(effect)

    def _say(self, effect: events.Send | events.SendBlocks | events.Broadcast) -> None:
        match effect:
            case events.Send():
                self.let_go(effect.message, (effect.to,))
            case events.SendBlocks():
                for message in final_messages(self.disk.blocks, effect.height):
                    self.let_go(message, (effect.to,))
            case events.Broadcast():
                self.let_go(effect.message, self.others)

    def _wait_for_disk(self) -> None:
        if self.fsync_ms:
            self._world.injected["slow"] += 1
            self._lag_ms += self.fsync_ms

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Send a message."""
        self._invariants.on_send(self.me, message, self.disk)
        for receiver in receivers:
            self._world.send(self.me, receiver, message)

    def serves(self, blob: bytes, asker: str) -> bytes | None:
        """The bytes of a blob, if we have them, whole, and give them away."""
        del asker
        data = self.disk.blobs.get(blob) if self.node is not None else None
        return data if data is not None and codec.blob_digest([data]) == blob else None

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
        match effect:
            case events.StartContribution():
                self._start_contribution(effect)
            case events.FetchBlob():
                self._fetch(effect)
            case events.ComputeMerge():
                self._start_merge(effect)

    def _start_contribution(self, order: events.StartContribution) -> None:
        key = (order.round, order.attempt)
        answer: Event
        if order.round <= self.spent and self._place(order) not in self.disk.own:
            answer = events.ContributionAbstained(*key, "restored from a backup")
        else:
            answer = events.ContributionReady(*key, self.contribute(order), order.size)
        self._world.later(self, 200 + self._world.rng.randrange(800), answer)

    def _fetch(self, order: events.FetchBlob) -> None:
        held = self.serves(order.blob, self.me)
        found = held or self._world.find(self, order.blob, order.holders)
        if found is None or codec.blob_digest([found]) != order.blob:
            return
        delay = 20 + self._world.rng.randrange(80)
        if len(found) != order.size:
            refused = events.BlobRefused(order.blob, f"has {len(found)} bytes")
            self._world.later(self, delay, refused)
        elif self.is_full:
            self._world.injected["full"] += 1
            self.crash()
        else:
            self.disk.blobs[order.blob] = found
            self._world.later(self, delay, events.BlobStored(order.blob))

    def _start_merge(self, order: events.ComputeMerge) -> None:
        """Merge what the disk holds; what has decayed is fetched again first."""
        needed = {blob for _, blobs in order.contributions for blob in blobs}
        needed |= {blob for one in order.updates for _, blob in one}
        for blob in sorted(needed):
            if self.serves(blob, self.me) is None:
                found = self._world.find(self, blob, self.others)
                if found is not None:
                    self.disk.blobs[blob] = found
        if any(self.serves(blob, self.me) is None for blob in needed):
            self._world.again(self, 2_000, lambda: self._start_merge(order))
            return
        computed = events.MergeComputed(order.round, order.attempt, self.merge(order))
        self._world.later(self, 20 + self._world.rng.randrange(80), computed)

    @staticmethod
    def _place(order: events.StartContribution) -> int | bytes:
        return order.base if order.kind == PARAMETERS else order.round

    def contribute(self, order: events.StartContribution) -> bytes:
        """Digest of our contribution: drawn once, then the same for ever (R13)."""
        self._invariants.on_contribution(self.me, order, self.disk)
        place = self._place(order)
        if place not in self.disk.own:
            self.disk.own[place] = self.draw(order)
        data = self.disk.own[place]
        blob = codec.blob_digest([data])
        self.disk.blobs[blob] = data
        self._invariants.blobs[blob] = data
        return blob

    def draw(self, order: events.StartContribution) -> bytes:
        """A contribution of the right size."""
        cells = [self._world.rng.randrange(-1000, 1000) for _ in range(order.size // 4)]
        return struct.pack(f"<{len(cells)}i", *cells)

    def merge(self, effect: events.ComputeMerge) -> bytes:
        """Digest of the real merge of what the disk holds."""
        manifest, updates = self.genesis.manifest_digest, self.genesis.updates
        if effect.updates and updates is not None:
            rounds = [{who: self._cells(blob) for who, blob in one} for one in effect.updates]
            merged = merge_updates(rounds, effect.anchors, updates.entry, updates.norm)
            return network_digest(manifest, merged)
        arrays = {
            member: [self._cells(blob) for blob in blobs] for member, blobs in effect.contributions
        }
        return head_digest(manifest, *merge(arrays, effect.anchors))

    def point(self, effect: events.MoveHead) -> None:
        """Move a pointer."""
        if effect.kind == PARAMETERS:
            self.disk.network = effect.digest
        else:
            self.disk.head = effect.digest

    def _cells(self, blob: bytes) -> NDArray[np.int32]:
        return np.frombuffer(self.disk.blobs[blob], dtype="<i4")
