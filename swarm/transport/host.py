"""The door to libp2p: an authenticated host that speaks our protocols to members and no others.

Security is Noise only, multiplexing yamux only, transport TCP only; identify, ping and the other
built-in protocols are off. `guard` has the dangers and what is done about them.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import warnings
from typing import TYPE_CHECKING

import trio

from swarm.errors import TransportError
from swarm.transport.guard import HANDSHAKE_SECONDS, GuardedSwarm
from swarm.transport.stream import StreamEndedError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # libp2p imports websockets.legacy
    from libp2p.crypto.ed25519 import create_new_key_pair
    from libp2p.custom_types import TProtocol
    from libp2p.exceptions import BaseLibp2pError
    from libp2p.host.basic_host import BasicHost
    from libp2p.network.stream.exceptions import StreamEOF
    from libp2p.peer.id import ID
    from multiaddr import Multiaddr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from libp2p.abc import INetStream

    from swarm.transport.stream import Stream

# What the library is known to raise from its calls. Inbound work is under the guard besides.
_FAILURES = (BaseLibp2pError, OSError, trio.TooSlowError, ValueError, RuntimeError, KeyError)


def member_id_of(seed: bytes) -> str:
    """Member id (libp2p peer id) of a 32-byte Ed25519 seed."""
    return str(ID.from_pubkey(create_new_key_pair(seed).public_key))


class _NetStream:
    """A libp2p stream behind the `Stream` protocol."""

    def __init__(self, stream: INetStream) -> None:
        self._stream = stream
        self.peer = str(stream.muxed_conn.peer_id)
        self.protocol = str(stream.get_protocol())

    async def read_some(self, limit: int) -> bytes:
        """See `Stream`."""
        try:
            data = await self._stream.read(limit)
        except StreamEOF as error:
            raise StreamEndedError(f"{self.peer} closed the stream") from error
        except _FAILURES as error:
            raise StreamEndedError(f"the stream with {self.peer} broke: {error}") from error
        if not data:
            raise StreamEndedError(f"{self.peer} closed the stream")
        return data

    async def write(self, data: bytes) -> None:
        """See `Stream`."""
        try:
            await self._stream.write(data)
        except _FAILURES as error:
            raise TransportError(f"cannot send to {self.peer}: {error}") from error

    async def close(self) -> None:
        """See `Stream`."""
        with contextlib.suppress(*_FAILURES):
            await self._stream.close()

    async def reset(self) -> None:
        """See `Stream`."""
        with contextlib.suppress(*_FAILURES):
            await self._stream.reset()


class Host:
    """One peer's end of the network.

    Attributes:
        member: Own member id.
    """

    def __init__(self, seed: bytes, *, listen: str, is_member: Callable[[str], bool]) -> None:
        """Make a host; it opens nothing before `run`.

        Args:
            seed: 32-byte Ed25519 private key: the identity.
            listen: Where to listen, such as `/ip4/0.0.0.0/tcp/4001`; port 0 takes any free one.
            is_member: Whether a member id may connect; asked at every connection and stream.

        Raises:
            TransportError: `listen` is not a TCP multiaddress.
        """
        self._listen = tcp_address(listen)
        self.member = member_id_of(seed)
        self._network = GuardedSwarm(create_new_key_pair(seed), is_member)
        self._host = BasicHost(self._network, disable_identify_address_discovery=True)
        self._host.multiselect.handlers.clear()
        self._network.notifees.clear()

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Listen, and serve until the block ends.

        Raises:
            TransportError: The port is in use or may not be listened on.
        """
        _probe(self._listen)
        try:
            async with self._host.run(listen_addrs=[self._listen]), trio.open_nursery() as nursery:
                if not self._network.listeners:
                    raise TransportError(f"cannot listen on {self._listen}: check the address")
                nursery.start_soon(self._network.watch_unread)
                try:
                    yield
                finally:
                    await self._network.close_all()
                    nursery.cancel_scope.cancel()
        finally:
            self._network.forget_sockets()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where this host really listens."""
        listeners = self._network.listeners.values()
        return tuple(str(address) for each in listeners for address in each.get_addrs())

    def serve(self, protocol: str, handler: Callable[[Stream], Awaitable[None]]) -> None:
        """Answer streams of a protocol; a stream is closed when the handler returns."""

        async def answer(stream: INetStream) -> None:
            wrapped = _NetStream(stream)
            await handler(wrapped)
            await wrapped.close()

        self._host.set_stream_handler(TProtocol(protocol), answer)

    def is_connected(self, member: str) -> bool:
        """Whether a connection to the member stands."""
        connections = self._network.get_connections(_peer(member))
        return any(not connection.is_closed for connection in connections)

    async def connect(self, member: str, addresses: Sequence[str]) -> None:
        """Connect unless connected, trying the addresses in turn.

        Raises:
            TransportError: None of them led to that member.
        """
        problem = "no address is known"
        for address in addresses:
            if self.is_connected(member):
                return
            try:
                with trio.fail_after(2 * HANDSHAKE_SECONDS):
                    await self._network.dial(_peer(member), tcp_address(address))
            except (*_FAILURES, TransportError) as error:
                problem = f"{address}: {error.__cause__ or error}"
        if not self.is_connected(member):
            raise TransportError(f"cannot reach {member}: {problem}")

    async def open_stream(self, member: str, *protocols: str) -> Stream:
        """Open a stream over an existing connection.

        Args:
            member: To whom.
            protocols: What we speak, best first; the member takes the first that it speaks (P20).

        Raises:
            TransportError: There is no connection, or the member speaks none of them.
        """
        if not self.is_connected(member):
            raise TransportError(f"no connection to {member}")
        try:
            with trio.fail_after(HANDSHAKE_SECONDS):
                stream = await self._host.new_stream(_peer(member), list(map(TProtocol, protocols)))
        except _FAILURES as error:
            offered = ", ".join(protocols)
            raise TransportError(f"{member} does not answer {offered}: {error}") from error
        return _NetStream(stream)

    async def disconnect(self, member: str) -> None:
        """Close all connections to a member."""
        await self._network.close_peer(_peer(member))


def _peer(member: str) -> ID:
    try:
        return ID.from_base58(member)
    except ValueError as error:
        raise TransportError(f"{member!r} is not a member id") from error


def tcp_address(text: str) -> Multiaddr:
    """Parse a TCP multiaddress.

    Raises:
        TransportError: It is none.
    """
    try:
        address = Multiaddr(text)
        address.value_for_protocol("tcp")
    except Exception as error:  # multiaddr raises many unrelated types
        raise TransportError(
            f"{text!r} is not an address like /ip4/0.0.0.0/tcp/4001 or /dns4/NAME/tcp/4001"
        ) from error
    return address


def _probe(address: Multiaddr) -> None:
    """Find out whether the port is free: libp2p shares it silently with another peer of ours.

    Raises:
        TransportError: It is not.
    """
    kinds = {protocol.name for protocol in address.protocols()}
    name, family = ("ip6", socket.AF_INET6) if "ip6" in kinds else ("ip4", socket.AF_INET)
    port = int(address.value_for_protocol("tcp") or 0)
    if name not in kinds:
        raise TransportError(f"cannot listen on {address}: give an IP address of this machine")
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.value_for_protocol(name), port))
            probe.listen(1)
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        raise TransportError(
            f"cannot listen on {address}: "
            + (f"port {port} is in use by another program" if used else str(error.strerror))
            + "; stop that program, or give another address with --listen"
        ) from error
