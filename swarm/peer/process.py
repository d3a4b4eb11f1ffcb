"""The shell around the protocol core: one task feeds it events and performs its effects in order.

- What is persisted is fsynced before any effect that follows it (R26); all waiting on disk, network
  and children happens in other tasks or threads, so that the event loop never stands still.
- Contributions, transfers and merges come back as events; each is started once, however often the
  core asks.
- Blobs leave only after their commit is final (P19).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, assert_never

import trio

from swarm import events
from swarm.errors import KeyRotatedError, RemoteProtocolError, StorageError, SwarmError
from swarm.ledger.kinds import PARAMETERS, STATISTICS
from swarm.node import Node
from swarm.peer import inbox
from swarm.peer.board import Board
from swarm.peer.children import contribute, run_child
from swarm.peer.disk import PeerDisk
from swarm.peer.gauges import Gauges
from swarm.peer.housekeeping import tidy
from swarm.peer.merges import merge_blobs
from swarm.signing import Ed25519Signer
from swarm.storage.blobs import BlobDamagedError
from swarm.storage.models import move_pointer, read_pointer
from swarm.transport.blobs import BlobClient, BlobServer
from swarm.transport.budget import expected_cost
from swarm.transport.host import Host
from swarm.transport.mesh import LAST_WORDS_SECONDS, Mesh

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from swarm.events import Effect, Event
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.roster import Roster
    from swarm.peer.config import PeerConfig

logger = logging.getLogger(__name__)

_QUEUE = 4096
_QUEUED_BYTES_PER_MEMBER = 1 << 20
_TRANSFERS = 4
_INBOX_SECONDS = 0.5
_SENDING_TIMES = 8
"""An update leaves at one of so many times of its round, whenever it was ready (R21)."""
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class Peer:
    """One running peer."""

    def __init__(self, config: PeerConfig, disk: PeerDisk) -> None:
        """Put the parts together; nothing runs before `run`.

        Args:
            config: Where files lie, and what to start.
            disk: The home's files, opened.

        Raises:
            LedgerError: This home's key is not a member's.
            TransportError: The address to listen on is none.
        """
        genesis = disk.ground.genesis
        signer = Ed25519Signer(config.seed, genesis.swarm_id)
        self._config, self._disk, self._genesis = config, disk, genesis
        self._node = Node(genesis, signer.member, signer, config.node)
        self._roster: Genesis = genesis
        self._leaving: dict[str, float] = {}
        self._host = Host(config.seed, listen=config.listen, is_member=self._admits)
        self._gauges = Gauges()
        traffic = self._gauges.traffic
        self._mesh = Mesh(
            self._host, genesis.swarm_id, self._links(), self._deliver, config.timing, traffic
        )
        self._served: Collection[bytes] = frozenset()
        BlobServer(self._host, disk.blobs, lambda blob: blob in self._served, traffic)
        self._client = BlobClient(self._host, disk.blobs, traffic=traffic)
        self._board = Board(config, genesis, signer.member, self._mesh, self._gauges)
        self._inlet, self._outlet = trio.open_memory_channel[events.Event](_QUEUE)
        self._queued: Counter[str] = Counter()
        self._transfers = trio.CapacityLimiter(_TRANSFERS)
        self._fetching: set[bytes] = set()
        self._fit_wanted = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            StorageError: The disk refused, or a file is damaged.
            LedgerError: The ledger or the vote log does not verify.
            TransportError: The port is in use.
        """
        ground = self._disk.ground
        for note in ground.notes:
            logger.warning("%s", note)
        started = events.Started(_now_ms(), ground.log, ground.blocks)
        effects = await trio.to_thread.run_sync(self._node.step, started)
        await self._tidy(has_started=False)
        async with self._host.run(), trio.open_nursery() as nursery:
            self._nursery = nursery
            self._board.listening(self._host.addresses)
            self._board.moved()
            nursery.start_soon(self._until_signalled, nursery.cancel_scope)
            nursery.start_soon(self._mesh.run)
            nursery.start_soon(self._watch_inbox)
            nursery.start_soon(self._board.keep_writing)
            if self._config.fit_command:
                nursery.start_soon(self._keep_fitting)
            await self._perform(effects)
            await self._drive()

    async def _drive(self) -> None:
        """Feed the core: what arrives, and the time."""
        tick = self._config.tick_seconds
        next_tick = trio.current_time()
        while True:
            event: Event | None = None
            with trio.move_on_at(next_tick):
                event = await self._outlet.receive()
            if event is not None:
                await self._take(event)
            if trio.current_time() >= next_tick:
                await self._take(events.Tick(_now_ms()))
                next_tick = trio.current_time() + tick

    async def _take(self, event: Event) -> None:
        began = time.monotonic()  # not CPU time: on a starved machine a share must stay a share
        effects = self._node.step(event, _now_ms())
        if isinstance(event, events.Received):
            self._queued[event.sender] -= len(event.message)
            expected = expected_cost(len(event.message))
            if any(isinstance(effect, events.AppendBlock) for effect in effects):
                cost = -expected  # a block that we lacked: who catches us up is not slowed down
            else:
                cost = max(time.monotonic() - began - expected, 0.0)
            self._mesh.budgets.charge(event.sender, cost)
        if effects:
            await self._perform(effects)

    async def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, events.Persist):
                await self._sync()
            await self._do(effect)
        await self._sync()
        view = self._node.view()
        self._served = view.served
        if view.roster is not self._roster:
            self._change_members(view.roster)
        self._gauges.show(view)
        self._board.show(view)

    def _links(self) -> dict[str, tuple[str, ...]]:
        """Whom to dial, and where: members in force, and those who invited us."""
        known = {member.id: member for member in (*self._config.contacts, *self._roster.members)}
        return {m.id: self._config.addresses.get(m.name, m.addresses) for m in known.values()}

    def _admits(self, peer: str) -> bool:
        """Whether a peer may connect; one that has just been removed may still hear of it."""
        until = self._leaving.get(peer, 0.0)
        return peer in self._links() or time.monotonic() < until

    def _change_members(self, roster: Roster) -> None:
        """Other members are in force from the next height on (R27).

        Raises:
            KeyRotatedError: We go on under our next key.
        """
        until = time.monotonic() + 2 * LAST_WORDS_SECONDS
        gone = set(self._roster.by_id) - set(roster.by_id)
        self._leaving = {**self._leaving, **dict.fromkeys(gone, until)}
        self._roster = roster
        self._mesh.change(self._links())
        if roster.successor(self._host.member):
            raise KeyRotatedError("this platform's key has been replaced; the next one takes over")

    async def _sync(self) -> None:
        if self._disk.needs_sync:
            await trio.to_thread.run_sync(self._disk.sync)

    async def _do(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one case an effect
        match effect:
            case events.Persist():
                self._disk.persist(effect.record)
                self._gauges.persisted(effect.record)
            case events.Send():
                self._mesh.send(effect.to, effect.message)
            case events.Broadcast():
                self._mesh.broadcast(effect.message)
            case events.SendBlocks():
                await self._send_blocks(effect)
            case events.AppendBlock():
                await trio.to_thread.run_sync(self._disk.append_block, effect.block)
                self._gauges.decided(effect.block, _now_ms())
            case events.StartContribution():
                self._start(self._contribute, effect)
            case events.FetchBlob():
                if effect.blob not in self._fetching:
                    self._fetching.add(effect.blob)
                    self._start(self._fetch, effect)
            case events.ComputeMerge():
                self._start(self._merge, effect)
            case events.MoveHead():
                await self._move_head(effect)
            case events.Note():
                self._board.note(effect)
                if effect.refused:
                    self._gauges.refused(effect.refused)
                logger.log(_LEVELS.get(effect.level, logging.ERROR), "%s", effect.text)
            case _:
                assert_never(effect)

    async def _send_blocks(self, effect: events.SendBlocks) -> None:
        read = functools.partial(self._disk.final_messages, effect.height)
        try:
            messages = await trio.to_thread.run_sync(read)
        except StorageError as error:  # the peer goes on: others have the blocks, too
            logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
            return
        for message in messages:
            self._mesh.send(effect.to, message)

    def _start(self, task: object, effect: Effect) -> None:
        if self._nursery is None:
            raise RuntimeError("not running")
        self._nursery.start_soon(task, effect)  # type: ignore[arg-type]

    def _deliver(self, sender: str, message: bytes) -> None:
        """Queue a message for the core; one that finds its member's share full is lost."""
        if self._queued[sender] + len(message) > _QUEUED_BYTES_PER_MEMBER:
            logger.debug("too many messages of %s", sender)
            return
        with contextlib.suppress(trio.WouldBlock):
            self._inlet.send_nowait(events.Received(sender, message))
            self._queued[sender] += len(message)

    async def _contribute(self, order: events.StartContribution) -> None:
        logger.info("round=%d attempt=%d contributing", order.round, order.attempt)
        began = trio.current_time()
        is_there = self._config.contribution(order.round).exists()
        with self._gauges.contributing:
            event = await contribute(self._config, self._disk.blobs, order)
            if not is_there:
                # R21: when it is sent must not tell how much there was to count.
                offset = self._config.commit_offset_seconds
                if order.kind == PARAMETERS:  # training takes as long as there are learners
                    offset = max(offset, order.close_after_seconds / _SENDING_TIMES)
                steps = math.ceil((trio.current_time() - began) / offset)
                await trio.sleep_until(began + steps * offset)
        await self._inlet.send(event)

    async def _fetch(self, order: events.FetchBlob) -> None:
        try:
            async with self._transfers:
                with self._gauges.fetching:
                    await self._client.fetch(order.blob, order.size, order.holders)
        except RemoteProtocolError as error:
            await self._inlet.send(events.BlobRefused(order.blob, str(error)))
        else:
            await self._inlet.send(events.BlobStored(order.blob))
        finally:
            self._fetching.discard(order.blob)

    async def _merge(self, order: events.ComputeMerge) -> None:
        merge = functools.partial(
            merge_blobs, order, self._node.roster, self._disk.blobs, self._config.models
        )
        kind = PARAMETERS if order.updates else STATISTICS
        size = self._genesis.terms(kind).size
        while True:
            try:
                with self._gauges.merging:
                    digest = await trio.to_thread.run_sync(merge)
                break
            except BlobDamagedError as error:
                logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
                await self._replace(error.blob, size)
        await self._inlet.send(events.MergeComputed(order.round, order.attempt, digest))

    async def _replace(self, blob: bytes, size: int) -> None:
        """Fetch a blob again whose file is damaged."""
        self._disk.blobs.discard(blob)
        others = [member for member in self._roster.ids if member != self._host.member]
        await self._client.fetch(blob, size, others)

    async def _move_head(self, effect: events.MoveHead) -> None:
        is_network = effect.kind == PARAMETERS
        path = self._config.network if is_network else self._config.head
        pointer = await trio.to_thread.run_sync(read_pointer, path)
        wanted = (effect.digest.hex(), effect.round, effect.height)
        if pointer is None or (pointer["digest"], pointer["round"], pointer["height"]) != wanted:
            move = functools.partial(
                move_pointer,
                path,
                digest=effect.digest,
                round_number=effect.round,
                height=effect.height,
            )
            await trio.to_thread.run_sync(move)
            await self._tidy(has_started=True)
        self._board.moved()
        if not is_network:  # what is served is made of statistics
            self._fit_wanted.set()

    async def _tidy(self, *, has_started: bool) -> None:
        """Remove what nothing needs any more; the peer goes on without that, if it must."""
        look = functools.partial(
            tidy, self._config.home, self._node.ledger, has_started=has_started
        )
        try:
            await trio.to_thread.run_sync(look)
        except StorageError as error:
            logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace

    async def _keep_fitting(self) -> None:
        """Start the fit command whenever SERVING is older than HEAD."""
        while True:
            await self._fit_wanted.wait()
            self._fit_wanted = trio.Event()
            head = read_pointer(self._config.head)
            serving = read_pointer(self._config.serving)
            if head is None or (serving is not None and serving["round"] == head["round"]):
                continue
            try:
                outcome = await run_child(self._config.fit_command, "fit")
            except StorageError as error:
                logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
                continue
            if outcome.code:
                logger.error("fit failed with exit code %d; the last model stays", outcome.code)

    async def _watch_inbox(self) -> None:
        while True:
            for path in await trio.to_thread.run_sync(inbox.waiting, self._config.inbox):
                try:
                    request = inbox.read_request(path)
                except StorageError as error:
                    logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
                    self._board.note(events.Note("error", str(error)))
                    inbox.reject(path)
                    continue
                await self._inlet.send(request)
                inbox.remove(path)
            await trio.sleep(_INBOX_SECONDS)

    async def _until_signalled(self, scope: trio.CancelScope) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for received in signals:
                logger.info("stopping after %s", signal.Signals(received).name)
                scope.cancel()


def _now_ms() -> int:
    return int(trio.current_time() * 1000)


def run_peer(config: PeerConfig) -> None:
    """Run a peer in this process until it is signalled.

    Raises:
        SwarmError: It cannot start or go on; the message says why and what to do.
    """
    with PeerDisk(config) as disk:
        peer = Peer(config, disk)
        try:
            trio.run(peer.run)
        except BaseExceptionGroup as group:
            raise first_error(group) from group


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What to tell: the first error of ours inside nested groups, or else the first of all."""
    ours, _ = group.split(SwarmError)
    error: BaseException = ours or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
