"""Has this been said before? Members repeat themselves, and verifying a signature is what costs.

Each function compares foreign values with what was verified and kept, byte for byte, before
anything about them is believed; what looks odd is not known, and is then read strictly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm.consensus.messages import VOTES
from swarm.ledger.blocks import vote_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm.consensus.instance import Instance
    from swarm.desk import Desk
    from swarm.protocol import Signed


def is_known_receipt(desk: Desk, value: object) -> bool:
    """Whether we hold this very receipt for the attempt under way."""
    if not isinstance(value, dict):
        return False
    maker, holder, signature = value.get("member"), value.get("by"), value.get("signature")
    if type(maker) is not str or type(holder) is not str or type(signature) is not bytes:
        return False
    return desk.receipts.get(maker, {}).get(holder) == signature


def is_known_vote(instance: Instance, value: object) -> bool:
    """Whether we hold this very vote of the height under way."""
    if type(value) is not list or [type(part) for part in value] != [str, str, bytes, bytes]:
        return False
    purpose, member, body, signature = value
    if purpose not in VOTES:
        return False
    return any(
        votes.get(member, (b"", b""))[1] == signature
        and body == vote_body(instance.height, view, votes[member][0])
        for (kind, view), votes in instance.votes.items()
        if kind == purpose
    )


def is_known_transaction(pool: Mapping[tuple[str, str], Signed], value: object) -> bool:
    """Whether this very transaction waits already."""
    if type(value) is not list or [type(part) for part in value] != [str, str, bytes, bytes]:
        return False
    signed = pool.get((value[0], value[1]))
    return signed is not None and signed.to_value() == value
