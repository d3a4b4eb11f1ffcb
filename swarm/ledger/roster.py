"""The members in force: those of genesis, as the membership blocks so far have changed them (R27).

A roster is what genesis would be if the present members founded the swarm today, with two
exceptions: the swarm id stays, and whoever was a member once is still known by name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

from swarm.ledger.genesis import Genesis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.ledger.genesis import Member


@dataclass(frozen=True)
class Roster(Genesis):
    """Genesis as it is now.

    Attributes:
        founded: The swarm id: hash of the genesis that was signed.
        changes: Membership blocks so far.
        former: Who is no member any more, and earlier keys of those who are.
        origins: For each member that has changed its key: its id and the first one. What it has
            contributed stays under the first, so that it is one member for the cap (R34).
    """

    founded: bytes = b""
    changes: int = 0
    former: tuple[Member, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()

    @cached_property
    def swarm_id(self) -> bytes:
        """Hash of the genesis, whatever has changed since."""
        return self.founded

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by id of all who are or were members."""
        return {member.id: member.name for member in (*self.former, *self.members)}

    def origin(self, member: str) -> str:
        """The first id of a member, under which its contributions are kept."""
        return dict(self.origins).get(member, member)

    def successor(self, member: str) -> str:
        """The id that a member has now, if `member` is an earlier one of it; else empty."""
        if member in self.by_id:
            return ""
        first = self.origin(member)
        return next((one.id for one in self.members if self.origin(one.id) == first), "")

    def with_members(self, members: Sequence[Member], *former: Member) -> Roster:
        """After one more change, with those who were members before it."""
        return replace(
            self,
            members=tuple(sorted(members, key=lambda member: member.id)),
            former=(*self.former, *former),
            changes=self.changes + 1,
        )

    @cached_property
    def anchor_origins(self) -> tuple[str, ...]:
        """First ids of anchors, sorted: contributions are merged by these."""
        return tuple(sorted(self.origin(member) for member in self.anchors))


def first_roster(genesis: Genesis) -> Roster:
    """The members in force before the first change."""
    if isinstance(genesis, Roster):
        return genesis
    same = {field.name: getattr(genesis, field.name) for field in fields(Genesis)}
    return Roster(**same, founded=genesis.swarm_id)
