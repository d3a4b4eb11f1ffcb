"""`murmuration simulate`: many seeded runs of the protocol core under faults and lies."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.ledger.genesis import fault_bound
from swarm.simulation.scenario import FAULTS, Scenario
from swarm.simulation.world import simulate as run_seed

if TYPE_CHECKING:
    from swarm.simulation.world import Outcome


@click.command(
    epilog="Example: murmuration simulate --members 7 --seeds 1..50 --liars 2 --faults loss,crash"
)
@click.option("--members", default=4, show_default=True, type=click.IntRange(1, 50))
@click.option("--seeds", default="1..20", show_default=True, help="First and last, both run.")
@click.option(
    "--faults",
    default=",".join(FAULTS),
    show_default=True,
    help="Comma-separated, or 'none'.",
)
@click.option("--liars", default=0, show_default=True, type=click.IntRange(0, 50))
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1, 20))
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write records here.",
)
def simulate(
    members: int, seeds: str, faults: str, liars: int, rounds: int, json_path: Path | None
) -> None:
    """Run the protocol core in simulated time, with faults and liars decided by seeds.

    Prints for each seed how its rounds ended; exits 1 if members ever disagreed, an invariant
    broke, or a run stalled. The same seed always gives the same run.
    """
    first, last = _read_seeds(seeds)
    scenario = Scenario(members=members, liars=liars, faults=_read_faults(faults), rounds=rounds)
    if liars >= members:
        raise click.BadParameter("somebody must be honest", param_hint="--liars")
    if liars > fault_bound(members):
        click.echo(
            f"{members} members tolerate {fault_bound(members)} liars; with {liars}, "
            "disagreements and stalls are to be expected."
        )
    outcomes = []
    for seed in range(first, last + 1):
        outcome = run_seed(seed, scenario)
        outcomes.append(outcome)
        click.echo(_describe(outcome))
    if json_path is not None:
        _write(json_path, scenario, seeds, outcomes)
    _conclude(outcomes)


def _read_seeds(text: str) -> tuple[int, int]:
    first, dots, last = text.partition("..")
    if not dots or not first.isdecimal() or not last.isdecimal() or int(first) > int(last):
        raise click.BadParameter(f"{text!r}: expected A..B, such as 1..200", param_hint="--seeds")
    return int(first), int(last)


def _read_faults(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(text.split(","))
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        known = ", ".join(FAULTS)
        raise click.BadParameter(
            f"{unknown[0]!r} is no fault; known are {known}, or none", param_hint="--faults"
        )
    return names


def _describe(outcome: Outcome) -> str:
    rounds = ", ".join(
        f"{number}.{attempt} {result}" + (f" ({members} in)" if members else "")
        for number, attempt, result, members in outcome.rounds
    )
    end = f"{outcome.simulated_ms / 1000:.1f} s simulated, height {outcome.height}"
    if outcome.violation:
        return f"seed {outcome.seed}: VIOLATION {outcome.violation}; {rounds}; {end}"
    if outcome.stalled:
        return f"seed {outcome.seed}: STALLED; {rounds or 'no round'}; {end}"
    return f"seed {outcome.seed}: {rounds}; {end}"


def _write(path: Path, scenario: Scenario, seeds: str, outcomes: list[Outcome]) -> None:
    from api.cli.output import write_json  # noqa: PLC0415 (only this branch needs it)

    args = {
        "members": scenario.members,
        "seeds": seeds,
        "faults": list(scenario.faults),
        "liars": scenario.liars,
        "rounds": scenario.rounds,
    }
    write_json(path, "simulate", args, [asdict(outcome) for outcome in outcomes])


def _conclude(outcomes: list[Outcome]) -> None:
    results = Counter(entry[2] for outcome in outcomes for entry in outcome.rounds)
    disagreements = [outcome.seed for outcome in outcomes if outcome.violation]
    stalls = [outcome.seed for outcome in outcomes if outcome.stalled]
    click.echo(
        f"{len(outcomes)} seeds, {results['merged']} rounds merged, {results['void']} attempts "
        f"void, {len(disagreements)} disagreements, {len(stalls)} stalls"
    )
    if disagreements or stalls:
        listed = ", ".join(map(str, disagreements + stalls))
        raise click.ClickException(f"seeds that failed: {listed}; each can be run again alone.")
