"""A member that lies in every way we could think of at once, with its own key only.

`TwoFaced` runs the honest core, so that it is always in the middle of things, and then

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
    Membership,
    MergeResult,
    RoundOpen,
    RoundVoid,
    key_of,
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


class Unchecked(Host):
    """A member that answers to no invariant and never crashes; so far it does not lie."""

    def step(self, event: Event, now_ms: int) -> None:
        """Let something happen."""
        if self.node is None:
            return
        self._now_ms = now_ms
        for effect in self.node.step(event, self.local_ms(now_ms)):
            self.perform(effect)
        self.follow()

    def perform(self, effect: Effect) -> None:
        """As an honest one, but unchecked."""
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
        """Send a message."""
        for receiver in receivers:
            self._world.send(self.me, receiver, message)

    def lied(self, name: str) -> None:
        """Count a lie."""
        self._world.injected[name] += 1


class TwoFaced(Unchecked):
    """Lies in every way that its own key allows, at once."""

    def step(self, event: Event, now_ms: int) -> None:
        """As an honest one, but with a false merge, and a word on everything it hears."""
        if self.node is None:
            return
        if isinstance(event, events.MergeComputed):
            wrong = codec.digest(event.digest)
            event = events.MergeComputed(event.round, event.attempt, wrong)
            self.lied("lie: false merge")
        if isinstance(event, events.Received):
            with suppress(RemoteProtocolError, IndexError, TypeError):  # another liar's garbage
                self._vote_for_everything(event.message)
        super().step(event, now_ms)

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Send to each receiver the message, another one, or garbage as well."""
        rng = self._world.rng
        other = self._twist(message)
        for receiver in receivers:
            is_deceived = other is not None and rng.random() < 0.5
            chosen = other if other is not None and is_deceived else message
            self._world.send(self.me, receiver, chosen)
            if is_deceived:
                self.lied("lie: two faces")
            if rng.random() < 0.1:
                self._world.send(self.me, receiver, self._garbage(message))
                self.lied("lie: garbage")

    def serves(self, blob: bytes, asker: str) -> bytes | None:
        """Give our own contribution to one member only."""
        if self.disk.blobs.get(blob) in self.disk.own.values() and asker != self.others[-1]:
            self.lied("lie: withheld blob")
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
        return self.make_proposal(body["height"], body["view"], body["block"])

    def make_proposal(self, height: int, view: int, block: bytes) -> bytes | None:
        """A proposal of another block than this one, as if nothing had been notarised before."""
        value = codec.decode(block, 1 << 20)
        twisted = self._other_transaction(read_transaction(Signed(*value["transactions"][0])))
        if twisted is None:
            return None
        mine = sign(self.signer, self.me, *write_transaction(twisted))
        other = write_block(value["height"], value["previous"], [mine])
        signed = sign(self.signer, self.me, "proposal", proposal_body(height, view, 0, other))
        return codec.encode(["proposal", signed.to_value()])

    def _other_transaction(self, transaction: Transaction) -> Transaction | None:
        """Something else that may come next, as far as the ledger alone can say."""
        key = key_of(transaction)
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
            case Abstain() | RoundVoid() | Membership():
                return None

    def _forged_receipt(self, value: dict[str, Any]) -> bytes:
        """A receipt in another member's name."""
        self.lied("lie: forged receipt")
        return codec.encode(["receipt", {**value, "by": self.others[0]}])

    def _vote_for_everything(self, message: bytes) -> None:
        """Notarise, finalise and nullify whatever others speak of; claim to hold every blob."""
        value = codec.decode(message, 1 << 20)
        if value[0] == "vote" and value[1][0] == NOTARIZE:
            height, view, block = codec.decode(value[1][2], 1 << 10)
            self.lied("lie: vote for everything")
            for purpose, named in ((NOTARIZE, block), (FINALIZE, block), (NULLIFY, NO_BLOCK)):
                self._vote(purpose, height, view, named)
        if value[0] == "transaction" and value[1][0] == "commit":
            self._claim(Signed(*value[1]))

    def _vote(self, purpose: str, height: int, view: int, block: bytes) -> None:
        body = vote_body(height, view, block)
        vote = [purpose, self.me, body, self.signer.sign(purpose, body)]
        message = codec.encode(["vote", vote])
        for receiver in self.others:
            if self.tells(purpose, height, receiver):
                self._world.send(self.me, receiver, message)

    def tells(self, purpose: str, height: int, receiver: str) -> bool:
        """Whether a member hears a vote of ours."""
        del purpose, height, receiver
        return self._world.rng.random() < 0.5

    def _claim(self, signed: Signed) -> None:
        commit = read_transaction(signed)
        if not isinstance(commit, Commit):
            return
        key = (commit.round, commit.attempt)
        body = receipt_body(*key, signed.member, commit.blob)
        signature = self.signer.sign("receipt", body)
        receipt = Receipt(key, signed.member, commit.blob, self.me, signature)
        message = codec.encode(["receipt", write_receipt(receipt)])
        for receiver in self.others:
            self._world.send(self.me, receiver, message)
