"""Real hosts on loopback, and strangers with other libp2p stacks or bare sockets."""

from __future__ import annotations

import contextlib

import pytest
import trio

from swarm.transport.host import Host, member_id_of

SEEDS = [bytes([number]) * 32 for number in range(1, 9)]
MEMBERS = [member_id_of(seed) for seed in SEEDS[:4]]


def make_host(number, members=MEMBERS):
    """Host of a seed by number; 0 to 3 are members, others are not."""
    return Host(SEEDS[number], listen="/ip4/127.0.0.1/tcp/0", is_member=members.__contains__)


async def echo(stream):
    """Send back whatever comes; ends with the stream."""
    while True:
        await stream.write(await stream.read_some(65536))


async def assert_serves(server, client_number=1):
    """A member that connects afresh is still served."""
    client = make_host(client_number)
    async with client.run():
        await client.connect(server.member, server.addresses)
        stream = await client.open_stream(server.member, "/echo/1")
        await stream.write(b"are you there?")
        assert await stream.read_some(100) == b"are you there?"
        await client.disconnect(server.member)


async def until(condition):
    """Wait until a condition holds; the test's own time limit is the deadline."""
    while not condition():  # noqa: ASYNC110 - the state of foreign code raises no event
        await trio.sleep(0.01)


@pytest.fixture
def swarm_of():
    """`async with swarm_of(n) as hosts`: n running member hosts with an echo protocol."""

    @contextlib.asynccontextmanager
    async def run(count):
        hosts = [make_host(number) for number in range(count)]
        async with contextlib.AsyncExitStack() as stack:
            for host in hosts:
                host.serve("/echo/1", echo)
                await stack.enter_async_context(host.run())
            yield hosts

    return run


@pytest.fixture
def net():
    """The helpers of this file, for test modules."""

    class Net:
        members = MEMBERS
        seeds = SEEDS
        host = staticmethod(make_host)
        serves = staticmethod(assert_serves)
        until = staticmethod(until)
        echo = staticmethod(echo)

    return Net
