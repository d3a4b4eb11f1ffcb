"""Real nodes whose letters wait until a test delivers them: for directed, adversarial schedules.

Random seeds find what is likely; a schedule shows the one order of events in which a broken rule
makes two honest members decide different blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swarm import codec, events
from swarm.consensus.messages import proposal_body
from swarm.ledger.blocks import read_final, vote_body
from swarm.node import Node
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.disk import Disk
from swarm.simulation.scenario import make_genesis
from swarm.state import NodeConfig
from swarm.sync import final_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm.consensus.rules import Rules
    from swarm.events import Effect, Event


@dataclass(frozen=True, slots=True)
class Letter:
    """A message under way.

    Attributes:
        sender: Who sent it.
        receiver: Who may get it.
        kind: `notarize`, `nullify`, `finalize`, or the message's own type.
        view: Of a vote or proposal, else 0.
        message: The bytes.
    """

    sender: str
    receiver: str
    kind: str
    view: int
    message: bytes


class Schedule:
    """Some members, all their letters, and one clock.

    Attributes:
        ids: Member ids, sorted.
        nodes: Honest members that are up.
        disks: What each has persisted.
        letters: What waits to be delivered, oldest first.
        effects: For each member, everything else that its node wanted done.
    """

    def __init__(self, members: int, rules: Rules, honest: Sequence[int]) -> None:
        """Start the honest members, given by index; the others are the test's."""
        self.genesis = make_genesis(members)
        self.ids = self.genesis.ids
        self.nodes: dict[str, Node] = {}
        self.disks = {member: Disk() for member in self.ids}
        self.letters: list[Letter] = []
        self.effects: dict[str, list[Effect]] = {member: [] for member in self.ids}
        self._config = NodeConfig(rules=rules)
        self._now_ms = 0
        for index in honest:
            self.start(index)

    def start(self, index: int) -> None:
        """Start a member, or start it again from its disk."""
        member = self.ids[index]
        signer = SimSigner(member, self.genesis.swarm_id)
        self.nodes[member] = Node(self.genesis, member, signer, self._config)
        disk = self.disks[member]
        self.step(index, events.Started(self._now_ms, tuple(disk.log), tuple(disk.blocks)))

    def crash(self, index: int) -> None:
        """Stop a member; letters to it are lost."""
        member = self.ids[index]
        del self.nodes[member]
        self.letters = [letter for letter in self.letters if letter.receiver != member]

    def step(self, index: int, event: Event) -> None:
        """Let something happen to a member."""
        member = self.ids[index]
        disk = self.disks[member]
        for effect in self.nodes[member].step(event, self._now_ms):
            match effect:
                case events.Persist():
                    disk.log.append(effect.record)
                case events.AppendBlock():
                    disk.blocks.append(effect.block)
                case events.Send() | events.SendBlocks() | events.Broadcast():
                    for receiver, message in self._say(member, effect):
                        self._post(member, receiver, message)
                case _:
                    self.effects[member].append(effect)

    def _say(
        self, member: str, effect: events.Send | events.SendBlocks | events.Broadcast
    ) -> list[tuple[str, bytes]]:
        match effect:
            case events.Send():
                return [(effect.to, effect.message)]
            case events.SendBlocks():
                blocks = self.disks[member].blocks
                return [(effect.to, message) for message in final_messages(blocks, effect.height)]
            case events.Broadcast():
                return [(other, effect.message) for other in self.ids if other != member]

    def tick(self, ms: int) -> None:
        """Let time pass for everybody."""
        self._now_ms += ms
        for member in list(self.nodes):
            self.step(self.ids.index(member), events.Tick(self._now_ms))

    def deliver(self, wanted: Callable[[Letter], bool]) -> int:
        """Deliver the letters that wait and are wanted; those that they cause wait in turn."""
        chosen = [letter for letter in self.letters if wanted(letter)]
        self.letters = [letter for letter in self.letters if not wanted(letter)]
        for letter in chosen:
            if letter.receiver in self.nodes:
                received = events.Received(letter.sender, letter.message)
                self.step(self.ids.index(letter.receiver), received)
        return len(chosen)

    def drain(self, wanted: Callable[[Letter], bool]) -> None:
        """Deliver until nothing wanted waits."""
        while self.deliver(wanted):
            pass

    def request(self, index: int, as_of: str) -> None:
        """Let an operator ask for a round."""
        self.step(index, events.RoundRequested("release", as_of, 60))

    def vote(self, sender: int, receiver: int, purpose: str, view: int, block: bytes) -> None:
        """A liar's vote at height 1, delivered at once."""
        member = self.ids[sender]
        body = vote_body(1, view, block)
        signature = SimSigner(member, self.genesis.swarm_id).sign(purpose, body)
        message = codec.encode(["vote", [purpose, member, body, signature]])
        self.step(receiver, events.Received(member, message))

    def propose(
        self, sender: int, receiver: int, view: int, parent: int, block: bytes, height: int = 1
    ) -> None:
        """A liar's proposal, delivered at once."""
        member = self.ids[sender]
        signer = SimSigner(member, self.genesis.swarm_id)
        signed = sign(signer, member, "proposal", proposal_body(height, view, parent, block))
        message = codec.encode(["proposal", signed.to_value()])
        self.step(receiver, events.Received(member, message))

    def decided(self, index: int) -> list[bytes]:
        """Hashes of the blocks that a member has made final."""
        blocks = self.disks[self.ids[index]].blocks
        return [codec.digest(read_final(block).data) for block in blocks]

    def _post(self, sender: str, receiver: str, message: bytes) -> None:
        value: Any = codec.decode(message, 1 << 20)
        kind, view = value[0], 0
        if kind == "vote":
            kind, view = value[1][0], codec.decode(value[1][2], 1 << 10)[1]
        elif kind == "proposal":
            view = codec.decode(value[1][2], 1 << 20)["view"]
        elif kind == "certificate":
            kind, view = "certificate", value[1]["at"][1]
        self.letters.append(Letter(sender, receiver, kind, view, message))
