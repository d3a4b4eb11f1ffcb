"""What a member has of the work in hand, said in one short message, and what it lacks (P25).

Repeating everything to everybody drowns a large or busy swarm: the work of a round is of the order
of members cubed, and whoever is slow to read is sent it again. So members repeat only what they
have; whoever hears that sends what is missing, its own things always, others' things if asked to.
A few members are asked at a time, in turn: everybody is in the end.

The message is `["have", height, gap, view, has proposal, votes, waiting, round, receipts, asked]`:

- `gap`: the earliest view from which certificates would help; `view`: the one under way;
- `votes`: of the last two views, `[purpose, view, holders]`, the purpose by its place in `VOTES`;
- `waiting`: the first bytes of the hash of each transaction that is held and not final;
- `round`: `[round, attempt]` if one is open, and in `receipts` for each member as a maker who has
  signed that it holds its contribution;
- `asked`: who shall send others' things too.

Sets of members are integers, bit `i` for the `i`-th of the sorted members.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from swarm import codec
from swarm.consensus.messages import FINALIZE, VOTES, write_vote
from swarm.consensus.simplex import certificate_message
from swarm.desk import Receipt, write_receipt
from swarm.ledger.blocks import MAX_HEIGHT, MAX_VIEW
from swarm.protocol import MAX_MEMBERS, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from swarm.consensus.instance import Key, Seat
    from swarm.protocol import Signed
    from swarm.state import State

PARTS: Final = 10
"""Of the message."""
ASKED_AT_ONCE: Final = 3
"""Members that are asked for others' things at a time."""
MAX_POINTS_SENT: Final = 64
_HASH_BYTES: Final = 8
_MAX_WAITING: Final = 4 * MAX_MEMBERS
_VIEWS: Final = 2
_ALL: Final = (1 << MAX_MEMBERS) - 1


@dataclass(frozen=True, slots=True)
class Have:
    """What a member says that it has; see the module."""

    height: int
    gap: int
    view: int
    has_proposal: bool = False
    votes: Mapping[Key, int] = field(default_factory=dict)
    waiting: frozenset[bytes] = frozenset()
    round: tuple[int, int] | None = None
    receipts: tuple[int, ...] = ()
    asked: int = 0


def describe(seat: Seat, state: State) -> Have:
    """What we have, and whom we ask this time."""
    instance, ids = state.instance, seat.genesis.ids
    current = state.ledger.current
    is_open = current is not None and current.outcome == "open"
    votes = {
        key: _mask(ids, held)
        for key, held in sorted(instance.votes.items())
        if instance.view - _VIEWS < key[1] <= instance.view
    }
    nobody: Mapping[str, bytes] = {}
    held = [_mask(ids, state.desk.receipts.get(maker, nobody)) for maker in ids]
    others = [member for member in ids if member != seat.me]
    first = ASKED_AT_ONCE * state.peers.said
    chosen = {others[(first + i) % len(others)] for i in range(ASKED_AT_ONCE)} if others else ()
    return Have(
        instance.height,
        instance.gap(),
        instance.view,
        instance.view in instance.proposals,
        votes,
        frozenset(_short(signed) for signed in state.pool.values()),
        current.key if current is not None and is_open else None,
        tuple(held) if is_open else (),
        _mask(ids, chosen),
    )


def write_have(have: Have) -> bytes:
    """The message."""
    votes = [[VOTES.index(key[0]), key[1], mask] for key, mask in sorted(have.votes.items())]
    return codec.encode(
        [
            *("have", have.height, have.gap, have.view, have.has_proposal),
            votes,
            sorted(have.waiting)[:_MAX_WAITING],
            list(have.round or ()),
            list(have.receipts),
            have.asked,
        ]
    )


def read_have(value: list[Any]) -> Have:
    """Read the message.

    Args:
        value: Decoded, of `PARTS` parts.

    Raises:
        RemoteProtocolError: A part is of another form or out of bounds.
    """
    _, height, gap, view, has_proposal, votes, waiting, number, receipts, asked = value
    fits = (
        _is_within(height, MAX_HEIGHT, low=1)
        and _is_within(view, MAX_VIEW, low=1)
        and _is_within(gap, view, low=1)
        and type(has_proposal) is bool
        and _are_votes(votes)
        and _is_list(waiting, _MAX_WAITING)
        and all(type(each) is bytes and len(each) == _HASH_BYTES for each in waiting)
        and _is_list(receipts, MAX_MEMBERS)
        and all(_is_within(mask, _ALL) for mask in receipts)
        and _is_list(number, 2)
        and len(number) in {0, 2}
        and all(_is_within(each, 2**31) for each in number)
        and _is_within(asked, _ALL)
    )
    if not fits:
        raise refuse("a have of which a part is out of bounds")
    return Have(
        *(height, gap, view, has_proposal),
        {(VOTES[purpose], at): mask for purpose, at, mask in votes},
        frozenset(waiting),
        (number[0], number[1]) if number else None,
        tuple(receipts),
        asked,
    )


def is_asked_by(seat: Seat, have: Have) -> bool:
    """Whether we shall send others' things, too."""
    return bool(have.asked & _mask(seat.genesis.ids, (seat.me,)))


def compute_missing(seat: Seat, state: State, have: Have) -> list[bytes]:
    """Messages with what another lacks at the height that we both work on."""
    is_asked = is_asked_by(seat, have)
    return [
        *_compute_points(seat, state, have, is_asked=is_asked),
        *_compute_waiting(seat, state, have, is_asked=is_asked),
        *_compute_receipts(seat, state, have, is_asked=is_asked),
    ]


def _compute_points(seat: Seat, state: State, have: Have, *, is_asked: bool) -> list[bytes]:
    """Certificates from the gap on; our own votes and the proposal, if they are not seen there."""
    instance = state.instance
    mine = _mask(seat.genesis.ids, (seat.me,))
    certified = [key for key in sorted(instance.certificates) if key[0] != FINALIZE]
    helpful = [key for key in certified if is_asked and key[1] >= have.gap]
    points = [certificate_message(instance, key) for key in helpful]
    seen = {key for key, mask in have.votes.items() if mask & mine}
    votes = [
        codec.encode(["vote", write_vote(instance.mine[key])])
        for key in sorted(instance.mine)
        if key not in seen and key[1] > min(have.gap - 1, have.view - _VIEWS) and key not in helpful
    ]
    proposal = instance.proposals.get(have.view)
    is_ours = proposal is not None and proposal.signed.member == seat.me
    if proposal is not None and not have.has_proposal and (is_ours or is_asked):
        votes.append(codec.encode(["proposal", proposal.signed.to_value()]))
    return points[:MAX_POINTS_SENT] + votes[:MAX_POINTS_SENT]


def _compute_waiting(seat: Seat, state: State, have: Have, *, is_asked: bool) -> list[bytes]:
    return [
        codec.encode(["transaction", state.pool[key].to_value()])
        for key in sorted(state.pool)
        if (is_asked or key[1] == seat.me) and _short(state.pool[key]) not in have.waiting
    ]


def _compute_receipts(seat: Seat, state: State, have: Have, *, is_asked: bool) -> list[bytes]:
    """For makers with too few receipts there: ours, and if asked to, as many as it takes.

    R24 makes a member insist on those whose receipts it holds: it must get them.
    """
    current, ids = state.ledger.current, seat.genesis.ids
    if current is None or have.round != current.key or len(have.receipts) != len(ids):
        return []
    messages = []
    for maker, mask in zip(ids, have.receipts, strict=True):
        held = state.desk.receipts.get(maker, {})
        lacks = seat.genesis.receipts_needed - mask.bit_count()
        missing = [who for i, who in enumerate(ids) if who in held and not mask >> i & 1]
        for who in sorted(missing, key=lambda who: who != seat.me)[: max(lacks, 0)]:
            if is_asked or who == seat.me:
                blob = current.commits[maker].blob
                receipt = Receipt(current.key, maker, blob, who, held[who])
                messages.append(codec.encode(["receipt", write_receipt(receipt)]))
    return messages


def _mask(ids: Sequence[str], members: Iterable[str]) -> int:
    chosen = set(members)
    return sum(1 << place for place, member in enumerate(ids) if member in chosen)


def _short(signed: Signed) -> bytes:
    return codec.digest(codec.encode(signed.to_value()))[:_HASH_BYTES]


def _is_within(value: object, high: int, *, low: int = 0) -> bool:
    return type(value) is int and low <= value <= high


def _is_list(value: object, longest: int) -> bool:
    return type(value) is list and len(value) <= longest


def _are_votes(votes: Any) -> bool:  # noqa: ANN401 - foreign
    return _is_list(votes, len(VOTES) * _VIEWS) and all(
        _is_list(each, 3)
        and len(each) == 3
        and _is_within(each[0], len(VOTES) - 1)
        and _is_within(each[1], MAX_VIEW, low=1)
        and _is_within(each[2], _ALL)
        for each in votes
    )
