"""What one lying member can do to a swarm, by attack and defence: docs/results.md, "Poisoning".

Usage: python benchmarks/poisoning.py [--fresh] [--only SCENE] [--processes 2] [--redraw]

Some ten CPU minutes. Every measured cell (a scene under a defence) is kept as it is measured, in
benchmarks/results/poisoning.jsonl; begun again it goes on where it was, `--fresh` forgets. Tables
go between the markers of docs/results.md, a plot to docs/images/. Each attack's parameters are
searched against each defence, on two targets and the smallest honest member, and measured on
others.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks" / "report"), str(ROOT)]

import make  # noqa: E402 - beside the other report
import pages  # noqa: E402
import poisoning_page as page  # noqa: E402

from api.cli.output import progress  # noqa: E402
from recommender.poisoning import sabotage  # noqa: E402
from recommender.poisoning.defences import DEFENCES, SERVING  # noqa: E402
from recommender.poisoning.scene import cut_learners, send, set_scene  # noqa: E402
from recommender.poisoning.trials import (  # noqa: E402
    LEARNERS,
    VECTORS,
    Homes,
    by_learners,
    some_members,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recommender.poisoning.scene import Scene
    from recommender.poisoning.trials import Effect

    Record = dict[str, object]
    Cell = tuple[str, str, int]

RECORDS = ROOT / "benchmarks" / "results" / "poisoning.jsonl"
PAGE = ROOT / "docs" / "results.md"
PLOT = ROOT / "docs" / "images" / "results-poisoning.svg"
EIGHT = (54, 54, 120, 180, 240, 300, 380, 460)
"""Learners of OULAD BBB cut at random into eight members; the first two have 3 % each."""

DRIFT = tuple(name for name in DEFENCES if name.startswith("drift"))
ONCE = tuple(name for name in DEFENCES if name not in DRIFT)
TARGETS = {"both": 3, "best": 2, "goal": 2, "network": 1, "sabotage": 1}
"""Items that are promoted, by the kind of a scene; the search has one of its own."""

MEASURED = {"both": 8, "best": 2, "goal": 8, "network": 2, "sabotage": 2}
"""Honest members that are measured at most, the smallest and the largest among them."""


@dataclass(frozen=True)
class Setting:
    """A scene of the benchmark.

    Attributes:
        log: One of `make.LOGS`.
        attackers: Rows of the members who attack together.
        anchors: Rows of anchors.
        eight: Whether the log is cut into eight members.
        rounds: Over which learners come.
        declared: How many times its learners an attacker declares.
        kind: `both` families of attacks, the `best` of them, `sabotage`, the `goal`, or that with
            the prior `network`.
        defences: Which are measured.
        seeds: How often.
    """

    log: str
    attackers: tuple[int, ...]
    anchors: tuple[int, ...] = ()
    eight: bool = False
    rounds: int = 1
    declared: int = 1
    kind: str = "best"
    defences: tuple[str, ...] = ONCE
    seeds: int = 1


OULAD, CANVAS = "OULAD BBB", "Canvas Network"
ALL = (*ONCE, *DRIFT)
SCENES: Mapping[str, Setting] = {
    "OULAD BBB, one of four lies": Setting(OULAD, (0,), kind="both"),
    "Canvas Network, one of four lies": Setting(CANVAS, (2,), (3,), kind="both"),
    "OULAD BBB, two of eight collude": Setting(OULAD, (0, 1), eight=True),
    "Canvas Network, two of four collude": Setting(CANVAS, (1, 2), (3,)),
    "OULAD BBB, drift over four rounds": Setting(OULAD, (0,), eight=True, rounds=4, defences=ALL),
    "Canvas Network, drift over four rounds": Setting(CANVAS, (2,), (3,), rounds=4, defences=ALL),
    "OULAD BBB, the anchor lies": Setting(OULAD, (3,), (3,)),
    "Canvas Network, the anchor lies": Setting(CANVAS, (3,), (3,)),
    "OULAD BBB, ten times the learners": Setting(OULAD, (0,), declared=10),
    "Canvas Network, ten times the learners": Setting(CANVAS, (2,), (3,), declared=10),
    "OULAD BBB, sabotage": Setting(OULAD, (0,), eight=True, kind="sabotage"),
    "Canvas Network, sabotage": Setting(CANVAS, (2,), (3,), kind="sabotage"),
    "OULAD BBB, the goal": Setting(OULAD, (0,), kind="goal", defences=(SERVING,), seeds=3),
    "Canvas Network, the goal": Setting(
        CANVAS, (2,), (3,), kind="goal", defences=(SERVING,), seeds=3
    ),
    "OULAD BBB, the goal with the prior network": Setting(
        OULAD, (0,), kind="network", defences=(SERVING,)
    ),
    "Canvas Network, the goal with the prior network": Setting(
        CANVAS, (2,), (3,), kind="network", defences=(SERVING,)
    ),
}


@lru_cache(maxsize=1)
def homes_of(setting: Setting, seed: int) -> Homes:
    """The members of a scene; cells of one scene share them."""
    log = make.read_log(setting.log)
    platforms = list(log.platforms.values())
    if setting.eight:
        platforms = cut_learners(log.pooled(), EIGHT, np.random.default_rng([seed, 71]))
    return Homes(
        set_scene(
            platforms,
            log.entries,
            log.verbs,
            attackers=setting.attackers,
            anchors=setting.anchors,
            seed=seed,
            ties=log.ties,
            targets=1_000 if setting.kind in {"goal", "network"} else 300,
            rounds=setting.rounds,
            declared=setting.declared,
        ),
        prior="network" if setting.kind == "network" else "none",
    )


def measure_cell(cell: Cell) -> Record:
    """One scene under one defence."""
    name, defence, seed = cell
    setting, began = SCENES[name], time.process_time()
    homes = homes_of(setting, seed)
    how = {"sabotage": _sabotage, "goal": _goal, "network": _goal}.get(setting.kind, _promotion)
    fields = how(homes, defence, setting, seed)
    seconds = round(time.process_time() - began, 1)
    return {"scene": name, "defence": defence, "seed": seed, "seconds": seconds, **fields}


def _promotion(homes: Homes, defence: str, setting: Setting, seed: int) -> Record:
    """Without an attack, and under the best that was found, of each family or of both."""
    scene, rule = homes.scene, DEFENCES[defence]
    members = some_members(scene, MEASURED[setting.kind])
    mix = defence if setting.kind == "both" else SERVING
    homes.learn(mix, DEFENCES[mix], members)
    targets = scene.targets(TARGETS[setting.kind], seed)
    clean = homes.measure(scene.sent, rule, targets, members, mix)
    tuned_on = scene.targets(2, 997)
    families = {"invented learners": LEARNERS, "written vector": VECTORS}
    if setting.kind != "both":
        families = {"best": (*LEARNERS, *VECTORS)}
    attacks = []
    for family, tried in families.items():
        best = homes.tune(rule, tried, tuned_on, members[0], mix)
        for target in targets:
            effects = homes.measure(send(scene, best, target), rule, [target], members, mix)
            attacks.append({"attack": family, **_means(effects), "how": repr(best)})
    return {"clean": _means(clean), "attacks": attacks}


def _sabotage(homes: Homes, defence: str, setting: Setting, seed: int) -> Record:
    """Attacks without a target: what honest members lose."""
    scene, rule = homes.scene, DEFENCES[defence]
    members, targets = some_members(scene, MEASURED[setting.kind]), scene.targets(1, seed)
    homes.learn(SERVING, DEFENCES[SERVING], members)
    clean = homes.measure(scene.sent, rule, targets, members, SERVING)
    attacks = []
    for name, cells in _without_target(scene, seed).items():
        effects = homes.measure(scene.with_sent(cells), rule, targets, members, SERVING)
        attacks.append({"attack": name, **_means(effects)})
    return {"clean": _means(clean), "attacks": attacks}


def _without_target(scene: Scene, seed: int) -> Mapping[str, np.ndarray]:
    insight = scene.insight(scene.attackers[0])
    return {
        "sign flip": sabotage.sign_flip(insight),
        "sign flip, 10 times": sabotage.sign_flip(insight, 10.0),
        "scaled, 10 times": sabotage.scaled(insight, 10.0),
        "copied": sabotage.copied(insight, -1),
        "zeros": sabotage.free_riding(insight),
        "noise alone": sabotage.free_riding(insight, np.random.default_rng([seed, 73])),
        "ALIE": sabotage.little_is_enough(insight, 1.5),
        "IPM": sabotage.inner_product(insight, 3.0),
    }


def _goal(homes: Homes, defence: str, setting: Setting, seed: int) -> Record:
    """The kept defence beside none: whole fits, every honest member, attacks searched anew."""
    scene, rule, plain = homes.scene, DEFENCES[defence], DEFENCES["plain sum"]
    members = some_members(scene, MEASURED[setting.kind])
    targets = scene.targets(TARGETS[setting.kind], seed)
    tuned_on = scene.targets(2, 997 + seed)
    found: Record = {}
    clean = {}
    for name, each in (("plain", plain), ("held", rule)):
        homes.learn(name, each, members)
        clean[name] = homes.measure(scene.sent, each, targets, members, name)
        best = homes.tune(each, (*LEARNERS, *VECTORS), tuned_on, members[0], name)
        attacked = [
            homes.measure(send(scene, best, target), each, [target], members) for target in targets
        ]
        found[name] = {
            "clean": _means(clean[name]),
            "attacks": [{**_means(effects), "how": repr(best)} for effects in attacked],
        }
    found["members"] = [
        {
            "learners": before.learners,
            "plain": _round(before.hit_rate),
            "held": _round(after.hit_rate),
            "error": _round(_error(after.hits - before.hits)),
        }
        for before, after in zip(clean["plain"], clean["held"], strict=True)
    ]
    return found


def _means(effects: Sequence[Effect]) -> dict[str, float]:
    smallest = min(effects, key=lambda each: each.learners)
    means = {name: _round(value) for name, value in by_learners(effects).items()}
    return {**means, "smallest_hit_rate": _round(smallest.hit_rate)}


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0


def _round(value: float) -> float:
    return round(value, 5)


def cells_of(only: str | None) -> list[Cell]:
    """Every cell, those of one scene and seed beside each other."""
    return [
        (name, defence, seed)
        for name, setting in SCENES.items()
        if only in {None, name}
        for seed in range(setting.seeds)
        for defence in setting.defences
    ]


def stored() -> dict[Cell, Record]:
    """What has been measured so far; a line that was torn is measured again."""
    found: dict[Cell, Record] = {}
    for line in RECORDS.read_text("utf-8").splitlines() if RECORDS.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found[record["scene"], record["defence"], record["seed"]] = record
    return found


def measure_all(cells: Sequence[Cell], processes: int) -> Iterator[Record]:
    """Each cell as it is done."""
    if processes == 1:
        yield from map(measure_cell, cells)
        return
    pool = ProcessPoolExecutor(processes)
    try:
        for done in as_completed([pool.submit(measure_cell, cell) for cell in cells]):
            yield done.result()
    finally:  # whoever stops half-way does not wait for the rest
        pool.shutdown(cancel_futures=True)


def keep(records: Mapping[Cell, Record]) -> list[Record]:
    """Write what is measured in the order of the cells, nothing that is no cell any more."""
    kept = [records[cell] for cell in cells_of(None) if cell in records]
    RECORDS.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    return kept


def main() -> None:
    """Measure what is missing, store, lay out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SCENES, help="measure this scene alone")
    parser.add_argument("--fresh", action="store_true", help="forget what is measured (of --only)")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    records = stored()
    if args.fresh:
        records = {
            cell: record for cell, record in records.items() if cell not in cells_of(args.only)
        }
        keep(records)
    wanted = [] if args.redraw else [cell for cell in cells_of(args.only) if cell not in records]
    with progress(len(wanted), "Measuring") as ticker:
        for record in measure_all(wanted, args.processes):
            with RECORDS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            ticker.advance(note=f"{record['scene']}, {record['defence']}, {record['seconds']} s")
    kept = keep(stored())
    parts = page.tables(kept)
    for name, text in parts.items():
        print(f"\n{name}\n\n{text}")
    PAGE.write_text(pages.put(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")
    page.draw(kept, PLOT)


if __name__ == "__main__":
    main()
