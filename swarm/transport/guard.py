"""libp2p's network, behind a guard: members only, and no stranger's bytes end it (P21).

py-libp2p 0.8.1 ends the whole process when a stream handler raises, has no notion of membership,
never frees the slot of an inbound connection that has ended, and lets half-open connections lock
members out. So here:

- a connection whose authenticated peer is not a member is closed before it is registered;
- a handler's exception costs the stream, never the process;
- half-open connections beyond a limit push one out, by lot among those of the address that has
  most of them: a flood harms its own address first, and a member on the same one gets in soon;
- a member that overruns its receive window is disconnected before it fills the memory.

It leans on internals of the library, which is why the version is pinned and each attack is a
regression test.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import trio

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # libp2p imports websockets.legacy
    from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
    from libp2p.custom_types import TProtocol
    from libp2p.network.auto_connector import AutoConnector
    from libp2p.network.config import ConnectionConfig, RetryConfig
    from libp2p.network.connection.raw_connection import RawConnection
    from libp2p.network.exceptions import SwarmException
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID
    from libp2p.peer.peerstore import PeerStore
    from libp2p.security.noise.transport import PROTOCOL_ID as NOISE_ID
    from libp2p.security.noise.transport import Transport as NoiseTransport
    from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX_ID
    from libp2p.stream_muxer.yamux.yamux import Yamux
    from libp2p.transport.tcp.tcp import TCP
    from libp2p.transport.upgrader import TransportUpgrader

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import IMuxedConn, INetStream, IRawConnection
    from libp2p.crypto.keys import KeyPair
    from libp2p.custom_types import StreamHandlerFn
    from libp2p.network.connection.swarm_connection import SwarmConn
    from multiaddr import Multiaddr

logger = logging.getLogger(__name__)
# The library writes a line, or a trace, for every connection that breaks; and while it has no
# handler, Python prints them. What matters of it, the guard and the links log themselves.
logging.getLogger("libp2p").addHandler(logging.NullHandler())

HANDSHAKE_SECONDS = 5.0
HALF_OPEN_LIMIT = 64
CONNECTIONS_PER_MEMBER = 4
STREAMS_PER_MEMBER = 16
UNREAD_BYTES_PER_CONNECTION = 1 << 25
_WATCH_SECONDS = 0.25
_CLOSE_SECONDS = 2.0


def describe(error: BaseException) -> str:
    """An exception in a line, an exception group by its first member."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


class _NoAutoConnector(AutoConnector):
    """Dials nobody: links are redialled by the mesh, which knows who is a member."""

    async def start(self) -> None:
        """Stay stopped."""


class _TrackedTCP(TCP):
    """TCP that remembers its outgoing sockets: the library forgets some when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: WeakKeyDictionary[IRawConnection, trio.lowlevel.Task | None]
        self._opened = WeakKeyDictionary()

    async def dial(self, maddr: Multiaddr) -> IRawConnection:
        """Dial, and remember the connection."""
        raw = await super().dial(maddr)
        self._opened[raw] = trio.lowlevel.current_task()
        return raw

    def settle(self, task: trio.lowlevel.Task) -> None:
        """The task's dial has succeeded: its socket belongs to a connection now."""
        for raw, opener in tuple(self._opened.items()):
            if opener is task:
                self._opened[raw] = None

    def abandon(self, task: trio.lowlevel.Task | None = None) -> None:
        """Close the sockets that a task has opened, or all of them; closed ones do no harm."""
        for raw, opener in tuple(self._opened.items()):
            if task is None or opener is task:
                with contextlib.suppress(AttributeError, OSError):
                    raw.stream.stream.socket.close()  # type: ignore[attr-defined]
                del self._opened[raw]


class GuardedSwarm(Swarm):
    """The library's network with a guard at each of its entry points."""

    def __init__(self, keys: KeyPair, is_member: Callable[[str], bool]) -> None:
        """Noise, yamux and TCP only; no retries, no dialling of its own accord.

        Args:
            keys: Identity.
            is_member: Whether a peer id may connect; asked at every connection and stream.
        """
        own = ID.from_pubkey(keys.public_key)
        store = PeerStore()
        store.add_key_pair(own, keys)
        self._tcp = _TrackedTCP()
        noise = NoiseTransport(keys, noise_privkey=create_noise_key_pair().private_key)
        super().__init__(
            own,
            store,
            TransportUpgrader({NOISE_ID: noise}, {TProtocol(YAMUX_ID): Yamux}),
            transports=[self._tcp],
            retry_config=RetryConfig(max_retries=0),
            connection_config=ConnectionConfig(
                min_connections=0,
                low_watermark=0,
                max_connections_per_peer=CONNECTIONS_PER_MEMBER,
                inbound_upgrade_timeout=HANDSHAKE_SECONDS,
                outbound_upgrade_timeout=HANDSHAKE_SECONDS,
            ),
        )
        self.auto_connector = _NoAutoConnector(self)
        self._is_member = is_member
        self._stream_counts: dict[str, int] = {}
        self._half_open: dict[trio.CancelScope, str] = {}

    def set_stream_handler(self, stream_handler: StreamHandlerFn) -> None:
        """Guard whatever handles streams: an exception costs the stream, not the process."""

        async def guarded(stream: INetStream) -> None:
            peer = str(stream.muxed_conn.peer_id)
            count = self._stream_counts.get(peer, 0)
            if not self._is_member(peer) or count >= STREAMS_PER_MEMBER:
                logger.warning("refused a stream from %s: no member, or too many", peer)
                await _reset(stream)
                return
            self._stream_counts[peer] = count + 1
            try:
                await stream_handler(stream)
            except Exception as error:  # noqa: BLE001 - the per-stream handler: nothing may pass
                logger.warning("dropped a stream from %s: %s", peer, describe(error))
                await _reset(stream)
            finally:
                self._stream_counts[peer] -= 1

        super().set_stream_handler(guarded)

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Register a connection if the other end, whose key the handshake proved, is a member.

        Raises:
            SwarmException: It is not, or it has too many connections already.
        """
        peer = str(muxed_conn.peer_id)
        if not self._is_member(peer):
            logger.warning("refused %s: not a member of this swarm", peer)
        elif len(self.get_connections(muxed_conn.peer_id)) >= CONNECTIONS_PER_MEMBER:
            logger.warning("refused one more connection of %s", peer)
        else:
            return await super().add_conn(muxed_conn, direction)
        await muxed_conn.close()
        raise SwarmException(f"{peer} was refused")

    async def _handle_inbound_connection(
        self,
        read_write_closer: Any,  # noqa: ANN401 - the library's type is not exported
        maddr: Any,  # noqa: ANN401
    ) -> None:
        """Take one inbound TCP connection through the handshake and keep it until it ends.

        The library's own version holds a slot for ever and lets half-open connections fill them.
        """
        muxed = None
        with trio.move_on_after(2 * HANDSHAKE_SECONDS) as scope:
            self._half_open[scope] = _source(read_write_closer)
            if len(self._half_open) > HALF_OPEN_LIMIT:
                self._push_one_out()
            try:
                raw = RawConnection(read_write_closer, initiator=False)
                muxed = await self.upgrade_inbound_raw_conn(raw, maddr)
            except Exception as error:  # noqa: BLE001 - a stranger's bytes, whatever they provoke
                logger.debug("inbound connection dropped: %s", describe(error))
        self._half_open.pop(scope, None)
        if muxed is None:
            with trio.CancelScope(shield=True), contextlib.suppress(Exception):
                await read_write_closer.close()
            return
        for connection in self.connections.get(muxed.peer_id, []):
            if connection.muxed_conn is muxed:
                closed: trio.Event = connection.event_closed  # type: ignore[attr-defined]
                await closed.wait()

    def _push_one_out(self) -> None:
        counts = Counter(self._half_open.values())
        busiest = max(counts, key=counts.__getitem__)
        scope = secrets.choice([s for s, source in self._half_open.items() if source == busiest])
        del self._half_open[scope]
        scope.cancel()

    async def watch_unread(self) -> None:
        """Disconnect whoever sends past the window, for ever: the library only logs it."""
        while True:
            await trio.sleep(_WATCH_SECONDS)
            for connection in self.get_connections():
                buffers = getattr(connection.muxed_conn, "stream_buffers", {})
                if sum(map(len, buffers.values())) > UNREAD_BYTES_PER_CONNECTION:
                    peer = connection.muxed_conn.peer_id
                    logger.warning("disconnected %s: it sends faster than it is read", peer)
                    await self.close_peer(peer)
                    break

    async def close_all(self) -> None:
        """Close listeners and connections; the library leaks sockets when it is cancelled."""
        with trio.move_on_after(_CLOSE_SECONDS) as scope:
            scope.shield = True
            async with trio.open_nursery() as nursery:
                for listener in tuple(self.listeners.values()):
                    nursery.start_soon(listener.close)
                for peer in tuple(self.connections):
                    nursery.start_soon(self.close_peer, peer)

    async def dial(self, peer: ID, address: Multiaddr) -> None:
        """Connect to an address; a failed or cancelled attempt leaves no socket behind.

        Raises:
            SwarmException: Nobody answers there, or somebody else.
        """
        try:
            await self.dial_addr(address, peer)
        except BaseException:
            self._tcp.abandon(trio.lowlevel.current_task())
            raise
        self._tcp.settle(trio.lowlevel.current_task())

    def forget_sockets(self) -> None:
        """Close whatever outgoing socket is still open, when the host has ended."""
        self._tcp.abandon()


def _source(connection: Any) -> str:  # noqa: ANN401 - the library's type is not exported
    """Address of the other end, without its port; empty if it is gone already."""
    with contextlib.suppress(Exception):
        return str(connection.get_remote_address()[0])
    return ""


async def _reset(stream: INetStream) -> None:
    with contextlib.suppress(Exception):
        await stream.reset()
