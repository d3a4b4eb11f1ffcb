"""Who the members of this home's swarm are, by what the home itself holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.home import IDENTITY_KEY
from swarm.ledger.genesis import read_genesis
from swarm.signing import NO_SWARM, Ed25519Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.home import Home
    from swarm.ledger.genesis import Member


def known_members(home: Home) -> Iterator[tuple[Member, bool]]:
    """Members, each with whether it is this home's own."""
    me = Ed25519Signer(home.read_key(IDENTITY_KEY), NO_SWARM).member
    genesis, _ = read_genesis(home.genesis_path.read_bytes())
    for member in genesis.members:
        yield member, member.id == me
