"""Members of a simulated swarm change: some leave, with or without their sums, anchors come and go.

Newcomers and new keys are left to real peers: their requests carry real signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm.errors import RemoteProtocolError
from swarm.events import ChangeRequested
from swarm.ledger.genesis import fault_bound
from swarm.ledger.membership import ANCHOR, APPROVAL, REMOVE, Change, preview, write_change
from swarm.signing import SimSigner

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from swarm.ledger.rounds import Ledger

VALID_FOR_BLOCKS = 30


def draw_change(ledger: Ledger, rng: Random, liars: Collection[str]) -> ChangeRequested | None:
    """A change that operators would sign now; None if none can be, or none is wise.

    Args:
        ledger: As the honest know it.
        rng: The run's chance.
        liars: Who lies: as many as may, of those who remain.
    """
    roster = ledger.roster
    member = rng.choice(roster.ids)
    kind = rng.choice((REMOVE, ANCHOR))
    flag = rng.random() < 0.5 if kind == REMOVE else not roster.by_id[member].anchor
    seen = (ledger.height, ledger.tip)
    change = Change(kind, roster.changes + 1, member, seen, seen[0] + VALID_FOR_BLOCKS, flag=flag)
    try:
        left = preview(ledger, change).roster
    except RemoteProtocolError:
        return None
    lying = sum(one in liars for one in left.ids)
    if lying > fault_bound(len(left.ids)) or len(left.contributors) < 2:
        return None
    data = write_change(change)
    signers = roster.ids[: roster.quorum]
    approvals = ((who, SimSigner(who, roster.swarm_id).sign(APPROVAL, data)) for who in signers)
    return ChangeRequested(data, tuple(approvals))
