"""A member that lies in every way we could think of, with its own key only.

It runs the honest core, so that it is always in the middle of things, and then

- proposes one block to some and another to the rest, and votes for everything it sees;
- announces a wrong merge, and proposes it;
- withholds its contribution from all but one, gives receipts for what it does not hold, and
  forges receipts of others;
- sends garbage: random bytes, and true messages with a flipped bit or cut short;
- never crashes, and answers to no invariant.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from swarm import codec, events
from swarm.consensus.messages import FINALIZE, NOTARIZE, NULLIFY, proposal_body
from swarm.desk import Receipt, write_receipt
from swarm.errors import RemoteProtocolError
from swarm.ledger.blocks import NO_BLOCK, vote_body, write_block
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    MergeResult,
    RoundOpen,
    RoundVoid,
    read_transaction,
    receipt_body,
    write_transaction,
)
from swarm.protocol import Signed, sign
from swarm.simulation.host import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.events import Effect, Event
    from swarm.ledger.transactions import Transaction


class Liar(Host):
    """A lying member."""

    def step(self, event: Event) -> None:
        """As an honest one, but with a false merge, and a word on everything it hears."""
        if self.node is None:
            return
        if isinstance(event, events.MergeComputed):
            wrong = codec.digest(event.digest)
            event = events.MergeComputed(event.round, event.attempt, wrong)
        if isinstance(event, events.Received):
            with suppress(RemoteProtocolError, IndexError, TypeError):  # another liar's garbage
                self._vote_for_everything(event.message)
        for effect in self.node.step(event):
            self.perform(effect)

    def perform(self, effect: Effect) -> None:
        """As an honest one, but unchecked, and unfaithfully."""
        match effect:
            case events.Persist():
                self.disk.log.append(effect.record)
            case events.AppendBlock():
                self.disk.blocks.append(effect.block)
            case events.MoveHead():
                self.point(effect)
            case events.Note():
                pass
            case _:
                super().perform(effect)

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Send to each receiver the message, another one, or garbage as well."""
        rng = self._world.rng
        other = self._twist(message)
        for receiver in receivers:
            is_deceived = other is not None and rng.random() < 0.5
            chosen = other if other is not None and is_deceived else message
            self._world.send(self.me, receiver, chosen)
            if rng.random() < 0.1:
                self._world.send(self.me, receiver, self._garbage(message))

    def serves(self, blob: bytes, asker: str) -> bytes | None:
        """Give our own contribution to one member only."""
        if blob in self.disk.own.values() and asker != self.genesis.ids[-1]:
            return None
        return super().serves(blob, asker)

    def _garbage(self, message: bytes) -> bytes:
        rng = self._world.rng
        kind = rng.randrange(3)
        if kind == 0:
            return rng.randbytes(rng.randrange(200))
        if kind == 1:
            return message[: rng.randrange(len(message))]
        at = rng.randrange(len(message))
        return message[:at] + bytes([message[at] ^ (1 << rng.randrange(8))]) + message[at + 1 :]

    def _twist(self, message: bytes) -> bytes | None:
        """Another message for some receivers, as convincing as our key can make it."""
        value = codec.decode(message, 1 << 20)
        if value[0] == "proposal" and value[1][1] == self.me:
            return self._other_proposal(value[1])
        if value[0] == "receipt":
            return self._forged_receipt(value[1])
        return None

    def _other_proposal(self, signed: Sequence[Any]) -> bytes | None:
        body = codec.decode(signed[2], 1 << 20)
        block = codec.decode(body["block"], 1 << 20)
        entries = [Signed(*entry) for entry in block["transactions"]]
        twisted = self._other_transaction(read_transaction(entries[0]))
        if twisted is None:
            return None
        purpose, value = write_transaction(twisted)
        mine = sign(self.signer, self.me, purpose, value)
        other = write_block(block["height"], block["previous"], [mine])
        lie = proposal_body(body["height"], body["view"], 0, other)
        signed_lie = sign(self.signer, self.me, "proposal", lie)
        return codec.encode(["proposal", signed_lie.to_value()])

    def _other_transaction(self, transaction: Transaction) -> Transaction | None:
        """Something else that may come next, as far as the ledger alone can say."""
        key = (transaction.round, transaction.attempt)
        match transaction:
            case RoundOpen():
                return RoundOpen(
                    *key,
                    transaction.kind,
                    transaction.base,
                    transaction.manifest,
                    "2030-01-01",
                    transaction.expected,
                    transaction.close_after_seconds,
                )
            case Commit():
                return Abstain(*key, "two-faced")
            case CloseSet():
                return RoundVoid(*key, "no contribution was complete in time")
            case MergeResult():
                return MergeResult(*key, codec.digest(b"lie" + transaction.digest))
            case Abstain() | RoundVoid():
                return None

    def _forged_receipt(self, value: dict[str, Any]) -> bytes:
        """A receipt in another member's name."""
        return codec.encode(["receipt", {**value, "by": self.genesis.ids[0]}])

    def _vote_for_everything(self, message: bytes) -> None:
        """Notarise, finalise and nullify whatever others speak of; claim to hold every blob."""
        value = codec.decode(message, 1 << 20)
        if value[0] == "vote" and value[1][0] == NOTARIZE:
            height, view, block = codec.decode(value[1][2], 1 << 10)
            for purpose, named in ((NOTARIZE, block), (FINALIZE, block), (NULLIFY, NO_BLOCK)):
                self._vote(purpose, height, view, named)
        if value[0] == "transaction" and value[1][0] == "commit":
            self._claim(Signed(*value[1]))

    def _vote(self, purpose: str, height: int, view: int, block: bytes) -> None:
        body = vote_body(height, view, block)
        vote = [purpose, self.me, body, self.signer.sign(purpose, body)]
        message = codec.encode(["vote", vote])
        for receiver in self.genesis.ids:
            if receiver != self.me and self._world.rng.random() < 0.5:
                self._world.send(self.me, receiver, message)

    def _claim(self, signed: Signed) -> None:
        commit = read_transaction(signed)
        if not isinstance(commit, Commit):
            return
        key = (commit.round, commit.attempt)
        body = receipt_body(*key, signed.member, commit.blob)
        signature = self.signer.sign("receipt", body)
        receipt = Receipt(key, signed.member, commit.blob, self.me, signature)
        message = codec.encode(["receipt", write_receipt(receipt)])
        for receiver in self.genesis.ids:
            if receiver != self.me:
                self._world.send(self.me, receiver, message)
