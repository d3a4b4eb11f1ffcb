"""How members change: one change a block, by quorum, in force from the next height (R27).

A *change* names what happens, the ledger that its signers looked at (height and hash of its last
block), its number and a height at which it expires; so it works once, in one swarm, and nobody
signs it for an unknown past. A quorum of the present members signs it, each at home after reading
it; who leaves, or moves to another address, need sign alone. It is never put inside a round.

A newcomer makes its key first: its own signed request is part of the change. A new key of a member
counts as that member: what was contributed stays one member's (R34), and a signature by the old
key counts only below the height of the change. With `drop`, what a leaver has contributed is taken
out: the block opens a merge without it, which ends like any other in a MergeResult (R29).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from swarm import codec
from swarm.ledger.carry import MAX_CARRY_BYTES, take_over
from swarm.ledger.genesis import MAX_REQUEST_BYTES, Member, read_request
from swarm.ledger.kinds import AGAIN
from swarm.ledger.rounds import Ledger, Round, compute_next_round
from swarm.ledger.transactions import MAX_CHANGE_BYTES, Membership, RoundOpen
from swarm.protocol import MAX_MEMBERS, MAX_REASON, Fields, refuse

if TYPE_CHECKING:
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Verify
    from swarm.protocol import Signatures

ADD: Final = "add"
REMOVE: Final = "remove"
ROTATE: Final = "rotate"
MOVE: Final = "move"
ANCHOR: Final = "anchor"
CARRY: Final = "carry"
KINDS: Final = (ADD, REMOVE, ROTATE, MOVE, ANCHOR, CARRY)
APPROVAL: Final = "approval"
"""Purpose of a signature over a change."""
MAX_CHANGES: Final = 2**31
MAX_HEIGHT: Final = 2**40
EXIT_CLOSE_SECONDS: Final = 60
_KEYS: Final = (
    "kind",
    "number",
    "member",
    "request",
    "addresses",
    "flag",
    "reason",
    "seen",
    "until",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the members.

    Attributes:
        kind: `add`, `remove`, `rotate` (a new key), `move` (other addresses), `anchor`, `carry`
            (what a swarm founded anew takes over from the one before it).
        number: Which change it is, from 1.
        member: Whom it is about: its id; of a newcomer the new one, of a new key the old one; of a
            carry the swarm before, in hex.
        seen: Height and hash of the last block that its signers looked at.
        until: The last height at which it may stand.
        request: Of a newcomer or of a new key: the request signed by that key; of a carry what is
            taken over (`swarm.ledger.carry`).
        addresses: Of a move.
        flag: Of a removal: drop its sums; of an anchor: whether it is one from now on.
        reason: For people.
    """

    kind: str
    number: int
    member: str
    seen: tuple[int, bytes]
    until: int
    request: bytes = b""
    addresses: tuple[str, ...] = ()
    flag: bool = False
    reason: str = ""

    @property
    def newcomer(self) -> Member:
        """Who asks to come in, or the same member with its new key."""
        return read_request(self.request)


def write_change(change: Change) -> bytes:
    """The bytes that members sign."""
    body: dict[str, Any] = {
        "kind": change.kind,
        "number": change.number,
        "member": change.member,
        "request": change.request,
        "addresses": list(change.addresses),
        "flag": change.flag,
        "reason": change.reason,
        "seen": list(change.seen),
        "until": change.until,
    }
    return codec.encode(body)


def read_change(data: bytes) -> Change:
    """Read a change; whether it may come next is another matter.

    Raises:
        RemoteProtocolError: Damaged, or a field is out of bounds.
    """
    fields = Fields(codec.decode(data, MAX_CHANGE_BYTES), "membership change", _KEYS)
    kind = fields.text("kind", 16)
    if kind not in KINDS:
        raise refuse(f"a membership change of the kind {kind!r}", "R27")
    seen = fields.items("seen", 2)
    if [type(part) for part in seen] != [int, bytes] or not 0 <= seen[0] <= MAX_HEIGHT:
        raise refuse("a membership change whose 'seen' is not a height and a hash", "R27")
    addresses = fields.items("addresses", 8)
    if any(type(a) is not str or not 2 <= len(a) <= 256 or a[0] != "/" for a in addresses):
        raise refuse("a membership change whose addresses are not multiaddresses", "R27")
    return Change(
        kind,
        fields.integer("number", 1, MAX_CHANGES),
        fields.member("member"),
        (seen[0], seen[1]),
        fields.integer("until", 1, MAX_HEIGHT),
        fields.data("request", 0, longest=MAX_CARRY_BYTES if kind == CARRY else MAX_REQUEST_BYTES),
        tuple(addresses),
        fields.flag("flag"),
        fields.text("reason", MAX_REASON, shortest=0),
    )


def is_approved(roster: Roster, change: Change, approvals: Signatures) -> bool:
    """Whether those who must sign a change have; that the signatures are true is another matter."""
    signers = {member for member, _ in approvals if member in roster.by_id}
    alone = change.kind in {REMOVE, MOVE} and change.member in signers
    return alone or len(signers) >= roster.quorum


def change_members(ledger: Ledger, transaction: Membership, verify: Verify) -> Ledger:
    """The ledger after a change of its members; they are in force from the next height.

    Raises:
        RemoteProtocolError: It may not come next; the message says why.
    """
    change = read_change(transaction.change)
    roster = ledger.roster
    if transaction.number != change.number or change.number != roster.changes + 1:
        raise refuse(
            f"membership change {change.number}; next is {roster.changes + 1}: each works once, so "
            "make it again",
            "R27",
        )
    if ledger.current is not None or compute_next_round(ledger)[1] > 1:
        raise refuse("a membership change inside a round; it waits for its end", "R27")
    if not change.seen[0] < ledger.height <= change.until:
        raise refuse(
            f"a membership change for heights {change.seen[0] + 1} to {change.until} at height "
            f"{ledger.height}",
            "R27",
        )
    for member, signature in transaction.approvals:
        known = member in roster.by_id
        if not known or not verify(member, APPROVAL, transaction.change, signature):
            raise refuse(f"a membership change with a false approval of {member[:64]}", "R27")
    if not is_approved(roster, change, transaction.approvals):
        raise refuse(
            f"a membership change approved by {len(transaction.approvals)} members, "
            f"{roster.quorum} are needed",
            "R27",
        )
    return preview(ledger, change)


def preview(ledger: Ledger, change: Change) -> Ledger:
    """What the ledger will say after a change, whoever has approved of it.

    Raises:
        RemoteProtocolError: The change cannot be.
    """
    if change.kind == CARRY:
        taken = take_over(ledger, change.request)
        return _merge_again(taken, taken)
    changed = {ADD: _add, REMOVE: _remove, ROTATE: _rotate, MOVE: _move, ANCHOR: _set_anchor}[
        change.kind
    ](ledger.roster, change)
    _check(changed)
    grown = replace(ledger, roster=changed)
    return _drop_sums(ledger, grown, change) if change.kind == REMOVE and change.flag else grown


def _present(roster: Roster, change: Change) -> Member:
    member = roster.by_id.get(change.member)
    if member is None:
        raise refuse(f"a change of {change.member[:64]}, who is no member", "R27")
    return member


def _without(roster: Roster, member: Member) -> list[Member]:
    return [other for other in roster.members if other.id != member.id]


def _add(roster: Roster, change: Change) -> Roster:
    newcomer = change.newcomer
    if newcomer.id != change.member or newcomer.id in roster.names:
        raise refuse(f"a new member {newcomer.name!r} whose key is not a new one", "R27")
    return roster.with_members([*roster.members, newcomer])


def _remove(roster: Roster, change: Change) -> Roster:
    member = _present(roster, change)
    return roster.with_members(_without(roster, member), member)


def _rotate(roster: Roster, change: Change) -> Roster:
    member, fresh = _present(roster, change), change.newcomer
    if fresh.id in roster.names:
        raise refuse(f"a new key of {member.name!r} that was a member's before", "R27")
    after = replace(member, id=fresh.id)
    origins = {**dict(roster.origins), fresh.id: roster.origin(member.id)}
    grown = roster.with_members([*_without(roster, member), after], member)
    return replace(grown, origins=tuple(sorted(origins.items())))


def _move(roster: Roster, change: Change) -> Roster:
    member = _present(roster, change)
    after = replace(member, addresses=change.addresses)
    return roster.with_members([*_without(roster, member), after])


def _set_anchor(roster: Roster, change: Change) -> Roster:
    member = _present(roster, change)
    if member.anchor == change.flag:
        raise refuse(f"a change that leaves {member.name!r} what it is", "R34")
    return roster.with_members([*_without(roster, member), replace(member, anchor=change.flag)])


def _check(roster: Roster) -> None:
    if not 1 <= len(roster.members) <= MAX_MEMBERS:
        raise refuse(f"a membership change to {len(roster.members)} members", "R27")
    if len({member.name for member in roster.members}) != len(roster.members):
        raise refuse("a membership change after which two members have one name", "R27")
    if not roster.contributors:
        raise refuse("a membership change after which nobody contributes", "R27")


def _drop_sums(before: Ledger, after: Ledger, change: Change) -> Ledger:
    """Take a leaver's contributions out, and open the merge without them (R29)."""
    first = before.roster.origin(change.member)
    left = {who: blobs for who, blobs in before.accepted.items() if who != first}
    if first not in before.accepted or before.head is None:
        return after
    if not left:
        raise refuse("an exit that would leave no contribution to merge; keep the sums", "R29")
    return _merge_again(before, replace(after, accepted=left))


def _merge_again(before: Ledger, after: Ledger) -> Ledger:
    """Open the merge of what is to be merged now; it is closed already, and nobody is asked."""
    number, attempt = compute_next_round(before)
    opening = RoundOpen(
        number,
        attempt,
        AGAIN,
        before.head.digest if before.head else b"",
        before.roster.manifest_digest,
        "",
        (),
        EXIT_CLOSE_SECONDS,
    )
    merging = Round(
        opening,
        before.height,
        outcome="closed",
        closed_height=before.height,
        anchors=after.roster.anchor_origins,
    )
    return replace(after, rounds=(*before.rounds, merging))
