"""Message links: they come up by themselves, survive what breaks them, and are bounded."""

from __future__ import annotations

import contextlib
import logging
import time

import trio

from swarm.protocol import MAX_MESSAGE_BYTES
from swarm.transport.framing import frame
from swarm.transport.mesh import (
    MAX_QUEUED_MESSAGES,
    PROTOCOL,
    Mesh,
    MeshTiming,
)

SWARM = bytes(range(32))
FAST = MeshTiming(ping_seconds=0.05, misses=3, redial_seconds=0.02, redial_most_seconds=0.1)


class Node:
    """A host with a mesh that keeps what it receives."""

    def __init__(self, net, number, swarm_id=SWARM, timing=FAST):
        self.host = net.host(number)
        self.addresses = {}
        self.received = []
        self._arguments = (swarm_id, timing)

    @property
    def member(self):
        return self.host.member

    def prepare(self):
        swarm_id, timing = self._arguments
        self.mesh = Mesh(
            self.host,
            swarm_id,
            self.addresses,
            lambda sender, message: self.received.append((sender, message)),
            timing,
        )


@contextlib.asynccontextmanager
async def running(net, *nodes):
    """Run hosts and links; every node knows every other's address."""
    async with contextlib.AsyncExitStack() as stack:
        addresses = {node.member: [] for node in nodes}
        for node in nodes:
            node.addresses = addresses
            node.prepare()
            await stack.enter_async_context(node.host.run())
            addresses[node.member].extend(node.host.addresses)
        for node in nodes:
            for link in node.mesh._links.values():
                link.addresses = addresses[link.member]
        async with trio.open_nursery() as nursery:
            for node in nodes:
                nursery.start_soon(node.mesh.run)
            yield
            nursery.cancel_scope.cancel()


def test_every_member_reaches_every_other(net):
    async def main():
        nodes = [Node(net, number) for number in range(4)]
        async with running(net, *nodes):
            for node in nodes:
                node.mesh.broadcast(b"from " + node.member.encode())
            await net.until(lambda: all(len(node.received) == 3 for node in nodes))
            for node in nodes:
                assert sorted(node.received) == sorted(
                    (other.member, b"from " + other.member.encode())
                    for other in nodes
                    if other is not node
                )
            await net.until(
                lambda: all(a.mesh.is_connected(b.member) for a in nodes for b in nodes if a != b)
            )
            assert nodes[0].mesh.last_seen(nodes[1].member) is not None

    trio.run(main)


def test_messages_arrive_whole_and_in_order_up_to_the_greatest_size(net):
    async def main():
        one, two = Node(net, 0), Node(net, 1)
        messages = [bytes([n % 256]) * (n * 997 % 5000) for n in range(300)]
        messages.append(b"x" * MAX_MESSAGE_BYTES)
        async with running(net, one, two):
            for message in messages:
                one.mesh.send(two.member, message)
            await net.until(lambda: len(two.received) == len(messages))
        assert [message for _, message in two.received] == messages

    trio.run(main)


def test_a_lost_connection_comes_back_by_itself(net):
    async def main():
        one, two = Node(net, 0), Node(net, 1)
        async with running(net, one, two):
            one.mesh.send(two.member, b"before")
            await net.until(lambda: two.received)
            await two.host.disconnect(one.member)
            while two.received[-1][1] != b"after":
                one.mesh.send(two.member, b"after")  # any one message may be lost
                await trio.sleep(0.02)

    trio.run(main)


def test_a_silent_member_is_disconnected_and_redialled(net, caplog):
    """A frozen process keeps its connections open; only pings tell."""

    async def main():
        one, mute = Node(net, 0), net.host(1)

        async def swallow(stream):
            while True:
                await stream.read_some(1000)

        mute.serve(PROTOCOL, swallow)
        async with mute.run():
            one.addresses = {mute.member: mute.addresses}
            one.prepare()
            async with one.host.run(), trio.open_nursery() as nursery:
                nursery.start_soon(one.mesh.run)
                await net.until(lambda: caplog.text.count("silent") >= 2)
                assert not one.mesh.is_connected(mute.member)
                nursery.cancel_scope.cancel()

    trio.run(main)


def test_idle_links_stay_up_by_pings(net, caplog):
    async def main():
        one, two = Node(net, 0), Node(net, 1)
        async with running(net, one, two):
            await net.until(lambda: one.mesh.is_connected(two.member))
            seen = one.mesh.last_seen(two.member)
            await net.until(lambda: (one.mesh.last_seen(two.member) - seen).total_seconds() > 0.5)
            assert one.mesh.is_connected(two.member)

    trio.run(main)
    assert "silent" not in caplog.text


def test_bad_frames_cost_the_stream_and_are_reported_with_the_member(net, caplog):
    hello = frame(b"\0" + SWARM)
    bad = [
        (frame(b"\0" + bytes(32)), "another swarm"),
        (b"\xff\xff\xff\xff", "at most 33"),
        (hello + b"\x7f\xff\xff\xff", f"at most {MAX_MESSAGE_BYTES + 1}"),
        (hello + frame(b"\x09?"), "unknown kind"),
        (hello + frame(b""), "unknown kind"),
    ]

    async def main():
        node, liar = Node(net, 0), net.host(1)
        async with liar.run():
            node.addresses = {liar.member: liar.addresses}
            node.prepare()
            async with node.host.run():
                await liar.connect(node.member, node.host.addresses)
                for raw, expected in bad:
                    stream = await liar.open_stream(node.member, PROTOCOL)
                    await stream.write(raw)
                    await net.until(lambda expected=expected: expected in caplog.text)
                    caplog.clear()
                good = await liar.open_stream(node.member, PROTOCOL)
                await good.write(hello + frame(b"\1fine"))
                await net.until(lambda: node.received == [(liar.member, b"fine")])

    with caplog.at_level(logging.WARNING):
        trio.run(main)


def test_a_queue_that_overflows_loses_its_oldest_messages(net):
    node = Node(net, 0)
    node.addresses = {net.members[1]: []}
    node.prepare()
    for number in range(MAX_QUEUED_MESSAGES + 5):
        node.mesh.send(net.members[1], str(number).encode())
    node.mesh.send(net.members[3], b"nobody")
    (link,) = node.mesh._links.values()
    assert (link.dropped, link.queue[0][1], len(link.queue)) == (5, b"5", MAX_QUEUED_MESSAGES)
    for _ in range(60):
        node.mesh.broadcast(b"x" * MAX_MESSAGE_BYTES)
    assert link.queued_bytes == sum(len(message) for _, message in link.queue) <= 8 << 20


def test_what_has_waited_too_long_for_a_connection_is_not_sent(net, monkeypatch):
    node = Node(net, 0)
    node.addresses = {net.members[1]: []}
    node.prepare()
    (link,) = node.mesh._links.values()
    now = time.monotonic()
    for waited, message in ((11, b"old"), (1, b"new")):
        monkeypatch.setattr(time, "monotonic", lambda waited=waited: now - waited)
        node.mesh.broadcast(message)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    link.drop_stale()
    assert [message for _, message in link.queue] == [b"new"]
    assert link.queued_bytes == len(b"new")
