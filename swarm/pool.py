"""Transactions on their way into a block, and what consensus asks about blocks.

Members send RoundOpen, Commit and Abstain to all; each waits in everybody's pool until it is final
or can no longer be. CloseSet, MergeResult and RoundVoid are made by whoever leads a view, from
what it sees itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.ledger.apply import apply_transaction
from swarm.ledger.blocks import read_block, write_block
from swarm.ledger.transactions import MEMBERSHIP, read_transaction, write_transaction
from swarm.protocol import sign
from swarm.rounds import agrees, compute_wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm.consensus.instance import Seat
    from swarm.ledger.rounds import Ledger
    from swarm.ledger.transactions import Transaction
    from swarm.protocol import Signed
    from swarm.rounds import Patience
    from swarm.state import State

POOLED: Final = ("round-open", "commit", "abstain", MEMBERSHIP)
Pool = dict[tuple[str, str], "Signed"]


def next_ledger(ledger: Ledger) -> Ledger:
    """The ledger as the next block's transactions see it."""
    return replace(ledger, height=ledger.height + 1)


def apply_signed(seat: Seat, ledger: Ledger, signed: Signed) -> Ledger:
    """The ledger after a verified transaction.

    Raises:
        RemoteProtocolError: It may not come next.
    """
    transaction = read_transaction(signed)
    verify = seat.signer.verify
    return apply_transaction(ledger, transaction, signed.member, verify)


def add_transaction(
    seat: Seat, ledger: Ledger, pool: Mapping[tuple[str, str], Signed], signed: Signed
) -> Mapping[tuple[str, str], Signed]:
    """Keep a transaction that may come next; one of each purpose and member.

    What may not come next is most often late or early, not hostile: it is dropped in silence.
    """
    key = (signed.purpose, signed.member)
    if pool.get(key) == signed or not _may_come(seat, ledger, signed):
        return pool
    return {**pool, key: signed}


def prune(
    seat: Seat, ledger: Ledger, pool: Mapping[tuple[str, str], Signed]
) -> Mapping[tuple[str, str], Signed]:
    """Drop what can no longer come next."""
    return {key: pool[key] for key in sorted(pool) if _may_come(seat, ledger, pool[key])}


def _may_come(seat: Seat, ledger: Ledger, signed: Signed) -> bool:
    try:
        apply_signed(seat, next_ledger(ledger), signed)
    except RemoteProtocolError:
        return False
    return True


@dataclass(frozen=True)
class Content:
    """Answers what consensus asks about blocks (`swarm.consensus.simplex.Judge`)."""

    seat: Seat
    state: State
    patience: Patience

    @cached_property
    def wish(self) -> Transaction | None:
        """What we would put on the ledger about the round."""
        state = self.state
        return compute_wish(self.seat, state.ledger, state.desk, state.now_ms, self.patience)

    def has_wish(self) -> bool:
        """Whether we hold a transaction, so that a height must start."""
        return bool(self.state.pool) or self.wish is not None

    def build(self) -> bytes | None:
        """A fresh block to propose: our own wish alone, or all that wait and fit together.

        While a round is open what waits goes first (P18): if views were slow, who has sent its
        Commit in time is not left out for it. Each member has one answer, so a close-set waits for
        at most as many blocks as there are members.
        """
        ledger = self.state.ledger
        is_open = ledger.current is not None and ledger.current.outcome == "open"
        chosen = self._choose() if self.wish is None or is_open else []
        if not chosen and self.wish is not None:
            purpose, body = write_transaction(self.wish)
            chosen = [sign(self.seat.signer, self.seat.me, purpose, body)]
        return write_block(ledger.height + 1, ledger.tip, chosen) if chosen else None

    def _choose(self) -> list[Signed]:
        ledger = next_ledger(self.state.ledger)
        chosen = []
        for key in sorted(self.state.pool):
            signed = self.state.pool[key]
            try:
                ledger = apply_signed(self.seat, ledger, signed)
            except RemoteProtocolError:
                continue  # it may come next, but not after those already chosen
            if signed.purpose == MEMBERSHIP:
                return [signed]  # alone in its block (R27)
            chosen.append(signed)
        return chosen

    def agrees(self, block: bytes) -> bool:
        """Whether our own timer and our own merge support a fresh block (R24, R25)."""
        parsed = self.state.blocks.get(codec.digest(block))
        if parsed is None:
            parsed = read_block(block, self.seat.signer.verify)
        state = self.state
        return all(
            agrees(self.seat, state.ledger, state.desk, state.now_ms, self.patience, transaction)
            for _, transaction in parsed.transactions
        )
