"""Every parser of bytes that a peer, or a peer's file, can hand us: what it takes and may raise.

A target takes any bytes. It may refuse them by the errors named, and by no other; what it accepts
it must write again as the same bytes, where there is a way back. Signatures count as true here:
behind them everything is reached, as a lying member reaches it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import trio

from api.founding import FoundingError, parse_founding, read_manifest
from api.membership import ChangeError, ChangeFile, read_change_file
from api.shared_catalogue import SharedCatalogueError
from swarm import codec, events, signing
from swarm.consensus.messages import read_certificate, read_proposal, read_vote
from swarm.desk import read_receipt
from swarm.errors import LedgerError, RemoteProtocolError, StorageError, TransportError
from swarm.having import PARTS, read_have, write_have
from swarm.ledger.blocks import read_block, read_final, write_block, write_final
from swarm.ledger.carry import Carry, read_carry, write_carry
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import Genesis, read_genesis, read_request, verify_genesis
from swarm.ledger.membership import read_change, write_change
from swarm.ledger.transactions import TRANSACTIONS, read_transaction, write_transaction
from swarm.merge.merge import merge
from swarm.merge.updates import merge_updates
from swarm.node import Node
from swarm.protocol import Signed, read_signed
from swarm.signing import SimSigner
from swarm.storage.records import pack_kind, pack_record, parse_records
from swarm.transport.blobs import _read_hashes
from swarm.transport.framing import READ_BYTES, FrameReader
from swarm.transport.host import tcp_address
from swarm.transport.stream import StreamEndedError
from swarm.transport.versions import read_software, read_versions
from tests.unit.api.test_founding import founding

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "swarm" / "vectors-1.2.json").read_text("utf-8")
)


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        take: Gives it bytes.
        refusals: What it may raise.
        samples: Bytes that it accepts, to begin from.
    """

    take: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    samples: tuple[bytes, ...]

    def __call__(self, data: bytes) -> bool:
        """Whether the bytes were accepted."""
        try:
            self.take(data)
        except self.refusals:
            return False
        return True


def _true(member: str, purpose: str, body: bytes, signature: bytes) -> bool:
    return True


def _value(data: bytes) -> Any:
    return codec.decode(data, 1 << 20)


def _decode(data: bytes) -> None:
    assert codec.encode(codec.decode(data, 1 << 16)) == data


def _transaction(data: bytes) -> None:
    """The first byte says of which purpose."""
    if data:
        purpose = TRANSACTIONS[data[0] % len(TRANSACTIONS)]
        read = read_transaction(Signed(purpose, "m", data[1:], bytes(64)))
        again, value = write_transaction(read)
        assert (again, codec.encode(value)) == (purpose, data[1:])


def _block(data: bytes) -> None:
    block = read_block(data, _true)
    assert write_block(block.height, block.previous, block.signed) == data


def _final(data: bytes) -> None:
    assert write_final(read_final(data)) == data


def _change(data: bytes) -> None:
    assert write_change(read_change(data)) == data


def _carry(data: bytes) -> None:
    assert write_carry(read_carry(data)) == data


@cache
def genesis() -> Genesis:
    """Of the vectors."""
    return verify_genesis(bytes.fromhex(VECTORS["genesis"]["file"]))


@cache
def _node() -> Node:
    node = Node(genesis(), genesis().ids[0], _Believer(genesis().ids[0], genesis().swarm_id))
    node.step(events.Started(0))
    for block in VECTORS["blocks"][:2]:
        message = codec.encode(["final", node.view().height + 1, bytes.fromhex(block)])
        node.step(events.Received(genesis().ids[1], message))
    return node


class _Believer(SimSigner):
    """Takes every signature for true."""

    def verify(self, member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        return True


def _message(data: bytes) -> None:
    """One message to a running node, then back to where it was; a refusal changes nothing."""
    node = _node()
    before = node._state
    try:
        effects = node.step(events.Received(genesis().ids[1], data))
        notes = [e for e in effects if isinstance(e, events.Note) and e.refused]
        assert not notes or node._state is before
        node.view()
    finally:
        node._state = before


class _Stream:
    """Gives its bytes in pieces of the lengths that they themselves name."""

    peer = "somebody"
    protocol = "/fuzz"

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.longest = 0

    async def read_some(self, limit: int) -> bytes:
        self.longest = max(self.longest, limit)
        if not self._data:
            raise StreamEndedError("the end")
        count = min(limit, 1 + self._data[0] % 64, len(self._data))
        piece, self._data = self._data[:count], self._data[count:]
        return piece

    async def write(self, data: bytes) -> None:
        return

    async def close(self) -> None:
        return

    async def reset(self) -> None:
        return


def _frames(data: bytes) -> None:
    async def read() -> None:
        stream = _Stream(data)
        reader = FrameReader(stream)
        try:
            while True:
                assert len(await reader.read(1_000)) <= 1_000
        finally:
            assert stream.longest <= READ_BYTES
            assert len(reader._buffer) <= 4_096

    trio.run(read)


def _hashes(data: bytes) -> None:
    async def read() -> None:
        blob = bytes.fromhex(VECTORS["blobs"][1]["digest"])
        hashes = await _read_hashes(FrameReader(_Stream(data)), blob, 262_149)
        assert hashes is None or all(len(part) == 32 or part is hashes[-1] for part in hashes)

    trio.run(read)


def _contribution(data: bytes) -> None:
    """Any int32 numbers merge exactly, as Python's own integers say."""
    cells = np.frombuffer(data[: len(data) // 8 * 8], dtype="<i4").reshape(2, -1)
    total, rest = merge({"a": [cells[0]], "b": [cells[1], cells[0]]})
    plain = [(int(x), int(y)) for x, y in cells.T]
    assert total.tolist() == [2 * x + y for x, y in plain]
    assert rest.tolist() == [min(x, x + y) for x, y in plain]
    if cells.size:
        merged = merge_updates([{"a": cells[0], "b": cells[1]}], (), 2**24, 2**30)
        assert all(abs(n) <= 2**25 for n in merged["parameters"].tolist())


def _records(data: bytes) -> None:
    found = parse_records(Path("votes"), "votes", data)
    whole = pack_kind("votes") + b"".join(map(pack_record, found.payloads))
    assert not found.end or data[: found.end] == whole


def _have(data: bytes) -> None:
    """Of as many parts as `receive` lets through; what is read can be said again."""
    value = _value(data)
    if type(value) is list and len(value) == PARTS:
        have = read_have(value)
        assert read_have(_value(write_have(have))) == have


def _wire(*names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(VECTORS["wire"][name]) for name in names)


def _inner(*names: str) -> tuple[bytes, ...]:
    return tuple(codec.encode(_value(message)[1]) for message in _wire(*names))


def _bodies() -> tuple[bytes, ...]:
    return tuple(
        bytes([TRANSACTIONS.index(entry["purpose"])]) + bytes.fromhex(entry["body"])
        for entry in VECTORS["messages"]
        if entry["purpose"] in TRANSACTIONS
    )


_FINALS = tuple(bytes.fromhex(block) for block in VECTORS["blocks"])
_APPROVED = next(e["body"] for e in VECTORS["messages"] if e["purpose"] == "approval")
_REMOTE = (RemoteProtocolError,)
_LONG = b"".join(
    codec.digest(bytes(at % 251 for at in range(first, last)))
    for first, last in ((0, 262_144), (262_144, 262_149))
)
_HASHES = b"\0\0\0\x09" + b"\0" + (262_149).to_bytes(8, "big") + b"\0\0\0\x40" + _LONG
_ADDRESS = b"/ip4/127.0.0.1/tcp/4001"

TARGETS: dict[str, Target] = {
    "codec": Target(_decode, _REMOTE, _wire(*VECTORS["wire"])),
    "message": Target(_message, _REMOTE, _wire(*VECTORS["wire"])),
    "signed": Target(
        lambda data: read_signed(_value(data), signing.PURPOSES, _true), _REMOTE, _inner("vote")
    ),
    "proposal": Target(
        lambda data: read_proposal(_value(data), _true), _REMOTE, _inner("proposal")
    ),
    "vote": Target(lambda data: read_vote(_value(data), _true), _REMOTE, _inner("vote")),
    "certificate": Target(
        lambda data: read_certificate(_value(data)),
        _REMOTE,
        _inner("certificate of notarize", "certificate of nullify"),
    ),
    "receipt": Target(lambda data: read_receipt(_value(data), _true), _REMOTE, _inner("receipt")),
    "have": Target(_have, _REMOTE, _wire("have", "have while a round is open")),
    "transaction": Target(_transaction, _REMOTE, _bodies()),
    "block": Target(_block, _REMOTE, tuple(_value(final)[0] for final in _FINALS)),
    "final": Target(_final, _REMOTE, _FINALS),
    "change": Target(_change, _REMOTE, (bytes.fromhex(_APPROVED),)),
    "carry": Target(
        _carry,
        _REMOTE,
        (
            write_carry(
                Carry(
                    bytes(32),
                    9,
                    bytes(range(32)),
                    bytes(32),
                    ((genesis().ids[0], "platform", (bytes(32),)),),
                    ((genesis().ids[1], genesis().ids[0]),),
                )
            ),
        ),
    ),
    "change file": Target(
        lambda data: read_change_file(data, "x"),
        (ChangeError,),
        (
            ChangeFile(
                genesis().swarm_id, bytes.fromhex(_APPROVED), (), genesis().members, b"founding"
            ).to_bytes(),
        ),
    ),
    "founding file": Target(
        lambda data: parse_founding(data, "x"),
        (FoundingError, SharedCatalogueError),
        (founding().to_bytes(),),
    ),
    "manifest": Target(
        lambda data: read_manifest(data, "x"), (FoundingError,), (founding().manifest,)
    ),
    "request": Target(read_request, _REMOTE, tuple(map(bytes.fromhex, VECTORS["requests"]))),
    "genesis": Target(read_genesis, _REMOTE, (bytes.fromhex(VECTORS["genesis"]["file"]),)),
    "export": Target(verify_export, (LedgerError,), (bytes.fromhex(VECTORS["export"]),)),
    "greeting": Target(read_software, _REMOTE, (bytes.fromhex(VECTORS["greeting"])[37:],)),
    "versions": Target(
        read_versions, _REMOTE, (codec.encode({"software": "0.1.0", "spoken": [[1, 1], [1, 0]]}),)
    ),
    "frames": Target(_frames, (*_REMOTE, TransportError), (bytes.fromhex(VECTORS["greeting"]),)),
    "blob hashes": Target(_hashes, (*_REMOTE, TransportError), (_HASHES,)),
    "contribution": Target(_contribution, (), (bytes(range(64)),)),
    "address": Target(
        lambda data: tcp_address(data.decode("utf-8", "replace")), (TransportError,), (_ADDRESS,)
    ),
    "member id": Target(
        lambda data: signing.public_key(data.decode("utf-8", "replace")),
        _REMOTE,
        (genesis().ids[0].encode(),),
    ),
    "records": Target(
        _records, (StorageError,), (pack_kind("votes") + pack_record(b"one") + pack_record(b"2"),)
    ),
}
