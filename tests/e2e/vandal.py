"""A member that speaks rubbish at every layer, for ever: run as a process in its seat's place.

`python -m tests.e2e.vandal HOME`: its key is a member's, so that noise lets it in; what it says
there keeps no rule. It prints the name of each rubbish that it has spoken. With `flood` behind HOME
it sends nothing but votes with false signatures, to everybody, as fast as they are taken.
"""

from __future__ import annotations

import contextlib
import os
import random
import struct
import sys
from pathlib import Path

import trio

from api.home import IDENTITY_KEY, Home
from swarm import codec
from swarm.consensus.messages import Vote, proposal_body, write_vote
from swarm.ledger.blocks import NO_BLOCK, vote_body, write_block
from swarm.ledger.genesis import verify_genesis
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    Included,
    RoundVoid,
    write_transaction,
)
from swarm.protocol import sign
from swarm.signing import Ed25519Signer
from swarm.transport.blobs import PROTOCOL as BLOB
from swarm.transport.framing import frame
from swarm.transport.host import Host
from swarm.transport.mesh import PROTOCOL as MESSAGES

CHANCE = random.Random(23)  # noqa: S311 - a test


def raw_openings():
    """Bytes of somebody who does not know what protocol this is."""
    header = b"\x13/multistream/1.0.0\n\x07/noise\n"
    return [
        CHANCE.randbytes(200),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x13/multistream/1.0.0\n\x07/nope\n",
        header + struct.pack(">H", 65535) + CHANCE.randbytes(65535),
        header + struct.pack(">H", 48) + CHANCE.randbytes(48),
        b"",
    ]


def mux_frames():
    """Frames that are no yamux."""
    return [
        struct.pack("!BBHII", 0, 0, 1, 1, 0xFFFFFFFF),
        struct.pack("!BBHII", 9, 77, 0xFFFF, 3, 12) * 20,
        struct.pack("!BBHII", 0, 3, 0, 0, 1),
        CHANCE.randbytes(4096),
    ]


def stream_bytes(hello):
    """What may be wrong with frames on a stream of messages."""
    return [
        b"\xff\xff\xff\xff",
        frame(b"\0" + bytes(32)),
        frame(b"\1" + CHANCE.randbytes(100)),
        hello + frame(b"\7what is this"),
        hello + frame(b""),
        hello + b"\x7f\xff\xff\xff" + CHANCE.randbytes(1000),
        hello[:-3],
    ]


def payloads(signer, others):
    """Messages in good frames: no CBOR, CBOR of no type, and signatures that are not true."""
    lie = Ed25519Signer(CHANCE.randbytes(32), signer.swarm_id)
    vote = Vote("finalize", 1, 1, CHANCE.randbytes(32), signer.member, b"")
    body = vote_body(1, 1, vote.block)
    mine = signer.sign("finalize", body)
    block = write_block(1, signer.swarm_id, [sign(signer, signer.member, *_abstain())])
    signed = [
        sign(signer, signer.member, "proposal", proposal_body(1, 1, 0, block)).to_value(),
        sign(lie, others[0], "proposal", proposal_body(1, 1, 0, block)).to_value(),
        sign(lie, others[0], *_abstain()).to_value(),
    ]
    votes = [
        write_vote(Vote("finalize", 1, 1, vote.block, others[0], mine)),
        write_vote(Vote("finalize", 1, 1, vote.block, signer.member, mine)),
        write_vote(Vote("nullify", 1, 1, NO_BLOCK, signer.member, bytes(64))),
        [*write_vote(Vote("notarize", 1, 1, vote.block, signer.member, mine)), 7],
    ]
    return [
        CHANCE.randbytes(1000),
        b"\x9f" * 5000,  # lists without end
        b"\x9b" + b"\xff" * 8,  # a list of 2^64 - 1 values
        b"\x5b" + b"\xff" * 8,
        b"\x81" * 100_000,  # nested
        codec.encode(["status", -1, 1]),
        codec.encode(["status", 2**39, 1]),
        codec.encode(["status", 10**6, 2**19]),
        codec.encode(["final", 1, CHANCE.randbytes(2000)]),
        codec.encode(["what", 1]),
        codec.encode({"vote": 1}),
        codec.encode(["certificate", {"purpose": "finalize"}]),
        *(codec.encode(["vote", vote]) for vote in votes),
        *(codec.encode(["proposal", value]) for value in signed),
        *(codec.encode(["transaction", value]) for value in _transactions(signer, lie, others)),
    ]


def _abstain():
    return write_transaction(Abstain(1, 1, "a lie"))


def _transactions(signer, lie, others):
    blob = CHANCE.randbytes(32)
    receipts = ((0, bytes(64)), (1, bytes(64)))
    wrong = (
        Commit(1, 1, blob, 2**31 - 1, (1, 1)),
        Commit(1, 1, blob, 4, (1, 10**9)),
        CloseSet(1, 1, (Included(others[0], blob, receipts),), ()),
        RoundVoid(1, 1, "I say so"),
    )
    mine = [sign(signer, signer.member, *write_transaction(one)).to_value() for one in wrong]
    return [*mine, sign(lie, others[-1], *write_transaction(wrong[0])).to_value()]


def blob_requests():
    """What may be wrong with a request for a blob."""
    return [
        frame(b""),
        frame(CHANCE.randbytes(32)),
        frame(CHANCE.randbytes(31)),
        b"\xff\xff\xff\xff",
        frame(CHANCE.randbytes(32)) + frame(b"\xff" * 4) + frame(b"\xff" * 9),
    ]


async def vandalise(home):
    """Speak rubbish to every other member until killed."""
    genesis = verify_genesis(home.genesis_path.read_bytes())
    seed = home.read_key(IDENTITY_KEY)
    signer = Ed25519Signer(seed, genesis.swarm_id)
    others = [member for member in genesis.members if member.id != signer.member]
    host = Host(seed, listen="/ip4/127.0.0.1/tcp/0", is_member=genesis.by_id.__contains__)
    hello = frame(b"\0" + genesis.swarm_id)
    ids = [member.id for member in others]
    acts = {
        "multiplexer": _mux,
        "framing": lambda h, o: _streams(h, o, MESSAGES, stream_bytes(hello)),
        "messages": lambda h, o: _say(h, o, hello, payloads(signer, ids)),
        "blobs": lambda h, o: _streams(h, o, BLOB, blob_requests()),
        "flood": lambda h, o: _say(h, o, hello, [os.urandom(9000)] * 400),
    }
    async with host.run():
        while True:
            for other in others:
                port = int(other.addresses[0].rsplit("/", 1)[1])
                await _try("raw", lambda port=port: _raw(port))
                for layer, act in acts.items():
                    await _try(layer, lambda act=act, o=other: act(host, o))
            await trio.sleep(0.2)


async def flood(home):
    """Send every other member as much work as it takes, until killed."""
    genesis = verify_genesis(home.genesis_path.read_bytes())
    seed = home.read_key(IDENTITY_KEY)
    me = Ed25519Signer(seed, genesis.swarm_id).member
    host = Host(seed, listen="/ip4/127.0.0.1/tcp/0", is_member=genesis.by_id.__contains__)
    async with host.run(), trio.open_nursery() as nursery:
        for other in genesis.members:
            if other.id != me:
                nursery.start_soon(_flood_one, host, other, frame(b"\0" + genesis.swarm_id), me)


async def _flood_one(host, other, hello, me):
    number = 0
    while True:
        with contextlib.suppress(Exception):
            await host.connect(other.id, other.addresses)
            stream = await host.open_stream(other.id, MESSAGES)
            await stream.write(hello)
            while True:
                batch = b""
                for _ in range(50):
                    number += 1
                    vote = Vote("finalize", 1, 1, number.to_bytes(32, "big"), me, bytes(64))
                    batch += frame(b"\1" + codec.encode(["vote", write_vote(vote)]))
                await stream.write(batch)
                print("flood", flush=True)
        await trio.sleep(0.1)


async def _try(layer, act):
    with contextlib.suppress(Exception), trio.move_on_after(5):
        await act()
        print(layer, flush=True)


async def _raw(port):
    for opening in raw_openings():
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(opening)
            await trio.sleep(0.01)


async def _mux(host, other):
    for frames in mux_frames():
        await host.connect(other.id, other.addresses)
        for connection in host._network.get_connections():
            with contextlib.suppress(Exception):
                await connection.muxed_conn.secured_conn.write(frames)
        await host.disconnect(other.id)


async def _streams(host, other, protocol, openings):
    for opening in openings:
        await host.connect(other.id, other.addresses)
        stream = await host.open_stream(other.id, protocol)
        with contextlib.suppress(Exception):
            await stream.write(opening)
        await trio.sleep(0.02)
        await stream.reset()


async def _say(host, other, hello, messages):
    await host.connect(other.id, other.addresses)
    stream = await host.open_stream(other.id, MESSAGES)
    await stream.write(hello)
    for message in messages:
        await stream.write(frame(b"\1" + message))
    await trio.sleep(0.1)
    await stream.reset()


if __name__ == "__main__":
    trio.run(flood if "flood" in sys.argv else vandalise, Home(Path(sys.argv[1])))
