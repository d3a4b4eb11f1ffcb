"""When faults of clocks, processes and disks happen; those of the network are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm.ledger.genesis import fault_bound

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from swarm.simulation.disk import Disk
    from swarm.simulation.host import Host
    from swarm.simulation.world import World

_PARTITION_MS = 2_000
_BACKUP_MS = 3_000


class Faults:
    """Plans a run's faults, and ends them.

    A disk that has lost something makes its member one of the f that may fail (R22): it votes no
    more than a silent liar until it has caught up. So decay and restored backups keep within what
    liars and absent members leave of f, and crashes do not need to.

    Attributes:
        active: The faults of this run, drawn from the scenario's.
    """

    def __init__(self, world: World) -> None:
        """Draw which of the scenario's faults this run has."""
        self._world = world
        self._rng: Random = world.rng
        asked = world.scenario.faults
        drawn = tuple(name for name in asked if self._rng.random() < 0.6)
        self.active = drawn or asked
        self._backups: dict[str, Disk] = {}
        self._decays: set[str] = set()
        self._restores: set[str] = set()

    def plan(self) -> None:
        """Put everything that will happen on the world's calendar."""
        world, until_ms = self._world, self._world.scenario.faults_until_ms
        for host in world.honest:
            self._plan_for(host, until_ms)
        if {"partition", "one-way", "bridge"} & set(self.active):
            for at_ms in range(0, until_ms, _PARTITION_MS):
                world.at(at_ms, lambda: world.network.change(tuple(world.hosts)))
        world.at(until_ms, self._pardon)

    def meet(self, host: Host) -> None:
        """Somebody new: it has its share of the faults that are to come."""
        left_ms = self._world.scenario.faults_until_ms - self._world.now_ms
        if left_ms > 0:
            self._plan_for(host, left_ms)

    def _plan_for(self, host: Host, until_ms: int) -> None:
        for name, times, act in (
            ("crash", 5, self._doom),
            ("clock", 3, self._jump),
            ("full", 2, self._fill),
            ("slow", 2, self._slow_down),
            ("flip", 2, self._decay),
            ("restore", 2, self._want_backup),
        ):
            if name in self.active:
                for _ in range(self._rng.randrange(times)):
                    self._at(self._rng.randrange(until_ms), act, host)
        host.tears = "torn" in self.active
        if "clock" in self.active:
            host.clock_rate = self._rng.choice((0.5, 0.8, 1.0, 1.25, 2.0))
            self._count("clock")
        if "restore" in self.active:
            for at_ms in range(_BACKUP_MS, until_ms, _BACKUP_MS):
                self._at(at_ms, self._back_up, host)

    def before_start(self, host: Host) -> None:
        """What has happened to a disk while its member was down."""
        if host.me in self._decays:
            self._decays.discard(host.me)
            if self._may_hurt(host):
                kind = self._rng.choice(("votes", "blocks"))
                if host.disk.log if kind == "votes" else host.disk.blocks:
                    host.disk.decayed.add(kind)
                    self._count("flip")
        backup = self._backups.get(host.me)
        if host.me in self._restores and backup is not None and self._may_hurt(host):
            self._restores.discard(host.me)
            rounds = self._world.invariants.ledger.rounds
            host.spent = max((entry.opening.round for entry in rounds), default=0)
            older = backup.snapshot()
            if self._rng.random() < 0.5:
                older.log.clear()  # our own backups hold no vote log (R26)
            host.restore(older)
            self._count("restore")

    def _may_hurt(self, host: Host) -> bool:
        world = self._world
        hurt = sum(other.hurt for other in world.honest if other is not host)
        absent = len(world.scenario.down) + world.scenario.liars
        members = len(world.invariants.ledger.roster.ids)
        fewest = members - bool(world.scenario.changes)  # a change under way may take one away
        return hurt + absent < fault_bound(fewest) and bool(host.run)

    def _count(self, name: str) -> None:
        self._world.injected[name] += 1

    def _at(self, at_ms: int, act: Callable[[Host], None], host: Host) -> None:
        self._world.at(at_ms, lambda: act(host))

    def _doom(self, host: Host) -> None:
        """Let a host crash after some more effects: between any two of them, or within one."""
        host.crash_after = self._rng.randrange(12)

    def _jump(self, host: Host) -> None:
        """Its monotonic clock jumps: a suspended machine, or a clock that is not monotonic."""
        host.skew_ms += self._rng.choice((-3_000, 1_000, 10_000, 3_600_000))
        self._count("clock")

    def _fill(self, host: Host) -> None:
        host.is_full = True
        self._world.at(1_000 + self._rng.randrange(4_000), lambda: self._empty(host))

    def _empty(self, host: Host) -> None:
        host.is_full = False

    def _slow_down(self, host: Host) -> None:
        host.fsync_ms = self._rng.choice((50, 300, 1_500))

    def _decay(self, host: Host) -> None:
        """A bit flips: in a blob now, or in a record file, which the next start will find."""
        if host.disk.blobs and self._rng.random() < 0.5:
            blob = self._rng.choice(sorted(host.disk.blobs))
            data = bytearray(host.disk.blobs[blob])
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
            host.disk.blobs[blob] = bytes(data)
            self._count("flip")
        else:
            self._decays.add(host.me)
            host.crash_after = min(host.crash_after, 40) if host.crash_after >= 0 else 40

    def _back_up(self, host: Host) -> None:
        if self._rng.random() < 0.5:
            self._backups[host.me] = host.disk.snapshot()

    def _want_backup(self, host: Host) -> None:
        self._restores.add(host.me)
        host.crash_after = self._rng.randrange(12)

    def _pardon(self) -> None:
        """Faults have stopped; what they have broken stays broken."""
        for host in self._world.hosts.values():
            host.crash_after = -1
            host.is_full = False
            host.fsync_ms = 0
