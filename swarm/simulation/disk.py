"""A simulated disk, and what crashes and decay do to it: the real record files, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from swarm.storage.records import pack_kind, pack_record, parse_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


SECTOR = 512
"""Bytes that a disk writes wholly or not at all."""


@dataclass
class Disk:
    """What survives a crash.

    Attributes:
        log: Persisted records, oldest first.
        blocks: Final blocks, by height from 1.
        blobs: Contributions by digest.
        own: Our contribution of each round; of updates, of each base.
        head: Digest that HEAD points to.
        network: Digest that the network's pointer points to.
        torn: What a crash left behind the last whole record, by kind of file.
        decayed: Kinds of files in which a bit has flipped.
    """

    log: list[bytes] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    own: dict[int | bytes, bytes] = field(default_factory=dict)
    head: bytes = b""
    network: bytes = b""
    torn: dict[str, bytes] = field(default_factory=dict)
    decayed: set[str] = field(default_factory=set)

    def snapshot(self) -> Disk:
        """A backup: the same disk, and independent of it."""
        return replace(
            self,
            log=list(self.log),
            blocks=list(self.blocks),
            blobs=dict(self.blobs),
            own=dict(self.own),
            torn={},
            decayed=set(),
        )

    def tear(self, kind: str, record: bytes, rng: Random) -> None:
        """Leave what a power cut in the middle of a write may leave.

        Either the beginning of the record, or its beginning up to a sector and then zeros.
        """
        packed = pack_record(record)
        before = len(self._pack(kind))
        cut = rng.randrange(len(packed))
        whole = (before + cut) // SECTOR * SECTOR - before
        if rng.random() < 0.5 or len(packed) - whole < SECTOR:
            self.torn[kind] = packed[:cut]
        else:
            self.torn[kind] = packed[: max(whole, 0)] + bytes(len(packed) - max(whole, 0))

    def _pack(self, kind: str) -> bytes:
        records: Sequence[bytes] = self.log if kind == "votes" else self.blocks
        return pack_kind(kind) + b"".join(map(pack_record, records))

    def read(self, kind: str, rng: Random) -> tuple[bytes, ...]:
        """Read a record file as the peer does when it starts; a torn tail is cut off.

        Raises:
            StorageError: A bit has flipped, and the file says so.
        """
        data = bytearray(self._pack(kind))
        if kind in self.decayed:
            at = rng.randrange(8 * len(data))
            data[at // 8] ^= 1 << (at % 8)
        found = parse_records(Path(kind), kind, bytes(data) + self.torn.pop(kind, b""))
        return found.payloads

    def lose(self, kind: str) -> None:
        """The operator moves a damaged file aside."""
        (self.log if kind == "votes" else self.blocks).clear()
        self.decayed.discard(kind)
        self.torn.pop(kind, None)
