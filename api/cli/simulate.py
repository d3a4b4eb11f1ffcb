"""`murmuration simulate`: many seeded runs of the protocol core under faults and lies."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.options import names_of
from swarm.ledger.genesis import fault_bound
from swarm.simulation.scenario import FAULTS, LIES, Scenario
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
    callback=names_of("fault", FAULTS, nothing="none"),
    default=",".join(FAULTS),
    show_default=True,
    help="Comma-separated, or 'none'.",
)
@click.option("--liars", default=0, show_default=True, type=click.IntRange(0, 50))
@click.option(
    "--lies",
    callback=names_of("lie", LIES),
    default=",".join(LIES),
    show_default=True,
    help="Comma-separated; each liar draws one.",
)
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1, 20))
@click.option(
    "--changes",
    default=0,
    show_default=True,
    type=click.IntRange(0, 20),
    help="How many times somebody joins, leaves, or changes key, address or standing.",
)
@click.option("--carry", is_flag=True, help="Begin with what another swarm had merged.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write records here.",
)
def simulate(
    members: int,
    seeds: str,
    faults: tuple[str, ...],
    liars: int,
    lies: tuple[str, ...],
    rounds: int,
    changes: int,
    carry: bool,
    json_path: Path | None,
) -> None:
    """Run the protocol core in simulated time, with faults and liars decided by seeds.

    Prints for each seed how its rounds ended, and how often each fault and lie really happened;
    exits 1 if an invariant broke, a run stalled, or a round after the faults left an honest member
    out. Each run draws some of the faults. The same seed always gives the same run.
    """
    first, last = _read_seeds(seeds)
    scenario = Scenario(
        members=members,
        liars=liars,
        lies=lies,
        faults=faults,
        rounds=rounds,
        changes=changes,
        carries=carry,
    )
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


def _describe(outcome: Outcome) -> str:
    rounds = ", ".join(
        f"{number}.{attempt} {result}" + (f" ({members} in)" if members else "")
        for number, attempt, result, members in outcome.rounds
    )
    end = f"{outcome.simulated_ms / 1000:.1f} s simulated, height {outcome.height}"
    if outcome.failure:
        what = "VIOLATION" if outcome.violation else "FAILED"
        return f"seed {outcome.seed}: {what} {outcome.failure}; {rounds or 'no round'}; {end}"
    return f"seed {outcome.seed}: {rounds}; {end}"


def _write(path: Path, scenario: Scenario, seeds: str, outcomes: list[Outcome]) -> None:
    from api.cli.output import write_json  # noqa: PLC0415 (only this branch needs it)

    args = {
        "members": scenario.members,
        "seeds": seeds,
        "faults": list(scenario.faults),
        "liars": scenario.liars,
        "lies": list(scenario.lies),
        "rounds": scenario.rounds,
        "changes": scenario.changes,
        "carry": scenario.carries,
    }
    write_json(path, "simulate", args, [asdict(outcome) for outcome in outcomes])


def injected_table(outcomes: list[Outcome]) -> list[str]:
    """What happened in all runs together: name, how often, in how many runs."""
    times: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for outcome in outcomes:
        times.update(dict(outcome.injected))
        runs.update(dict.fromkeys(dict(outcome.injected), 1))
    if not times:
        return []
    width = max(map(len, times))
    head = f"{'injected':<{width}}  {'times':>9}  {'runs':>6}"
    return [head, *(f"{n:<{width}}  {times[n]:>9,}  {runs[n]:>6,}" for n in sorted(times))]


def _conclude(outcomes: list[Outcome]) -> None:
    results = Counter(entry[2] for outcome in outcomes for entry in outcome.rounds)
    counts = Counter(_kind(outcome) for outcome in outcomes)
    for line in injected_table(outcomes):
        click.echo(line)
    click.echo(
        f"{len(outcomes)} seeds, {results['merged']} rounds merged, {results['void']} attempts "
        f"void, {counts['violation']} violations, {counts['stall']} stalls, "
        f"{counts['left out']} with an honest member left out"
    )
    failed = [outcome.seed for outcome in outcomes if outcome.failure]
    if failed:
        listed = ", ".join(map(str, failed))
        raise click.ClickException(f"seeds that failed: {listed}; each can be run again alone.")


def _kind(outcome: Outcome) -> str:
    if outcome.violation:
        return "violation"
    if outcome.stalled:
        return "stall"
    return "left out" if outcome.left_out else ""
