"""Who is a member at each height, followed by plain means, and what rests on it (R27).

It reads the bytes of membership blocks and keeps sets of ids; quorums it computes itself. So a
core that counts a vote of somebody who is no member, or changes its quorum a block too early or too
late, is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swarm import codec
from swarm.ledger.blocks import read_final, vote_body

if TYPE_CHECKING:
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Verify

_LONGEST = 1 << 20


class Rosters:
    """The members in force for each height from 1 on."""

    def __init__(self, genesis: Genesis, verify: Verify) -> None:
        """Begin with the founders.

        Args:
            genesis: Of the swarm.
            verify: Verifies signatures.
        """
        self._verify = verify
        self._ids: list[frozenset[str]] = [frozenset(genesis.ids)]

    def at(self, height: int) -> frozenset[str]:
        """Who votes at a height; those before it are known."""
        return self._ids[height - 1]

    def quorum(self, height: int) -> int:
        """Signatures that decide a block of this height (R22)."""
        n = len(self.at(height))
        return (n + (n - 1) // 3) // 2 + 1

    def grow(self, block: bytes) -> None:
        """One more block is final."""
        ids = set(self._ids[-1])
        value: Any = codec.decode(block, _LONGEST)
        for purpose, _, body, _ in value["transactions"]:
            if purpose == "membership":
                change = codec.decode(codec.decode(body, _LONGEST)["change"], _LONGEST)
                if change["kind"] in {"remove", "rotate"}:
                    ids.remove(change["member"])
                if change["kind"] in {"add", "rotate"}:
                    request = codec.decode(change["request"], _LONGEST)
                    ids.add(codec.decode(request[0], _LONGEST)["id"])
        self._ids.append(frozenset(ids))

    def complain(self, height: int, data: bytes) -> str:
        """What is wrong with the certificate of a final block; empty if nothing is."""
        final = read_final(data)
        body = vote_body(height, final.view, codec.digest(final.data))
        signers = {member for member, _ in final.certificate}
        if not signers <= self.at(height):
            return f"block {height} counts votes of {sorted(signers - self.at(height))}"
        if len(signers) < self.quorum(height):
            return f"block {height} rests on {len(signers)} votes, {self.quorum(height)} are needed"
        for member, signature in final.certificate:
            if not self._verify(member, "finalize", body, signature):
                return f"block {height} rests on a false vote of {member}"
        return ""
