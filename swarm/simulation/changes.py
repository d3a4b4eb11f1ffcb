"""Members of a simulated swarm change: they join late, leave, are removed, rotate keys (R27, R29).

Requests carry real Ed25519 signatures, as everywhere; approvals are signed as the simulator signs.
A swarm founded anew begins with what the one before it had merged (`draw_carry`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.events import ChangeRequested
from swarm.ledger.carry import Carry, write_carry
from swarm.ledger.genesis import fault_bound, make_request
from swarm.ledger.membership import (
    ADD,
    ANCHOR,
    APPROVAL,
    CARRY,
    MOVE,
    REMOVE,
    ROTATE,
    Change,
    preview,
    write_change,
)
from swarm.signing import SimSigner
from swarm.simulation.scenario import CELLS

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from swarm.ledger.rounds import Ledger

VALID_FOR_BLOCKS: Final = 30
KINDS: Final = (ADD, REMOVE, ROTATE, MOVE, ANCHOR)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A change that operators would sign now.

    Attributes:
        change: What is signed.
        event: What is handed in.
        fresh: Id of the key that comes in with it; empty if none does.
    """

    change: Change
    event: ChangeRequested
    fresh: str


def draw_change(
    ledger: Ledger, rng: Random, liars: Collection[str], weak: Collection[str]
) -> Drawn | None:
    """A change that operators would sign now; None if none can be, or none is wise.

    Args:
        ledger: As the honest know it.
        rng: The run's chance.
        liars: Who lies: as many as may, of those who remain.
        weak: Who is absent, or has lost a disk: they count as if they lied (R22).
    """
    roster = ledger.roster
    kind, member = rng.choice(KINDS), rng.choice(roster.ids)
    flag, request = False, b""
    addresses: tuple[str, ...] = ()
    if kind in {ADD, ROTATE}:
        if kind == ROTATE and (member in liars or member in weak):
            return None  # a liar needs no new key to lie with
        name = f"newcomer {len(roster.names)}" if kind == ADD else roster.names[member]
        request = make_request(
            rng.randbytes(32),
            name=name,
            addresses=("/sim",),
            contributes=kind == ROTATE or rng.random() < 0.8,
        )
    elif kind == REMOVE:
        flag = rng.random() < 0.5
    elif kind == MOVE:
        addresses = (f"/sim/{rng.randrange(100)}",)
    else:
        flag = not roster.by_id[member].anchor
    change = _next(ledger, kind, member, request=request, addresses=addresses, flag=flag)
    fresh = change.newcomer.id if request else ""
    if kind == ADD:
        change = _next(ledger, kind, fresh, request=request)
    try:
        left = preview(ledger, change).roster
    except RemoteProtocolError:
        return None
    failing = sum(one in liars or one in weak for one in left.ids)
    if failing > fault_bound(len(left.ids)) or len(left.contributors) < 2:
        return None
    alone = kind in {REMOVE, MOVE} and rng.random() < 0.5
    signers = [member] if alone else rng.sample(roster.ids, roster.quorum)
    return Drawn(change, _approve(ledger, change, signers), fresh)


def _next(ledger: Ledger, kind: str, member: str, **fields: object) -> Change:
    seen = (ledger.height, ledger.tip)
    number = ledger.roster.changes + 1
    return Change(kind, number, member, seen, seen[0] + VALID_FOR_BLOCKS, **fields)  # type: ignore[arg-type]


def _approve(ledger: Ledger, change: Change, signers: Collection[str]) -> ChangeRequested:
    data, swarm = write_change(change), ledger.roster.swarm_id
    approvals = ((who, SimSigner(who, swarm).sign(APPROVAL, data)) for who in sorted(signers))
    return ChangeRequested(data, tuple(approvals))


def draw_carry(ledger: Ledger, rng: Random) -> tuple[ChangeRequested, dict[bytes, bytes]]:
    """What a swarm founded anew takes over, and the contributions that it names, by digest.

    One of its makers is a member still, one is not.
    """
    roster = ledger.roster
    drawn = [struct.pack(f"<{CELLS}i", *rng.choices(range(-900, 900), k=CELLS)) for _ in range(3)]
    blobs = {codec.blob_digest([data]): data for data in drawn}
    first, second, third = blobs
    before = codec.digest(b"the swarm before")
    members = ((roster.ids[0], roster.names[roster.ids[0]], (first, second)),)
    gone = (("x00", "lost for good", (third,)),)
    carry = Carry(before, 9, before, roster.manifest_digest, members + gone, ())
    change = _next(ledger, CARRY, before.hex(), request=write_carry(carry))
    return _approve(ledger, change, roster.ids[: roster.quorum]), blobs
