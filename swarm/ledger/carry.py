"""What a swarm founded anew takes over from the one before it: its merged contributions (R27).

More than f members lost for good cannot be voted out: there is no quorum any more. Those who remain
found a new swarm with the same manifest, and a quorum of it signs what it carries over. It is all
by digest: each contribution is proved against it, and the merge is made again by everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.ledger.genesis import Member
from swarm.protocol import DIGEST_BYTES, MAX_MEMBERS, Fields, refuse

if TYPE_CHECKING:
    from swarm.ledger.rounds import Ledger

MAX_CARRY_BYTES: Final = 40 * 1024
_KEYS: Final = ("swarm", "height", "tip", "manifest", "members", "origins")
_MOST_BLOBS: Final = 4096


@dataclass(frozen=True, slots=True)
class Carry:
    """The end of one swarm, as far as another one goes on from it.

    Attributes:
        swarm: Its id.
        height: Of its last block.
        tip: Hash of that.
        manifest: Digest of its manifest.
        members: First id, name and merged contributions of each member that has any; sorted.
        origins: Id and first id of members that have changed their key; sorted.
    """

    swarm: bytes
    height: int
    tip: bytes
    manifest: bytes
    members: tuple[tuple[str, str, tuple[bytes, ...]], ...]
    origins: tuple[tuple[str, str], ...]


def carry_of(ledger: Ledger) -> Carry:
    """What can be carried over from a ledger."""
    roster = ledger.roster
    return Carry(
        roster.swarm_id,
        ledger.height,
        ledger.tip,
        roster.manifest_digest,
        tuple((who, roster.names[who], ledger.accepted[who]) for who in sorted(ledger.accepted)),
        tuple(sorted(roster.origins)),
    )


def write_carry(carry: Carry) -> bytes:
    """Its bytes."""
    return codec.encode(
        {
            "swarm": carry.swarm,
            "height": carry.height,
            "tip": carry.tip,
            "manifest": carry.manifest,
            "members": [[who, name, list(blobs)] for who, name, blobs in carry.members],
            "origins": [list(pair) for pair in carry.origins],
        }
    )


def read_carry(data: bytes) -> Carry:
    """Read what is carried over; whether it is true, its signers have looked.

    Raises:
        RemoteProtocolError: Damaged, or out of bounds.
    """
    fields = Fields(codec.decode(data, MAX_CARRY_BYTES), "carry", _KEYS)
    members = []
    for entry in fields.items("members", 4 * MAX_MEMBERS):
        if type(entry) is not list or [type(part) for part in entry] != [str, str, list]:
            raise refuse("a carry whose members are not id, name and contributions")
        who, name, blobs = entry
        good = all(type(blob) is bytes and len(blob) == DIGEST_BYTES for blob in blobs)
        if len(who) > 64 or len(name) > 64 or not good or not 0 < len(blobs) <= _MOST_BLOBS:
            raise refuse("a carry whose members are out of bounds")
        members.append((who, name, tuple(blobs)))
    origins = []
    for pair in fields.items("origins", 4 * MAX_MEMBERS):
        if type(pair) is not list or [type(part) for part in pair] != [str, str]:
            raise refuse("a carry whose origins are not pairs of ids")
        origins.append((pair[0], pair[1]))
    if members != sorted(members) or len({who for who, _, _ in members}) != len(members):
        raise refuse("a carry whose members are not sorted, each once")
    return Carry(
        fields.digest("swarm"),
        fields.integer("height", 1, 2**40),
        fields.digest("tip"),
        fields.digest("manifest"),
        tuple(members),
        tuple(origins),
    )


def take_over(ledger: Ledger, data: bytes) -> Ledger:
    """The ledger once it has taken over what another swarm had merged; no merge is open yet.

    Raises:
        RemoteProtocolError: It has rounds of its own, or was founded with another manifest.
    """
    carry, roster = read_carry(data), ledger.roster
    if ledger.rounds or ledger.accepted:
        raise refuse("a carry after the first round", "R27")
    if carry.manifest != roster.manifest_digest:
        raise refuse("a carry from a swarm with another manifest: its sums do not fit", "R15")
    if not carry.members:
        raise refuse("a carry of nothing", "R27")
    gone = [Member(who, name, ()) for who, name, _ in carry.members if who not in roster.by_id]
    grown = roster.with_members(roster.members, *gone)
    origins = tuple(pair for pair in carry.origins if pair[0] in roster.by_id)
    return replace(
        ledger,
        roster=replace(grown, origins=origins),
        accepted={who: blobs for who, _, blobs in carry.members},
        makers={blob: who for who, _, blobs in carry.members for blob in blobs},
    )
