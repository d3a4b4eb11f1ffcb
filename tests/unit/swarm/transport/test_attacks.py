"""What strangers and lying members send must not end the peer or lock members out."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import struct

import pytest
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.host.exceptions import HostException
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.secio import transport as secio
from multiaddr import Multiaddr

from swarm.errors import TransportError
from swarm.signing import NO_SWARM, Ed25519Signer
from swarm.transport.guard import HALF_OPEN_LIMIT, STREAMS_PER_MEMBER


def _port(host):
    return int(Multiaddr(host.addresses[0]).value_for_protocol("tcp"))


def test_the_network_identity_is_the_signing_identity(net):
    for number, seed in enumerate(net.seeds):
        assert net.host(number).member == Ed25519Signer(seed, NO_SWARM).member


@pytest.mark.parametrize(
    "error",
    [ValueError("oops"), KeyError(), ExceptionGroup("many", [OSError()]), AssertionError()],
    ids=repr,
)
def test_a_handler_that_raises_costs_its_stream_and_nothing_else(net, swarm_of, error, caplog):
    async def main():
        async with swarm_of(2) as (server, client):

            async def fail(stream):
                await stream.read_some(1)
                raise error

            server.serve("/fail/1", fail)
            await client.connect(server.member, server.addresses)
            stream = await client.open_stream(server.member, "/fail/1")
            await stream.write(b"x")
            with pytest.raises(TransportError):
                await stream.read_some(1)
            await net.serves(server, 2)

    trio.run(main)
    assert client_is_named(caplog, net.members[1])


def client_is_named(caplog, member):
    return any(member in record.getMessage() for record in caplog.records)


def test_a_stranger_is_refused_and_named(net, swarm_of, caplog):
    async def main():
        async with swarm_of(1) as (server,):
            stranger = net.host(5, members=[*net.members])
            async with stranger.run():
                with contextlib.suppress(TransportError):
                    await stranger.connect(server.member, server.addresses)
                with pytest.raises(TransportError):
                    await stranger.open_stream(server.member, "/echo/1")
                assert not server.is_connected(stranger.member)
            await net.serves(server)
            return stranger.member

    with caplog.at_level(logging.WARNING):
        stranger = trio.run(main)
    assert f"refused {stranger}: not a member" in caplog.text


@pytest.mark.parametrize("kind", ["plaintext", "secio"])
def test_an_unauthenticated_channel_is_refused_even_in_a_members_name(net, swarm_of, kind):
    """With the library's default security, knowing a public key is enough to be that member."""

    async def main():
        keys = create_new_key_pair(net.seeds[1])
        transport = (
            (PLAINTEXT_PROTOCOL_ID, InsecureTransport(keys))
            if kind == "plaintext"
            else (secio.ID, secio.Transport(keys))
        )
        impostor = new_host(key_pair=keys, sec_opt=dict([transport]))
        async with swarm_of(1) as (server,), impostor.run(listen_addrs=[]):
            info = PeerInfo(ID.from_base58(server.member), [Multiaddr(server.addresses[0])])
            with pytest.raises((SwarmException, HostException)):
                await impostor.connect(info)
            assert not server.is_connected(net.members[1])
            await net.serves(server)

    trio.run(main)


def test_garbage_instead_of_a_handshake_changes_nothing(net, swarm_of):
    chance = random.Random(7)  # noqa: S311 - a test wants the same garbage each time
    noise_frame = struct.pack(">H", 65535) + chance.randbytes(65535)
    openings = [
        chance.randbytes(60),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x13/multistream/1.0.0\n\x07/nope\n",
        b"\xff\xff\xff\xff\x7f" + chance.randbytes(200),
        b"\x13/multistream/1.0.0\n\x07/noise\n" + noise_frame,
        b"\x13/multistream/1.0.0\n\x07/noise\n" + struct.pack(">H", 32) + chance.randbytes(32),
        b"",
    ]

    async def main():
        async with swarm_of(1) as (server,):
            for opening in openings * 3:
                stream = await trio.open_tcp_stream("127.0.0.1", _port(server))
                await stream.send_all(opening)
                await stream.send_eof()
                with contextlib.suppress(trio.BrokenResourceError):
                    while await stream.receive_some(65536):
                        pass
                await stream.aclose()
            await net.serves(server)

    trio.run(main)


def test_half_open_connections_do_not_lock_members_out(net, swarm_of):
    """Unguarded, 256 idle connections keep every member out until they time out."""

    async def main():
        async with swarm_of(1) as (server,), contextlib.AsyncExitStack() as stack:
            for _ in range(300):
                stream = await trio.open_tcp_stream("127.0.0.1", _port(server))
                stack.push_async_callback(trio.aclose_forcefully, stream)
            await net.serves(server)
            held = server._network._half_open
            assert len(held) <= HALF_OPEN_LIMIT
            assert set(held.values()) == {"127.0.0.1"}

    trio.run(main)


DIALS_IN_TEN_SECONDS = 5
"""A link dials at 0, 0.25, 0.75, 1.75 and 3.75 s, then after 8 s; jitter is half of that."""


def test_a_flood_of_connections_that_does_not_end_lets_members_in(net, swarm_of):
    """From the member's own address, the worst case; ten seconds are the bound (P21), in dials."""

    async def flood(port, opened):
        while True:
            with contextlib.suppress(OSError):
                opened.append(await trio.open_tcp_stream("127.0.0.1", port))
            if len(opened) > 400:
                await trio.aclose_forcefully(opened.pop(0))

    async def main():
        opened = []
        async with swarm_of(1) as (server,), trio.open_nursery() as nursery:
            nursery.start_soon(flood, _port(server), opened)
            await net.until(lambda: len(opened) > HALF_OPEN_LIMIT)
            client = net.host(1)
            async with client.run():
                for _ in range(DIALS_IN_TEN_SECONDS):
                    with contextlib.suppress(TransportError):
                        await client.connect(server.member, server.addresses)
                        break
                assert client.is_connected(server.member)
            nursery.cancel_scope.cancel()
        for stream in opened:
            await trio.aclose_forcefully(stream)

    trio.run(main)


def test_a_flood_pushes_out_its_own_addresss_connections_first(net):
    network = net.host(0)._network
    member, *others = [trio.CancelScope() for _ in range(HALF_OPEN_LIMIT + 1)]
    network._half_open = dict.fromkeys(others, "203.0.113.9") | {member: "198.51.100.1"}
    for _ in range(HALF_OPEN_LIMIT - 1):
        network._push_one_out()
    assert member in network._half_open
    assert len(network._half_open) == 2


@pytest.mark.parametrize(
    "frames",
    [
        struct.pack("!BBHII", 0, 0, 1, 1, 0xFFFFFFFF),
        struct.pack("!BBHII", 9, 77, 0xFFFF, 3, 12) * 20,
        struct.pack("!BBHII", 0, 1, 8, 999, 0) * 50,
        struct.pack("!BBHII", 0, 3, 0, 0, 1),
        os.urandom(4096),
    ],
    ids=["huge length", "unknown types", "resets", "go away", "random"],
)
def test_garbage_of_a_member_in_the_multiplexer_costs_its_connection_at_most(net, swarm_of, frames):
    async def main():
        async with swarm_of(2) as (server, member):
            await member.connect(server.member, server.addresses)
            (connection,) = member._network.get_connections()
            await connection.muxed_conn.secured_conn.write(frames)
            await net.serves(server, 2)

    trio.run(main)


def test_a_member_that_ignores_its_window_is_disconnected(net, swarm_of, caplog):
    """Unguarded, 328 MB were taken into memory in 3.3 s."""

    async def main():
        async with swarm_of(2) as (server, member):

            async def never_read(_stream):
                await trio.sleep_forever()

            server.serve("/unread/1", never_read)
            await member.connect(server.member, server.addresses)
            stream = await member.open_stream(server.member, "/unread/1")
            muxed = stream._stream.muxed_stream
            header = struct.pack("!BBHII", 0, 0, 0, muxed.stream_id, 1 << 20)
            with contextlib.suppress(Exception):
                for _ in range(200):
                    await muxed.conn._write_frame(header + bytes(1 << 20))
            await net.until(lambda: not server.is_connected(member.member))
            await net.serves(server, 2)

    trio.run(main)
    assert "sends faster than it is read" in caplog.text


def test_a_member_cannot_hold_more_than_its_share_of_streams(net, swarm_of):
    async def main():
        async with swarm_of(2) as (server, member):
            await member.connect(server.member, server.addresses)
            streams = [
                await member.open_stream(server.member, "/echo/1")
                for _ in range(STREAMS_PER_MEMBER)
            ]
            with pytest.raises(TransportError):
                await member.open_stream(server.member, "/echo/1")
            for stream in streams:
                await stream.reset()
            await net.until(lambda: server._network._stream_counts[member.member] == 0)
            await net.serves(server)

    trio.run(main)


def test_a_port_in_use_is_one_sentence_that_names_it(net, swarm_of):
    async def main():
        async with swarm_of(1) as (server,):
            again = type(server)(
                net.seeds[1], listen=server.addresses[0], is_member=net.members.__contains__
            )
            with pytest.raises(TransportError) as caught:
                async with again.run():
                    pass
            return str(caught.value), _port(server)

    sentence, port = trio.run(main)
    assert f"port {port} is in use" in sentence
    assert "--listen" in sentence


def test_an_address_that_is_none_is_refused_with_an_example(net):
    with pytest.raises(TransportError, match=r"/ip4/0\.0\.0\.0/tcp/4001"):
        type(net.host(0))(net.seeds[0], listen="0.0.0.0:4001", is_member=bool)
