"""Blob transfer: complete, resumable, bounded, and proof against lying holders."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import struct

import pytest
import trio

from swarm.codec import CHUNK_BYTES
from swarm.errors import TransportError
from swarm.storage.blobs import BlobStore, PartialBlob, blob_digest, chunk_hashes
from swarm.transport.blobs import (
    PROTOCOL,
    TRANSFERS_PER_MEMBER,
    BlobClient,
    BlobMalformedError,
    BlobServer,
)
from swarm.transport.framing import FrameReader, frame

DATA = bytes(range(251)) * 4000  # just under four chunks
BLOB = blob_digest(DATA)
HASHES = b"".join(chunk_hashes(DATA))


@contextlib.asynccontextmanager
async def exchange(net, tmp_path, *holders):
    """A client with an empty store, connected to holders given as `set up this host` functions."""
    client = net.host(0)
    hosts = [net.host(number + 1) for number in range(len(holders))]
    for host, set_up in zip(hosts, holders, strict=True):
        set_up(host)
    async with contextlib.AsyncExitStack() as stack:
        for host in (client, *hosts):
            await stack.enter_async_context(host.run())
        for host in hosts:
            await client.connect(host.member, host.addresses)
        store = BlobStore(tmp_path / "client")
        yield (
            BlobClient(
                client, store, retry_seconds=0.01, retry_most_seconds=0.05, answer_seconds=1
            ),
            store,
            [host.member for host in hosts],
        )


def honest(tmp_path, may_serve=lambda _blob: True, data=DATA):
    """A holder that has the blob."""
    store = BlobStore(tmp_path / "holder")
    store.add(data)
    return lambda host: BlobServer(host, store, may_serve)


def scripted(*answers, asked=None):
    """A holder that answers each request with fixed bytes, whatever it is asked."""

    def set_up(host):
        async def answer(stream):
            reader = FrameReader(stream)
            (asked if asked is not None else []).append(await reader.read(100))
            for piece in answers:
                await stream.write(piece)
            with contextlib.suppress(TransportError):
                await reader.read(100)
                await reader.read(100)

        host.serve(PROTOCOL, answer)

    return set_up


def status(code, size):
    return frame(struct.pack(">BQ", code, size))


def test_a_blob_arrives_whole(net, tmp_path):
    async def main():
        async with exchange(net, tmp_path, honest(tmp_path)) as (client, store, holders):
            await client.fetch(BLOB, len(DATA), holders)
            assert store.read(BLOB) == DATA

    trio.run(main)


def test_a_transfer_goes_on_where_it_stopped(net, tmp_path):
    asked_from = []

    def holder(host):
        async def answer(stream):
            reader = FrameReader(stream)
            await reader.read(100)
            await stream.write(status(0, len(DATA)) + frame(HASHES))
            (first,) = struct.unpack(">I", await reader.read(4))
            asked_from.append(first)
            for index in range(first, first + 2):  # then the stream breaks
                chunk = DATA[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
                await stream.write(frame(chunk))

        host.serve(PROTOCOL, answer)

    async def main():
        async with exchange(net, tmp_path, holder) as (client, store, holders):
            await client.fetch(BLOB, len(DATA), holders)
            assert store.read(BLOB) == DATA

    trio.run(main)
    assert asked_from == [0, 2]


def test_a_half_done_file_of_an_earlier_run_is_used(net, tmp_path):
    part = PartialBlob(tmp_path / "client", BLOB, len(DATA), chunk_hashes(DATA))
    part.add_chunk(DATA[:CHUNK_BYTES])
    part.close()

    async def main():
        async with exchange(net, tmp_path, honest(tmp_path)) as (client, store, holders):
            await client.fetch(BLOB, len(DATA), holders)
            assert store.read(BLOB) == DATA

    trio.run(main)


def _flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


LIES = {
    "does not have it": [status(1, 0)],
    "is busy": [status(2, 0)],
    "says nothing": [],
    "no answer at all": [frame(b"")],
    "wrong size": [status(0, len(DATA) - 1) + frame(HASHES)],
    "huge size": [status(0, 1 << 60) + frame(HASHES)],
    "wrong hash list": [status(0, len(DATA)) + frame(_flip(HASHES, 40))],
    "short hash list": [status(0, len(DATA)) + frame(HASHES[:-1])],
    "endless hash list": [status(0, len(DATA)) + struct.pack(">I", 0xFFFFFFFF)],
    "wrong chunk": [status(0, len(DATA)) + frame(HASHES), frame(_flip(DATA[:CHUNK_BYTES], 9))],
    "short chunk": [status(0, len(DATA)) + frame(HASHES), frame(DATA[:100])],
    "huge chunk": [status(0, len(DATA)) + frame(HASHES), struct.pack(">I", 1 << 31)],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_holder_is_passed_over_for_an_honest_one(net, tmp_path, lie):
    asked = []

    async def main():
        holders = (scripted(*LIES[lie], asked=asked), honest(tmp_path))
        async with exchange(net, tmp_path, *holders) as (client, store, members):
            await client.fetch(BLOB, len(DATA), members)
            assert store.read(BLOB) == DATA

    trio.run(main)
    assert asked == [BLOB]


def test_a_lie_is_reported_with_the_holders_name(net, tmp_path, caplog):
    async def main():
        holders = (scripted(*LIES["wrong size"]), honest(tmp_path))
        async with exchange(net, tmp_path, *holders) as (client, _, members):
            await client.fetch(BLOB, len(DATA), members)
            return members[0]

    with caplog.at_level(logging.WARNING):
        liar = trio.run(main)
    assert f"{liar} offers {len(DATA) - 1} bytes where {len(DATA)} were committed to" in caplog.text


@pytest.mark.parametrize("committed", [len(DATA) - 1, len(DATA) + 1, len(DATA) - CHUNK_BYTES])
def test_a_blob_that_is_not_what_was_committed_to_is_proved_malformed(net, tmp_path, committed):
    """The digest fits, the size does not: no other holder could help, the commit itself lies."""

    def claims_the_committed_size(host):
        async def answer(stream):
            reader = FrameReader(stream)
            await reader.read(100)
            await stream.write(status(0, committed) + frame(HASHES))
            await reader.read(4)
            for at in range(0, len(DATA), CHUNK_BYTES):
                await stream.write(frame(DATA[at : at + CHUNK_BYTES]))

        host.serve(PROTOCOL, answer)

    async def main():
        async with exchange(net, tmp_path, claims_the_committed_size) as (client, store, members):
            with pytest.raises(BlobMalformedError):
                await client.fetch(BLOB, committed, members)
            assert not store.has(BLOB)

    trio.run(main)


@pytest.mark.parametrize("size", [0, -1, 1 << 40])
def test_a_committed_size_out_of_bounds_is_refused_unasked(net, tmp_path, size):
    async def main():
        async with exchange(net, tmp_path) as (client, _, _members):
            with pytest.raises(BlobMalformedError):
                await client.fetch(BLOB, size, [])

    trio.run(main)


def test_a_blob_leaves_only_once_its_commit_is_final(net, tmp_path):
    final, asked = [], []

    def may_serve(blob):
        asked.append(blob)
        return blob in final

    async def main():
        holder = honest(tmp_path, may_serve)
        async with exchange(net, tmp_path, holder) as (client, store, members):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.fetch, BLOB, len(DATA), members)
                await net.until(lambda: len(asked) > 2)
                assert not store.has(BLOB)
                final.append(BLOB)
            assert store.read(BLOB) == DATA

    trio.run(main)


def test_a_damaged_blob_is_not_served_and_the_holders_log_names_the_file(net, tmp_path, caplog):
    async def main():
        set_up = honest(tmp_path)
        path = BlobStore(tmp_path / "holder").path(BLOB)
        path.write_bytes(_flip(DATA, 300_000))
        other = BlobStore(tmp_path / "other")
        other.add(DATA)
        second = lambda host: BlobServer(host, other, lambda _blob: True)  # noqa: E731
        async with exchange(net, tmp_path, set_up, second) as (client, store, members):
            await client.fetch(BLOB, len(DATA), members)
            assert store.read(BLOB) == DATA
        return path

    path = trio.run(main)
    assert f"{path} is damaged" in caplog.text


def test_one_member_cannot_take_all_transfers(net, tmp_path):
    async def main():
        asker, holder = net.host(0), net.host(1)
        honest(tmp_path)(holder)
        async with asker.run(), holder.run():
            await asker.connect(holder.member, holder.addresses)
            answers = []
            for _ in range(TRANSFERS_PER_MEMBER + 1):
                stream = await asker.open_stream(holder.member, PROTOCOL)
                await stream.write(frame(BLOB))
                answers.append((await FrameReader(stream).read(100))[0])
            assert answers == [0] * TRANSFERS_PER_MEMBER + [2]

    trio.run(main)


def test_the_digest_is_the_one_of_the_specification():
    chunks = [DATA[at : at + CHUNK_BYTES] for at in range(0, len(DATA), CHUNK_BYTES)]
    inner = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    assert hashlib.sha256(inner).digest() == BLOB
