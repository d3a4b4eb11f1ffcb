"""The whole ledger as one file that anybody verifies with nothing else (R30).

Without a genesis hash from elsewhere, a file can only prove that it is *internally consistent*:
whoever made all the keys in it could have made it up. With the hash it is *authentic*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger.chain import verify_chain
from swarm.ledger.genesis import verify_genesis
from swarm.protocol import Fields, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Ledger

MAX_EXPORT_BYTES: Final = 1024 * 1024 * 1024
_KEYS: Final = ("format", "genesis", "blocks")
_FORMAT: Final = "murmuration ledger 1"


@dataclass(frozen=True, slots=True)
class Report:
    """What an export proves.

    Attributes:
        genesis: Of the swarm.
        ledger: What its blocks say.
        authentic: Whether the genesis hash was given and fits.
    """

    genesis: Genesis
    ledger: Ledger
    authentic: bool

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        chain = (
            f"{self.ledger.height} blocks, {len(self.ledger.rounds)} round attempts, "
            f"{len(self.genesis.members)} members"
        )
        if self.authentic:
            return f"authentic: {chain}, all signed, on the genesis given"
        return (
            f"internally consistent: {chain}, all signed; whether this is the swarm you mean, "
            f"only its genesis hash can tell: {self.genesis.swarm_id.hex()}"
        )


def export_ledger(genesis: bytes, blocks: Sequence[bytes]) -> bytes:
    """Write a ledger as one file.

    Args:
        genesis: The genesis file, signed by all.
        blocks: Final blocks by height from 1, as `AppendBlock` gave them.
    """
    return codec.encode({"format": _FORMAT, "genesis": genesis, "blocks": list(blocks)})


def verify_export(data: bytes, genesis_hash: bytes | None = None) -> Report:
    """Verify an exported ledger offline; any flipped byte fails.

    Args:
        data: The file.
        genesis_hash: Swarm id known from elsewhere.

    Raises:
        LedgerError: It does not verify, with the place; or it is another swarm's.
    """
    try:
        fields = Fields(codec.decode(data, MAX_EXPORT_BYTES), "ledger export", _KEYS)
        if fields.text("format", 64) != _FORMAT:
            raise refuse(f"a ledger export whose format is not {_FORMAT!r}")
        genesis_file = fields.data("genesis", 1, longest=len(data))
        blocks = fields.items("blocks", len(data))
        if any(type(block) is not bytes for block in blocks):
            raise refuse("a ledger export whose blocks are not bytes")
    except RemoteProtocolError as cause:
        raise LedgerError(f"This is no intact ledger export: {cause}.") from cause
    genesis = verify_genesis(genesis_file)
    if genesis_hash is not None and genesis.swarm_id != genesis_hash:
        raise LedgerError(
            f"This ledger is of swarm {genesis.swarm_id.hex()}, "
            f"not of the one asked for, {genesis_hash.hex()}."
        )
    return Report(genesis, verify_chain(genesis, blocks), genesis_hash is not None)
