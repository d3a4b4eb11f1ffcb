"""A full mesh of message links: one long-lived stream to every member, one from every member.

- A link's sender dials, says hello (swarm id), then writes what is queued; it pings when idle and
  redials with jittered back-off. Streams carry messages one way, so two members need not agree
  who dialled.
- A member that has been silent for some pings is disconnected and redialled: a frozen process
  keeps its connection open for ever otherwise.
- Queues are bounded. When one overflows, its oldest messages go: the protocol repeats itself, so
  a message may be lost (`swarm.events.Send`), but memory may not.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import trio

from swarm.errors import RemoteProtocolError, TransportError
from swarm.protocol import MAX_MESSAGE_BYTES
from swarm.transport.budget import Budgets, expected_cost
from swarm.transport.framing import FrameReader, frame
from swarm.transport.timing import Backoff, MeshTiming
from swarm.transport.traffic import Traffic
from swarm.transport.versions import (
    MAX_ANSWER_BYTES,
    SPOKEN,
    VERSION_PROTOCOL,
    Version,
    is_understood,
    read_software,
    read_versions,
    stream_protocol,
    who_must_upgrade,
    write_software,
    write_versions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from swarm.transport.host import Host
    from swarm.transport.stream import Stream

logger = logging.getLogger(__name__)

PROTOCOL = stream_protocol("messages", (1, 0))
MAX_QUEUED_BYTES = 8 << 20
MAX_QUEUED_MESSAGES = 2048
LAST_WORDS_SECONDS = 3.0
_HELLO_SECONDS = 10.0
_STALE_SECONDS = 10.0
"""What has waited longer for a connection is not sent: it has been said again since, and must not
tell a member whose disk was restored in the meantime of an earlier height (R26)."""
_BATCH_BYTES = 128 * 1024
_HELLO, _MESSAGE, _PING = b"\0", b"\1", b"\2"


@dataclass(slots=True, eq=False)
class _Link:
    """What we know of, and owe to, one member."""

    member: str
    addresses: Sequence[str]
    queue: deque[tuple[float, bytes]] = field(default_factory=deque)
    queued_bytes: int = 0
    dropped: int = 0
    sending: bool = False
    heard_at: float = -math.inf
    up_at: float = math.inf
    seen: datetime | None = None
    wake: trio.Event = field(default_factory=trio.Event)
    retry: trio.Event = field(default_factory=trio.Event)
    receiving: trio.CancelScope | None = None
    software: str = ""
    refusal: str = ""
    keeping: trio.CancelScope = field(default_factory=trio.CancelScope)

    def put(self, message: bytes) -> int:
        """Queue a message; how many it has pushed out."""
        before = self.dropped
        self.queue.append((time.monotonic(), message))
        self.queued_bytes += len(message)
        while self.queued_bytes > MAX_QUEUED_BYTES or len(self.queue) > MAX_QUEUED_MESSAGES:
            self.drop_oldest()
        self.wake.set()
        return self.dropped - before

    def drop_oldest(self) -> None:
        _, message = self.queue.popleft()
        self.queued_bytes -= len(message)
        self.dropped += 1

    def drop_stale(self) -> None:
        """A stream has opened: forget what has waited too long for it."""
        oldest = time.monotonic() - _STALE_SECONDS
        while self.queue and self.queue[0][0] < oldest:
            self.drop_oldest()

    def take(self, version: Version) -> list[bytes]:
        """The oldest messages that a version knows, up to a batch."""
        batch: list[bytes] = []
        size = 0
        while self.queue and size < _BATCH_BYTES:
            _, message = self.queue.popleft()
            self.queued_bytes -= len(message)
            if is_understood(message, version):
                batch.append(message)
                size += len(message)
        return batch

    def heard(self) -> None:
        self.heard_at = trio.current_time()
        self.seen = datetime.now(UTC)


class Mesh:
    """Links to all other members.

    Attributes:
        budgets: What each member may cost us; charged here for what is read.
    """

    def __init__(  # noqa: PLR0913 (one argument per thing that a mesh needs)
        self,
        host: Host,
        swarm_id: bytes,
        members: Mapping[str, Sequence[str]],
        deliver: Callable[[str, bytes], None],
        timing: MeshTiming | None = None,
        traffic: Traffic | None = None,
        *,
        spoken: Sequence[Version] = SPOKEN,
    ) -> None:
        """Prepare the links; call before the host runs.

        Args:
            host: The network.
            swarm_id: 32 bytes; a member of another swarm is refused.
            members: Member ids with their addresses; the own id is left out.
            deliver: Called with sender and message for each message that arrives; must not block.
            timing: How patient links are.
            traffic: Counts what crosses the network.
            spoken: Versions of the protocol that this member speaks, newest first.
        """
        self._host = host
        self._swarm_id = swarm_id
        self._deliver = deliver
        self._timing = timing or MeshTiming()
        self._traffic = traffic or Traffic()
        self._links: dict[str, _Link] = {}
        self._nursery: trio.Nursery | None = None
        self.budgets = Budgets()
        self.change(members)
        self._spoken = tuple(spoken)
        self._protocols = {stream_protocol("messages", version): version for version in spoken}
        for protocol in self._protocols:
            host.serve(protocol, self._receive)
        host.serve(VERSION_PROTOCOL, self._tell_versions)

    def change(self, members: Mapping[str, Sequence[str]]) -> None:
        """Keep links to these members from now on, and to no others.

        What is queued for a member that goes is still sent for some seconds: it should learn why.
        """
        for member in sorted(set(self._links) - set(members)):
            self._drop(self._links.pop(member))
        for member, addresses in sorted(members.items()):
            if member in self._links:
                self._links[member].addresses = tuple(addresses)
            elif member != self._host.member:
                link = self._links[member] = _Link(member, tuple(addresses))
                if self._nursery is not None:
                    self._nursery.start_soon(self._keep_up, link)

    def _drop(self, link: _Link) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(self._end, link)

    async def _end(self, link: _Link) -> None:
        await trio.sleep(LAST_WORDS_SECONDS)
        link.keeping.cancel()
        if link.member not in self._links:  # it may have come back meanwhile
            await self._host.disconnect(link.member)

    def send(self, member: str, message: bytes) -> None:
        """Queue a message; it may be lost. Unknown members are ignored."""
        link = self._links.get(member)
        if link is not None:
            self._traffic.messages_dropped += link.put(message)

    def broadcast(self, message: bytes) -> None:
        """Queue a message for every other member."""
        for link in self._links.values():
            self._traffic.messages_dropped += link.put(message)

    def is_connected(self, member: str) -> bool:
        """Whether messages flow in both directions."""
        link = self._links.get(member)
        patience = self._timing.ping_seconds * self._timing.misses
        return (
            link is not None
            and link.sending
            and link.receiving is not None
            and trio.current_time() - link.heard_at <= patience
        )

    def software(self, member: str) -> str:
        """What a member says that it runs; empty if it has not said so."""
        link = self._links.get(member)
        return "" if link is None else link.software

    def refusals(self) -> dict[str, str]:
        """Members with whom no version is shared, and who must upgrade."""
        return {link.member: link.refusal for link in self._links.values() if link.refusal}

    def last_seen(self, member: str) -> datetime | None:
        """When the member was last heard, or None if never since the start."""
        link = self._links.get(member)
        return None if link is None else link.seen

    async def run(self) -> None:
        """Keep all links up, for ever."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for link in self._links.values():
                nursery.start_soon(self._keep_up, link)
            await trio.sleep_forever()

    async def _keep_up(self, link: _Link) -> None:
        with link.keeping:
            await self._redial(link)

    async def _redial(self, link: _Link) -> None:
        backoff = Backoff(self._timing)
        if self._host.member > link.member:
            # Let the other one dial first, so that there is usually one connection, not two.
            with trio.move_on_after(self._timing.redial_seconds):
                await link.retry.wait()
        while True:
            link.up_at = math.inf
            try:
                await self._send_all(link)
            except TransportError as error:
                logger.debug("link to %s: %s", link.member, error)
            link.sending = False
            wait = backoff.after(trio.current_time() - link.up_at)
            link.retry = trio.Event()
            with trio.move_on_after(wait * (0.5 + secrets.randbelow(1000) / 1000)):
                await link.retry.wait()  # a member that has just dialled us is there: go on

    async def _send_all(self, link: _Link) -> None:
        """Connect and send until the link breaks.

        Raises:
            TransportError: It did.
        """
        await self._host.connect(link.member, link.addresses)
        try:
            stream = await self._host.open_stream(link.member, *self._protocols)
        except TransportError:
            await self._compare_versions(link)
            raise
        problem = "the other side closed the stream"
        try:
            link.drop_stale()
            await stream.write(frame(self._greeting(stream)))
            link.refusal = ""
            link.sending = True
            link.up_at = link.heard_at = trio.current_time()
            logger.info("connected to %s", link.member)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_closed, stream, nursery.cancel_scope)
                try:
                    await self._pump(link, stream)
                except TransportError as error:
                    problem = str(error)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(1) as scope:
                scope.shield = True
                await stream.reset()
        raise TransportError(problem)

    async def _until_closed(self, stream: Stream, pump: trio.CancelScope) -> None:
        """Notice at once when the other side goes: nothing is ever sent to us on this stream."""
        with contextlib.suppress(TransportError):
            await stream.read_some(1)
        pump.cancel()

    async def _pump(self, link: _Link, stream: Stream) -> None:
        patience = self._timing.ping_seconds * self._timing.misses
        version = self._protocols[stream.protocol]
        while True:
            if not link.queue:
                link.wake = trio.Event()
                with trio.move_on_after(self._timing.ping_seconds):
                    await link.wake.wait()
            if trio.current_time() - link.heard_at > patience:
                logger.warning("%s has been silent for %g s: redialling", link.member, patience)
                await self._host.disconnect(link.member)
                raise TransportError("silent")
            messages = link.take(version)
            batch = b"".join(frame(_MESSAGE + message) for message in messages)
            await stream.write(batch or frame(_PING))
            self._traffic.sent(messages, len(batch))

    async def _receive(self, stream: Stream) -> None:
        """Take one member's stream of messages until it ends; a newer stream replaces it."""
        link = self._links.get(stream.peer)
        if link is None:
            await stream.reset()
            return
        reader = FrameReader(stream)
        try:
            with trio.CancelScope() as scope:
                with trio.fail_after(_HELLO_SECONDS):
                    link.software = await self._expect_hello(reader, stream)
                if link.receiving is not None:
                    link.receiving.cancel()
                link.receiving = scope
                link.heard()
                link.retry.set()
                await self._take_messages(link, reader)
        except RemoteProtocolError as error:
            logger.warning("dropped the stream of %s, which %s", link.member, error)
        except (TransportError, trio.TooSlowError) as error:
            logger.debug("stream from %s ended: %s", link.member, error)
        finally:
            if link.receiving is scope:
                link.receiving = None
        await stream.reset()

    def _greeting(self, stream: Stream) -> bytes:
        """Who we are: the swarm, and from 1.1 on the software."""
        more = write_software() if self._protocols[stream.protocol] > (1, 0) else b""
        return _HELLO + self._swarm_id + more

    async def _expect_hello(self, reader: FrameReader, stream: Stream) -> str:
        """Read a greeting; returns the other side's software, if its version says it."""
        expected = _HELLO + self._swarm_id
        says_software = self._protocols[stream.protocol] > (1, 0)
        hello = await reader.read(len(expected) + (MAX_ANSWER_BYTES if says_software else 0))
        if hello[: len(expected)] != expected:
            raise RemoteProtocolError("belongs to another swarm")
        return read_software(hello[len(expected) :]) if says_software else ""

    async def _tell_versions(self, stream: Stream) -> None:
        with contextlib.suppress(TransportError):
            await stream.write(frame(write_versions(self._spoken)))

    async def _compare_versions(self, link: _Link) -> None:
        """Find out whether a member that we cannot speak with is too old, or we are (P20)."""
        try:
            stream = await self._host.open_stream(link.member, VERSION_PROTOCOL)
            with trio.fail_after(_HELLO_SECONDS):
                answer = await FrameReader(stream).read(MAX_ANSWER_BYTES)
            await stream.reset()
            program, theirs = read_versions(answer)
        except (TransportError, RemoteProtocolError, trio.TooSlowError) as error:
            logger.debug("version of %s: %s", link.member, error)
            return
        if not set(theirs) & set(self._spoken):
            refusal = who_must_upgrade(self._spoken, theirs, program)
            if refusal != link.refusal:
                logger.error("%s %s", link.member, refusal)
            link.refusal = refusal

    async def _take_messages(self, link: _Link, reader: FrameReader) -> None:
        while True:
            received = await reader.read(len(_MESSAGE) + MAX_MESSAGE_BYTES)
            link.heard()
            self.budgets.charge(link.member, expected_cost(len(received)))
            await self.budgets.wait(link.member)
            link.heard()
            if received[:1] == _MESSAGE:
                self._traffic.messages_received += 1
                self._traffic.message_bytes_received += len(received)
                self._deliver(link.member, received[1:])
            elif received != _PING:
                raise RemoteProtocolError("sent a frame of an unknown kind", peer=link.member)
