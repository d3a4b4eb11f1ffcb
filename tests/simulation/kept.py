"""Bugs that simulation once found, to be put back, and seeds under which they show again.

A seed says nothing once the simulator or the protocol has changed. So each line of `seeds.txt`
names its bug, and a test puts the bug back and demands that the run fails; where it does not any
more,

    python -m tests.simulation.kept BUG MEMBERS LIARS FIRST..LAST

finds seeds under which it does. Two bugs that seeds of version 1.1 found hide from seeds since
members say what they have: that a notarisation behind a proposal was not asked for
(`test_instance.py`), and that a member took its own receipts back from others
(`test_catching_up.py`). Directed tests show them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swarm import pool, sync
from swarm.consensus import simplex
from swarm.ledger.blocks import write_block
from swarm.ledger.transactions import write_transaction
from swarm.node import Node
from swarm.protocol import sign
from swarm.simulation.scenario import FAULTS, Scenario
from swarm.simulation.world import simulate
from swarm.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Kept:
    """A line of `seeds.txt`."""

    bug: str
    members: int
    liars: int
    seed: int

    @property
    def scenario(self) -> Scenario:
        faults = BUGS[self.bug].faults
        return Scenario(members=self.members, liars=self.liars, faults=faults)


def read_kept() -> list[Kept]:
    text = (Path(__file__).parent / "seeds.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [Kept(bug, *map(int, numbers)) for bug, *numbers in lines]


def zeros_are_damage(patch: pytest.MonkeyPatch) -> None:
    """A torn write of a record, zeros behind it, passed for damage."""
    patch.setattr(records, "_ZEROS", 1 << 40)


def certificates_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A certificate was forgotten in a crash, and a vote in it was on a lost disk."""
    patch.setattr(simplex, "_keep", lambda seat, instance, now_ms, judge: (instance, ()))


def restored_vote_at_once(patch: pytest.MonkeyPatch) -> None:
    """A restored member voted from the next height of its old ledger on."""
    patch.setattr(sync, "may_vote_again", lambda seat, state, height: True)


def a_close_goes_first(patch: pytest.MonkeyPatch) -> None:
    """Leaders closed a round before they proposed the commits that waited (P18)."""

    def build(self: pool.Content) -> bytes | None:
        ledger = self.state.ledger
        chosen = [] if self.wish is not None else self._choose()
        if self.wish is not None:
            chosen = [sign(self.seat.signer, self.seat.me, *write_transaction(self.wish))]
        return write_block(ledger.height + 1, ledger.tip, chosen) if chosen else None

    patch.setattr(pool.Content, "build", build)


def time_is_told_by_ticks_alone(patch: pytest.MonkeyPatch) -> None:
    """What happened between two ticks counted from the one before it, so that timers were short."""
    step = Node.step
    patch.setattr(Node, "step", lambda self, event, now_ms=0: step(self, event))


@dataclass(frozen=True)
class Bug:
    """How to put it back, and the faults under which it shows soonest."""

    put_back: Callable[[pytest.MonkeyPatch], None]
    faults: tuple[str, ...] = FAULTS


BUGS = {
    "torn": Bug(zeros_are_damage, ("crash", "torn")),
    "forgotten": Bug(
        certificates_are_forgotten, ("crash", "restore", "loss", "partition", "delay")
    ),
    "restored": Bug(restored_vote_at_once),
    "close-first": Bug(a_close_goes_first),
    "stale-time": Bug(time_is_told_by_ticks_alone),
}


def fails_with(kept: Kept) -> str:
    """How a run fails with its bug put back; empty if it does not."""
    with pytest.MonkeyPatch.context() as patch:
        BUGS[kept.bug].put_back(patch)
        return simulate(kept.seed, kept.scenario).failure


def search(bug: str, members: str, liars: str, seeds: str) -> None:
    first, _, last = seeds.partition("..")
    for seed in range(int(first), int(last) + 1):
        kept = Kept(bug, int(members), int(liars), seed)
        failure = fails_with(kept)
        if failure:
            print(bug, members, liars, seed, "#", failure, flush=True)


if __name__ == "__main__":
    search(*sys.argv[1:])
