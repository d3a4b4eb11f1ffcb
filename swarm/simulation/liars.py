"""Members that lie in one way each; `make_liar` draws one. The loudest is in `liar`.

| name | what it does |
|---|---|
| `two-faced` | everything at once: see `liar` |
| `fork` | lets one member decide, and proposes something else to the others at once |
| `silent` | never proposes, or never says anything at all |
| `censor` | leaves one member's transactions and contribution out whenever it leads |
| `early` | closes a round at once, with whoever is complete already |
| `replay` | says again, in its own name, what anybody has ever said |
| `withhold` | commits to a contribution and gives it to nobody |
| `malformed` | commits to a contribution of another size than it says |
| `twin` | two processes with one key, each with a disk of its own |
| `old-disk` | starts from an older disk, time and again, and tells nobody |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from swarm import codec, events
from swarm.consensus.messages import FINALIZE, NOTARIZE, proposal_body
from swarm.ledger.blocks import write_block
from swarm.ledger.rounds import compute_out
from swarm.ledger.transactions import CloseSet, Included, write_transaction
from swarm.node import Node
from swarm.protocol import Signed, sign
from swarm.simulation.disk import Disk
from swarm.simulation.liar import TwoFaced, Unchecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.consensus.rules import Rules
    from swarm.events import Event
    from swarm.ledger.genesis import Genesis
    from swarm.simulation.invariants import Invariants
    from swarm.simulation.world import World


class Forker(TwoFaced):
    """Lets one member decide, and proposes something else to the others at once."""

    def __init__(
        self, genesis: Genesis, me: str, world: World, rules: Rules, invariants: Invariants
    ) -> None:
        super().__init__(genesis, me, world, rules, invariants)
        self._forked: set[tuple[int, int]] = set()

    def step(self, event: Event, now_ms: int) -> None:
        """As a two-faced one; and whenever it leads a later view, it begins anew."""
        super().step(event, now_ms)
        if self.node is None:
            return
        instance = self.node._state.instance  # noqa: SLF001 (a liar knows itself)
        point = instance.height, instance.view
        leads = self._config.rules.leader(self.node.roster.ids, *point) == self.me
        if not leads or instance.view == 1 or point in self._forked or not instance.contents:
            return
        self._forked.add(point)
        message = self.make_proposal(*point, min(instance.contents.values()))
        if message is not None:
            self.lied("lie: fork")
            for receiver in self.others:
                self._world.send(self.me, receiver, message)

    def tells(self, purpose: str, height: int, receiver: str) -> bool:
        """All hear that it notarises; one that it finalises; nobody that it nullifies."""
        favourite = self.others[height % len(self.others)]
        return purpose == NOTARIZE or (purpose == FINALIZE and receiver == favourite)


class Silent(Unchecked):
    """Never proposes; half of them say nothing at all."""

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Swallow it."""
        is_mute = self.genesis.ids.index(self.me) % 2 == 0
        if is_mute or codec.decode(message, 1 << 20)[0] == "proposal":
            self.lied("lie: silence")
            return
        super().let_go(message, receivers)


class Proposer(Unchecked):
    """Replaces its own proposals of fresh blocks."""

    def let_go(self, message: bytes, receivers: tuple[str, ...]) -> None:
        """Send another proposal, or none."""
        value = codec.decode(message, 1 << 20)
        if value[0] == "proposal" and value[1][1] == self.me:
            body = codec.decode(value[1][2], 1 << 20)
            if body["parent"] == 0:
                self._propose(body, receivers)
                return
        super().let_go(message, receivers)

    def _propose(self, body: dict[str, Any], receivers: tuple[str, ...]) -> None:
        block = codec.decode(body["block"], 1 << 20)
        entries = self.choose([Signed(*entry) for entry in block["transactions"]])
        if not entries:
            return
        other = write_block(block["height"], block["previous"], entries)
        value = proposal_body(body["height"], body["view"], 0, other)
        signed = sign(self.signer, self.me, "proposal", value)
        super().let_go(codec.encode(["proposal", signed.to_value()]), receivers)

    def choose(self, entries: Sequence[Signed]) -> list[Signed]:
        """The transactions to propose instead."""
        return list(entries)

    def close(self, without: str = "") -> list[Signed]:
        """A CloseSet of whoever is complete already, but for one member; empty if nobody is."""
        if self.node is None:
            return []
        state = self.node._state  # noqa: SLF001 (a liar knows itself)
        current, desk = state.ledger.current, state.desk
        if current is None or current.outcome != "open":
            return []
        roster = self.node.roster
        place = {member: index for index, member in enumerate(roster.ids)}
        needed = roster.receipts_needed
        included = []
        for maker in desk.complete(roster):
            held = desk.receipts[maker]
            chosen = sorted(held, key=place.__getitem__)[:needed]
            receipts = tuple((place[holder], held[holder]) for holder in chosen)
            if maker != without:
                included.append(Included(maker, current.commits[maker].blob, receipts))
        if not included:
            return []
        out = compute_out(current, [entry.member for entry in included])
        purpose, value = write_transaction(CloseSet(*current.key, tuple(included), out))
        return [sign(self.signer, self.me, purpose, value)]


class Censor(Proposer):
    """Leaves one member out of everything it proposes."""

    def choose(self, entries: Sequence[Signed]) -> list[Signed]:
        """Drop the victim's transactions; close without it."""
        victim = self.others[0]
        if any(entry.purpose == "close-set" for entry in entries):
            self.lied("lie: censored")
            return self.close(without=victim)
        kept = [entry for entry in entries if entry.member != victim]
        if len(kept) < len(entries):
            self.lied("lie: censored")
        return kept


class Early(Proposer):
    """Closes as soon as one contribution has its receipts, whoever else is on the way."""

    def choose(self, entries: Sequence[Signed]) -> list[Signed]:
        """Close instead of anything else, if that is possible at all."""
        closing = self.close()
        if closing:
            self.lied("lie: early close")
        return closing or list(entries)


class Replayer(Unchecked):
    """Remembers everything that it hears and says, and says it again to anybody."""

    def __init__(
        self, genesis: Genesis, me: str, world: World, rules: Rules, invariants: Invariants
    ) -> None:
        super().__init__(genesis, me, world, rules, invariants)
        self._heard: list[bytes] = []

    def step(self, event: Event, now_ms: int) -> None:
        """As an honest one, and repeat something old."""
        rng = self._world.rng
        if isinstance(event, events.Received):
            self._heard.append(event.message)
            if rng.random() < 0.3:
                self.lied("lie: replay")
                receiver = rng.choice(self.others)
                self._world.send(self.me, receiver, rng.choice(self._heard))
        super().step(event, now_ms)


class Withholder(Unchecked):
    """Commits, and gives its contribution to nobody."""

    def serves(self, blob: bytes, asker: str) -> bytes | None:
        """Everything but our own."""
        if self.disk.blobs.get(blob) in self.disk.own.values() and asker != self.me:
            self.lied("lie: withheld blob")
            return None
        return super().serves(blob, asker)


class Malformed(Unchecked):
    """Commits to a contribution of another size than it says."""

    def draw(self, order: events.StartContribution) -> bytes:
        """Too short, too long or empty; the Commit says the right size all the same."""
        self.lied("lie: malformed blob")
        size = self._world.rng.choice((0, order.size - 4, order.size + 4))
        return (bytes([order.round]) * size)[:size]


class Twin(Unchecked):
    """Two processes with one key; whatever happens, one of them, or both, take it."""

    def start(self, now_ms: int) -> None:
        """Start both, each on a disk of its own."""
        super().start(now_ms)
        if self.node is not None:
            second = Node(self.genesis, self.me, self.signer, self._config)
            self._others: list[tuple[Node, Disk]] = [(self.node, self.disk), (second, Disk())]
            self.node, self.disk = self._others[1]
            super().step(events.Started(self.local_ms(now_ms)), now_ms)

    def step(self, event: Event, now_ms: int) -> None:
        """One of them, or both."""
        if isinstance(event, events.Started):
            super().step(event, now_ms)
            return
        which = self._world.rng.choice(((0,), (1,), (0, 1)))
        for index in (0, 1) if isinstance(event, events.Tick) else which:
            self.node, self.disk = self._others[index]
            super().step(event, now_ms)
        self.lied("lie: second process")


class OldDisk(Unchecked):
    """Starts from an older disk, time and again, as if nothing had happened."""

    def step(self, event: Event, now_ms: int) -> None:
        """As an honest one, but for a crash now and then, and a disk of a while ago."""
        super().step(event, now_ms)
        rng = self._world.rng
        if self.node is not None and rng.random() < 0.01 and self.disk.log:
            self.disk = self.disk.snapshot()
            del self.disk.log[rng.randrange(1, len(self.disk.log) + 1) :]
            del self.disk.blocks[rng.randrange(len(self.disk.blocks) + 1) :]
            self.lied("lie: old disk")
            self.crash()


_KINDS: Final[dict[str, type[Unchecked]]] = {
    "two-faced": TwoFaced,
    "fork": Forker,
    "silent": Silent,
    "censor": Censor,
    "early": Early,
    "replay": Replayer,
    "withhold": Withholder,
    "malformed": Malformed,
    "twin": Twin,
    "old-disk": OldDisk,
}


def make_liar(
    genesis: Genesis, me: str, world: World, rules: Rules, invariants: Invariants
) -> Unchecked:
    """A liar of a kind that the scenario knows, drawn by the world's seed."""
    kind = world.rng.choice(world.scenario.lies)
    return _KINDS[kind](genesis, me, world, rules, invariants)
