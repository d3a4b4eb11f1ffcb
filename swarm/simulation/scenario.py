"""What a simulated run is like: how many members, which faults, who lies, which rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from swarm.consensus.rules import Rules
from swarm.ledger.genesis import Genesis, Member
from swarm.ledger.kinds import Terms, Updates

if TYPE_CHECKING:
    from swarm.transport.versions import Version

FAULTS: Final = (
    *("loss", "delay", "duplicate", "reorder", "partition", "one-way", "bridge"),
    *("clock", "crash", "torn", "full", "slow", "flip", "restore"),
)
"""Names of faults, as `murmuration simulate --faults` takes them: of the network, then of
clocks, processes and disks. `torn` tears the writes that crashes hit."""

LIES: Final = (
    *("two-faced", "fork", "silent", "censor", "early", "replay"),
    *("withhold", "malformed", "twin", "old-disk"),
)
"""Kinds of liars, as `--lies` takes them (`swarm.simulation.liars`)."""

CELLS: Final = 5
"""Cells of a simulated contribution; int32 each."""
WEIGHTS: Final = 3
"""Entries of a simulated update of a network; int32 each."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run, but for its seed.

    Attributes:
        members: How many.
        liars: How many of them lie; at most f for the guarantees to hold.
        lies: Names from `LIES`; each liar draws one.
        faults: Names from `FAULTS`; each run draws some of them.
        rounds: How many rounds to decide; all but the first are asked for after the faults.
        faults_until_ms: When faults stop, in simulated time.
        patience_ms: How long after that everything must be decided.
        close_after_seconds: Timer of the rounds.
        rules: Of consensus; tests break them.
        down: Indexes of members that are never up.
        changes: How many changes of the members are handed in (R27).
        versions: Minor versions that the members speak, by index; the newest where it ends (P20).
        carries: Whether the swarm takes over what another had merged, before its first round.
    """

    members: int = 4
    liars: int = 0
    lies: tuple[str, ...] = LIES
    faults: tuple[str, ...] = FAULTS
    rounds: int = 2
    faults_until_ms: int = 12_000
    patience_ms: int = 240_000
    close_after_seconds: int = 6
    rules: Rules = field(default_factory=Rules)
    down: tuple[int, ...] = ()
    changes: int = 0
    carries: bool = False
    versions: tuple[Version, ...] = ()


def make_genesis(members: int) -> Genesis:
    """A genesis for simulation: short ids, nobody's signature, the first member an anchor."""
    return Genesis(
        name="simulation",
        nonce=bytes(16),
        members=tuple(
            Member(f"m{index:02}", f"member {index}", ("/sim",), anchor=index == 0)
            for index in range(members)
        ),
        manifest_digest=bytes(32),
        catalogue_digest=bytes(32),
        rho=(1, 2),
        contribution_bytes=4 * CELLS,
        # Two rounds a training; drawn updates are often outside both bounds.
        updates=Updates(Terms((1, 4), 4 * WEIGHTS), rounds=2, entry=600, norm=800),
    )
