"""Members of different versions find a common one, or are told who must upgrade."""

from __future__ import annotations

import contextlib

import pytest
import trio

from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.transport.mesh import Mesh, MeshTiming
from swarm.transport.versions import (
    SPOKEN,
    read_software,
    read_versions,
    software,
    stream_protocol,
    who_must_upgrade,
    write_software,
    write_versions,
)

SWARM = bytes(range(32))
FAST = MeshTiming(ping_seconds=0.05, misses=3, redial_seconds=0.02, redial_most_seconds=0.1)
OLD, NEW, NEXT = ((1, 0),), ((1, 1), (1, 0)), ((2, 0),)


@contextlib.asynccontextmanager
async def meshes(net, *spoken):
    """Running meshes that speak these versions, with what each has received."""
    hosts = [net.host(number) for number in range(len(spoken))]
    received = [[] for _ in spoken]
    found = []
    async with contextlib.AsyncExitStack() as stack:
        addresses: dict[str, list[str]] = {host.member: [] for host in hosts}
        for host, versions, inbox in zip(hosts, spoken, received, strict=True):
            take = lambda sender, message, inbox=inbox: inbox.append(message)  # noqa: E731
            found.append(Mesh(host, SWARM, addresses, take, FAST, spoken=versions))
        for host in hosts:
            await stack.enter_async_context(host.run())
            addresses[host.member].extend(host.addresses)
        for mesh in found:
            for link in mesh._links.values():
                link.addresses = addresses[link.member]
        async with trio.open_nursery() as nursery:
            for mesh in found:
                nursery.start_soon(mesh.run)
            yield found, received, [host.member for host in hosts]
            nursery.cancel_scope.cancel()


def test_a_swarm_of_mixed_minor_versions_works(net):
    async def main():
        async with meshes(net, NEW, OLD, NEW) as (found, received, members):
            for mesh, member in zip(found, members, strict=True):
                mesh.broadcast(member.encode())
            await net.until(lambda: all(len(inbox) == 2 for inbox in received))
            await net.until(lambda: found[0].software(members[2]))
            # The old one does not say what it runs; new ones tell each other.
            assert found[0].software(members[1]) == ""
            assert found[0].software(members[2]) == software()
            assert not any(mesh.refusals() for mesh in found)

    trio.run(main)


def test_an_older_member_is_not_sent_a_type_of_message_that_it_does_not_know(net):
    async def main():
        async with meshes(net, SPOKEN, NEW) as (found, received, _):
            for message in (["have", 1], ["status", 1, 1]):
                for mesh in found:
                    mesh.broadcast(codec.encode(message))
            status = codec.encode(["status", 1, 1])
            await net.until(lambda: all(status in inbox for inbox in received))
            assert received == [[status], [status]]

    trio.run(main)


def test_of_two_without_a_common_version_each_says_who_must_upgrade(net):
    async def main():
        async with meshes(net, NEW, NEXT) as (found, received, members):
            found[0].broadcast(b"hello?")
            await net.until(lambda: all(mesh.refusals() for mesh in found))
            assert received == [[], []]
            return found[0].refusals()[members[1]], found[1].refusals()[members[0]]

    behind, ahead = trio.run(main)
    assert behind.startswith("speaks protocol 2.0, this peer 1.0 and 1.1; this peer must be")
    assert ahead.startswith("speaks protocol 1.0 and 1.1, this peer 2.0; they must upgrade")


def test_the_stream_protocols_of_each_version_stay_what_they_were():
    assert [stream_protocol("messages", version) for version in SPOKEN] == [
        "/murmuration/messages/1.2",
        "/murmuration/messages/1.1",
        "/murmuration/messages/1",
    ]


def test_what_is_told_of_versions_is_read_back():
    assert read_versions(write_versions(SPOKEN)) == (software(), SPOKEN)
    assert read_software(write_software()) == software()


@pytest.mark.parametrize(
    "value",
    [
        {"software": "1", "spoken": []},
        {"software": "1", "spoken": [[1]]},
        {"software": "1", "spoken": [[1, 1000]]},
        {"software": "1", "spoken": [[True, 1]]},
        {"software": "x" * 33, "spoken": [[1, 0]]},
        {"software": "\n", "spoken": [[1, 0]]},
        {"spoken": [[1, 0]]},
    ],
)
def test_an_answer_that_is_none_is_refused(value):
    with pytest.raises(RemoteProtocolError):
        read_versions(codec.encode(value))


def test_the_newer_program_is_named():
    assert who_must_upgrade(OLD, NEXT, "9.0").endswith("they 9.0")
    assert "they run murmuration 0.0.9" in who_must_upgrade(NEXT, OLD, "0.0.9")
