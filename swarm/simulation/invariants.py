"""What must hold after every step of every run; checked on the fly, by plain means of its own."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from swarm import codec
from swarm.consensus.messages import FINALIZE, NULLIFY, VOTES
from swarm.ledger.blocks import apply_block, read_block, read_final
from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.rounds import empty_ledger
from swarm.ledger.transactions import Commit, MergeResult
from swarm.simulation.rosters import Rosters
from swarm.simulation.scenario import WEIGHTS

if TYPE_CHECKING:
    from swarm.events import StartContribution
    from swarm.ledger.blocks import Block
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.kinds import Updates
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger, Verify
    from swarm.simulation.disk import Disk


class ViolationError(AssertionError):
    """An invariant is broken: the protocol, or a rule broken on purpose, is unsafe."""


@dataclass
class Invariants:
    """Agreement, prefix, one contribution per member and round, true merges, persisted votes.

    Attributes:
        genesis: Of the swarm.
        verify: Verifies signatures.
        honest: Members that do not lie.
        blobs: All contributions ever made, by digest.
        chain: Hashes of the blocks that somebody honest has made final, by height from 1.
        ledger: What they say.
        rosters: Who is a member at each height.
    """

    genesis: Genesis
    verify: Verify
    honest: frozenset[str]
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    chain: list[bytes] = field(default_factory=list)
    ledger: Ledger = field(init=False)
    rosters: Rosters = field(init=False)
    _votes: dict[tuple[str, int, int, str], bytes] = field(default_factory=dict)
    _persisted: set[bytes] = field(default_factory=set)
    _committed: dict[tuple[str, int | bytes], bytes] = field(default_factory=dict)
    _log: dict[str, list[bytes]] = field(default_factory=dict)
    _height: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = empty_ledger(self.genesis)
        self.rosters = Rosters(self.genesis, self.verify)

    def on_append(self, member: str, height: int, already: int, final: bytes) -> None:
        """An honest member has made a block final."""
        if height != already + 1:
            raise ViolationError(f"{member} appends height {height} after {already}")
        data = read_final(final).data
        block_hash = codec.digest(data)
        self._height[member] = height
        complaint = self.rosters.complain(height, final) if height <= len(self.chain) + 1 else ""
        if complaint:
            raise ViolationError(f"{member}: {complaint}")
        if height <= len(self.chain):
            if self.chain[height - 1] != block_hash:
                raise ViolationError(f"disagreement: {member} has another block {height}")
            return
        self.chain.append(block_hash)
        self.rosters.grow(data)
        block = read_block(data, self.verify)
        self.ledger = apply_block(self.ledger, block, self.verify)
        self._check_commits(block)
        for _, transaction in block.transactions:
            if isinstance(transaction, MergeResult) and self.digest() != transaction.digest:
                raise ViolationError(f"block {height} decides a merge that is not the sum")

    def on_roster(self, member: str, height: int, roster: Roster) -> None:
        """Other members are in force for an honest member from this height on."""
        if set(roster.ids) != self.rosters.at(height):
            raise ViolationError(f"{member} has other members than the ledger at height {height}")
        if roster.quorum != self.rosters.quorum(height):
            raise ViolationError(f"{member} has another quorum than its members at height {height}")

    def on_join(self, member: str) -> None:
        """Somebody honest makes a first key, to become a member."""
        self.honest |= {member}

    def on_rotate(self, member: str, disk: Disk) -> None:
        """An honest member goes on under its next key, on the same disk."""
        self.honest |= {member}
        self.on_loss(member, disk)

    def on_persist(self, member: str, record: bytes) -> None:
        """An honest member has put a record on its disk."""
        self._log.setdefault(member, []).append(record)
        value = codec.decode(record, 1 << 20)
        if value[0] != "vote":
            return
        purpose, _, body, signature = value[1]
        height, view, block = codec.decode(body, 1 << 10)
        self._persisted.add(signature)
        self._check_vote(member, purpose, height, view, block)

    def on_start(self, member: str, log: tuple[bytes, ...], blocks: tuple[bytes, ...]) -> None:
        """An honest member starts: what its disk has taken, and has not lost by decay, is there."""
        if member not in self.honest:
            return
        if list(log) != self._log.get(member, []):
            raise ViolationError(f"{member} has lost a record that was on its disk")
        if len(blocks) != self._height.get(member, 0):
            raise ViolationError(f"{member} has lost a final block that was on its disk")

    def on_contribution(self, member: str, order: StartContribution, disk: Disk) -> None:
        """An honest member makes a contribution: to parameters that it has."""
        is_update = order.kind == PARAMETERS and member in self.honest
        if is_update and order.base != disk.network:
            raise ViolationError(f"{member} trains on parameters that it does not have")

    def on_loss(self, member: str, disk: Disk) -> None:
        """The disk of an honest member has lost something, and its operator knows."""
        self._log[member], self._height[member] = list(disk.log), len(disk.blocks)

    def on_send(self, member: str, message: bytes, disk: Disk) -> None:
        """An honest member lets a message go: what it says must be on its disk (R24, R26)."""
        value = codec.decode(message, 1 << 20)
        if (
            value[0] == "receipt"
            and value[1]["by"] == member
            and value[1]["blob"] not in disk.blobs
        ):
            raise ViolationError(f"{member} gives a receipt for what is not on its disk")
        if value[0] == "vote" and value[1][1] == member:
            purpose, _, body, signature = value[1]
            if signature not in self._persisted:
                raise ViolationError(f"{member} sends a {purpose} that is not on its disk")
            height, view, block = codec.decode(body, 1 << 10)
            self._check_vote(member, purpose, height, view, block)

    def on_head(self, member: str, round_number: int, digest: bytes) -> None:
        """An honest member has moved HEAD."""
        merged = [entry for entry in self.ledger.rounds if entry.opening.round == round_number]
        if not merged or merged[-1].digest != digest:
            raise ViolationError(f"{member} moves HEAD to what the ledger does not say")

    def on_evidence(self, member: str, accused: str) -> None:
        """An honest member says that it has caught another."""
        if accused in self.honest:
            raise ViolationError(f"{member} accuses {accused}, who is honest")

    def digest(self) -> bytes:
        """Digest of the last merge, made again from all that was accepted of its kind."""
        last = next(entry for entry in reversed(self.ledger.rounds) if entry.outcome == "merged")
        make = self._network if last.kind == PARAMETERS else self._statistics
        return make(last.anchors)

    def _network(self, anchors: tuple[str, ...]) -> bytes:
        """All updates, bounded, capped and added in plain Python integers."""
        terms = self.genesis.updates
        parameters, sums, rests = ([0] * WEIGHTS for _ in range(3))
        for merged in self.ledger.updates:
            updates = {who: self._bound(self._cells(blob), terms) for who, blob in merged}
            for at in range(WEIGHTS):
                column = [(updates[who][at], who) for who in sorted(updates)]
                total = sum(value for value, _ in column)
                ordinary = [value for value, who in column if who not in anchors]
                top = max(ordinary, key=abs, default=0)
                rest = total - top
                parameters[at] += rest + max(-abs(rest), min(abs(rest), top))
                sums[at] += total
                rests[at] += rest
        packed = struct.pack(f"<{3 * WEIGHTS}q", *parameters, *sums, *rests)
        return codec.digest(self.genesis.manifest_digest + b"parameters/1" + packed)

    @staticmethod
    def _bound(cells: tuple[int, ...], terms: Updates | None) -> list[int]:
        if terms is None:
            raise ViolationError("a round of updates in a swarm that has no terms for them")
        cut = [max(-terms.entry, min(terms.entry, cell)) for cell in cells]
        squares = sum(cell * cell for cell in cut)
        if squares <= terms.norm**2:
            return cut
        length = next(n for n in count(math.isqrt(squares)) if n * n >= squares)
        return [int(math.copysign(abs(cell) * terms.norm // length, cell)) for cell in cut]

    def _statistics(self, anchors: tuple[str, ...]) -> bytes:
        """All sums, in plain Python integers."""
        sums = {
            member: [sum(cells) for cells in zip(*map(self._cells, blobs), strict=True)]
            for member, blobs in self.ledger.accepted.items()
        }
        total = [sum(cells) for cells in zip(*sums.values(), strict=True)]
        ordinary = [sums[member] for member in sums if member not in anchors]
        largest = [max(cells) for cells in zip(*ordinary, strict=True)] or [0] * len(total)
        rest = [cell - big for cell, big in zip(total, largest, strict=True)]
        packed = struct.pack(f"<{2 * len(total)}q", *total, *rest)
        return codec.digest(self.genesis.manifest_digest + packed)

    def _cells(self, blob: bytes) -> tuple[Any, ...]:
        data = self.blobs[blob]
        return struct.unpack(f"<{len(data) // 4}i", data)

    def _check_commits(self, block: Block) -> None:
        for member, transaction in block.transactions:
            if isinstance(transaction, Commit):
                opening = self.ledger.find((transaction.round, transaction.attempt)).opening
                places: list[int | bytes] = [transaction.round]
                if opening.kind == PARAMETERS:
                    places.append(opening.base)  # R13: one update a base, however rounds go
                first = self.ledger.roster.origin(member)
                for place in places:
                    drawn = self._committed.setdefault((first, place), transaction.blob)
                    if drawn != transaction.blob:
                        raise ViolationError(f"{member} contributes twice to {place!r}")

    def _check_vote(self, member: str, purpose: str, height: int, view: int, block: bytes) -> None:
        if member not in self.rosters.at(height):
            raise ViolationError(f"{member} votes at height {height} and is no member there")
        key = (member, height, view, purpose)
        if purpose in VOTES and self._votes.setdefault(key, block) != block:
            raise ViolationError(f"{member} votes twice in view {view} of height {height}")
        other = {NULLIFY: FINALIZE, FINALIZE: NULLIFY}.get(purpose)
        if other is not None and (member, height, view, other) in self._votes:
            raise ViolationError(f"{member} nullifies and finalises view {view}")
