"""The rules of Simplex on which safety hangs, each one small and replaceable.

Simplex consensus (Chan and Pass 2023, ePrint 2023/463), one instance per height:

1. the leader of view v proposes a block; if an earlier view p was notarised, that view's block;
   every view between must be nullified (`may_skip`);
2. a member notarises at most one block per view, persisted before it is sent (`must_persist`);
3. a quorum (`quorum`) of Notarize lets a member Finalize, unless it has sent Nullify for that view
   (`may_finalise`), and go on to the next view;
4. a view that times out (`timeout_ms`) is nullified, unless the member has sent Finalize for it
   (`may_nullify`); a quorum of Nullify also leads to the next view;
5. a quorum of Finalize decides.

Why that is safe: a quorum of Finalize in v excludes a quorum of Nullify in v, so no later proposal
can skip v, and v has only one notarised block.

Tests replace one rule at a time by a broken one, to show that the suite would notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swarm.ledger import genesis

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

FIRST_TIMEOUT_MS: Final = 2_000
LONGEST_TIMEOUT_MS: Final = 60_000


class Rules:
    """The rules as they are; a subclass may break one on purpose."""

    def quorum(self, members: int) -> int:
        """Signatures that make a certificate (R22)."""
        return genesis.quorum(members)

    def leader(self, ids: Sequence[str], height: int, view: int) -> str:
        """Who proposes in a view: members in turn."""
        return ids[(height + view) % len(ids)]

    def timeout_ms(self, view: int) -> int:
        """How long a view lasts: 2 s, doubling to 60 s."""
        return min(FIRST_TIMEOUT_MS << min(view - 1, 10), LONGEST_TIMEOUT_MS)

    def relay_ms(self) -> int:
        """How long others are given to form a notarisation themselves before it is sent to them."""
        return FIRST_TIMEOUT_MS // 10

    def may_skip(self, view: int, nullified: Container[int]) -> bool:
        """Whether a proposal may pass over an earlier view."""
        return view in nullified

    def may_finalise(self, *, has_nullified: bool) -> bool:
        """Whether a member may send Finalize for a notarised view."""
        return not has_nullified

    def may_nullify(self, *, has_finalised: bool) -> bool:
        """Whether a member may send Nullify for a view that has timed out."""
        return not has_finalised

    def must_persist(self) -> bool:
        """Whether a vote is on disk before it is sent (R26)."""
        return True
