"""What of the vote log may be forgotten: what is about heights that are final on our disk (R26).

P29: a final height is never voted on again, so its votes can contradict nothing. Were the ledger
shorter than that one day, a new vote there could: so the log keeps the height up to which it was
pruned, and a peer whose ledger is shorter does not start unless told that its disk was restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.protocol import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST: Final = 1_000
"""Records that must go before it is worth writing the log anew."""
PRUNED: Final = "pruned"
_STANDING: Final = ("passive", "active")


def prune_log(log: Sequence[bytes], height: int, fewest: int = FEWEST) -> tuple[bytes, ...] | None:
    """The vote log without what is about heights that are final.

    Args:
        log: All records, oldest first.
        height: Of the last block that is durable on this disk.
        fewest: Records that must go, or nothing is changed.

    Returns:
        The records that stay, oldest first; None where it is not worth it, or where a record is
        damaged, which starting says better.
    """
    try:
        values: list[Any] = [codec.decode(record, MAX_MESSAGE_BYTES) for record in log]
        places = [_height(value) for value in values]
    except (RemoteProtocolError, LookupError, TypeError):
        return None
    standing = [at for at, value in enumerate(values) if value[0] in _STANDING]
    kept = [
        record
        for at, (record, place) in enumerate(zip(log, places, strict=True))
        if (place is None or place > height)
        and values[at][0] != PRUNED
        and (values[at][0] not in _STANDING or at == standing[-1])
    ]
    if not log or len(log) - len(kept) < fewest:
        return None
    return (kept[0], codec.encode([PRUNED, height]), *kept[1:])


def _height(value: list[Any]) -> int | None:
    """Height of a proposal, vote or certificate; None of every other record."""
    if value[0] == "proposal":
        return int(codec.decode(value[1][2], MAX_MESSAGE_BYTES)["height"])
    if value[0] == "vote":
        return int(codec.decode(value[1][2], MAX_MESSAGE_BYTES)[0])
    if value[0] == "certificate":
        return int(value[1]["at"][0])
    return None
