"""What a change of the members will do, in sentences: what every `--dry-run` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm.ledger.carry import read_carry
from swarm.ledger.membership import ADD, CARRY, MOVE, REMOVE, ROTATE, is_approved, preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swarm.ledger.membership import Change
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger
    from swarm.protocol import Signatures


def describe(ledger: Ledger, change: Change, approvals: Signatures) -> Iterator[str]:
    """Sentences about a change that may come next.

    Args:
        ledger: As it is now.
        change: What is to happen.
        approvals: Who has signed so far.
    """
    before, after = ledger.roster, preview(ledger, change).roster
    yield _headline(before, change)
    if change.reason:
        yield f"Reason given: {change.reason}"
    yield (
        f"Members {len(before.ids)} -> {len(after.ids)}, quorum {before.quorum} -> {after.quorum}, "
        f"may lie or fail {before.tolerates} -> {after.tolerates}."
    )
    if after.tolerates == 0:
        yield "From then on agreement assumes that no member lies (R22)."
    yield from _consequences(ledger, change, after)
    yield (
        "In force from the block after the one that says so, never inside a round; it expires at "
        f"height {change.until} (now {ledger.height}) and works once."
    )
    if ledger.current is not None:
        yield f"Round {ledger.current.opening.round} is under way: this waits for its end."
    yield _signatures(before, change, approvals)


def _headline(before: Roster, change: Change) -> str:
    name = before.names.get(change.member, change.member)
    if change.kind == ADD:
        who = change.newcomer
        role = "member" if who.contributes else "witness (votes, contributes nothing)"
        return f"Add {who.name} ({who.id}), at {', '.join(who.addresses)}, as a {role}."
    if change.kind == REMOVE:
        return f"Remove {name} ({change.member})."
    if change.kind == ROTATE:
        return f"Replace the key of {name}: {change.member} -> {change.newcomer.id}."
    if change.kind == CARRY:
        carry = read_carry(change.request)
        count = sum(len(blobs) for _, _, blobs in carry.members)
        return (
            f"Take over what the swarm {carry.swarm.hex()[:16]}… had merged at height "
            f"{carry.height}: {count} contribution(s) of {len(carry.members)} member(s)."
        )
    if change.kind == MOVE:
        return f"{name} is reached at {', '.join(change.addresses)} from now on."
    return f"{name} {'becomes an anchor' if change.flag else 'is an anchor no more'} (R34)."


def _consequences(ledger: Ledger, change: Change, after: Roster) -> Iterator[str]:
    if change.kind == ADD:
        yield (
            f"Until the newcomer's peer runs and has caught up, {after.quorum} of the other "
            f"{len(after.ids) - 1} must be up to decide. It gets the whole history, checked from "
            "genesis, and all contributions, and computes the model itself."
        )
    elif change.kind == REMOVE:
        yield from _about_sums(ledger, change)
    elif change.kind == ROTATE:
        yield (
            "What it has contributed stays one member's. A signature by the old key counts only "
            "below the height of the change; its peer goes on under the new key by itself."
        )
    elif change.kind == CARRY:
        yield (
            "A merge of them follows at once; with the same anchors the model's digest is the one "
            "from before. Spend logs and marks are at home, and count in every swarm (R2, R3)."
        )
    elif change.kind == MOVE:
        yield "Peers that run dial the new address at their next attempt."
    elif change.flag:
        yield (
            "An anchor may hold more than half of any cell: it can promote what it likes. The next "
            "merge is computed with it."
        )
    else:
        yield "The next merge caps it at what all others together support."


def _about_sums(ledger: Ledger, change: Change) -> Iterator[str]:
    first = ledger.roster.origin(change.member)
    count = len(ledger.accepted.get(first, ()))
    if not count:
        yield "It has contributed nothing to the model."
    elif change.flag:
        yield (
            f"Its {count} contribution(s) are taken out: a merge without them follows at once and "
            "HEAD moves (R29). Noised vectors already sent stay sent: members may keep copies."
        )
    else:
        yield f"Its {count} contribution(s) stay in the model; --drop takes them out (R29)."
    updates = sum(who == first for merged in ledger.updates for who, _ in merged)
    if updates:
        yield (
            f"Its {updates} update(s) of the network stay in it, with --drop, too: what others "
            "sent later was trained on what they had become, so nothing would take their influence "
            "out. A swarm founded anew takes over statistics only, and trains from nothing."
        )


def _signatures(before: Roster, change: Change, approvals: Signatures) -> str:
    signed = [before.names[who] for who, _ in approvals if who in before.by_id]
    shown = ", ".join(signed) or "nobody"
    if is_approved(before, change, approvals):
        return f"Signed by {shown}: enough."
    alone = f", or {before.names[change.member]} alone" if change.kind in {REMOVE, MOVE} else ""
    missing = sorted(before.names[who] for who in before.ids if before.names[who] not in signed)
    return (
        f"Signed by {shown}; {before.quorum} of {len(before.ids)} are needed{alone}. "
        f"Not yet: {', '.join(missing)}."
    )
