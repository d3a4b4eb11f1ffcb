"""What one lying member can do to a swarm, by attack and defence: docs/results.md, "Poisoning".

Usage: python benchmarks/poisoning.py [--seeds 1] [--only SCENE [--defence NAME]] [--redraw]

A quarter of an hour a seed on one quiet core. Records go to benchmarks/results/poisoning.jsonl,
tables between the markers of docs/results.md, a plot to docs/images/. Each attack's parameters are
searched against each defence at the first seed, on one target and the smallest honest member, and
measured on others. `--redraw` lays the stored records out again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks" / "report"), str(ROOT)]

import make  # noqa: E402 - beside the other report
import pages  # noqa: E402

from recommender.poisoning import sabotage  # noqa: E402
from recommender.poisoning.defences import DEFENCES  # noqa: E402
from recommender.poisoning.trials import (  # noqa: E402
    LEARNERS,
    VECTORS,
    by_learners,
    cut_learners,
    measure,
    send,
    set_scene,
    tune,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from recommender.poisoning.trials import Attack, Effect, Scene

    Record = dict[str, object]

RECORDS = ROOT / "benchmarks" / "results" / "poisoning.jsonl"
PAGE = ROOT / "docs" / "results.md"
PLOT = ROOT / "docs" / "images" / "results-poisoning.svg"
FAMILIES: Mapping[str, Sequence[Attack]] = {
    "invented learners": LEARNERS,
    "written vector": VECTORS,
}
SERVING = "shares"
SOME = ("plain sum", "cap (R34)", SERVING)
THREE_PER_CENT = 54
EIGHT = (54, 54, 120, 180, 240, 300, 380, 460)


def four_platforms(seed: int) -> Scene:
    """The sample's course: Elm has 48 of 1,788 learners."""
    log = make.read_log("OULAD BBB")
    platforms = list(log.platforms.values())
    return set_scene(platforms, log.entries, log.verbs, attackers=(0,), seed=seed)


def eight_members(seed: int, attackers: tuple[int, ...] = (0,), releases: int = 1) -> Scene:
    """The same course cut at random into eight members; attackers have 3 % each."""
    log = make.read_log("OULAD BBB")
    members = cut_learners(log.pooled(), EIGHT, np.random.default_rng([seed, 71]))
    return set_scene(
        members, log.entries, log.verbs, attackers=attackers, seed=seed, releases=releases
    )


def canvas(seed: int, attacker: int = 2) -> Scene:
    """The demo's platforms: Cedar has 1,200 of 41,229 learners, Dogwood is an anchor."""
    log = make.read_log("Canvas Network")
    return set_scene(
        list(log.platforms.values()),
        log.entries,
        log.verbs,
        attackers=(attacker,),
        anchors=(3,),
        seed=seed,
        ties="one",
    )


SCENES: Mapping[str, tuple[Callable[[int], Scene], Sequence[str]]] = {
    "OULAD BBB, four platforms": (four_platforms, tuple(DEFENCES)),
    "Canvas Network, an anchor": (canvas, tuple(DEFENCES)),
    "two of eight collude": (partial(eight_members, attackers=(0, 1)), SOME),
    "drift over four rounds": (partial(eight_members, releases=4), SOME),
    "the anchor lies": (partial(canvas, attacker=3), SOME),
}


def run_scene(name: str, seeds: int, only: str | None = None) -> Iterator[Record]:
    """Every defence of a scene: without attack, and under each family's best attack."""
    build, defences = SCENES[name]
    scenes = [build(seed) for seed in range(seeds)]
    for defence in [each for each in defences if only in {None, each}]:
        began = time.perf_counter()
        for family, attacks in FAMILIES.items():
            target, *_ = map(int, scenes[0].targets(1, 997))
            member = min(scenes[0].honest, key=lambda row: scenes[0].sizes[row])
            best = tune(scenes[0], DEFENCES[defence], attacks, target, member)
            for seed, scene in enumerate(scenes):
                for aim in map(int, scene.targets(3, seed)):
                    effects = measure(scene, send(scene, best, aim), DEFENCES[defence], aim)
                    yield _record(name, defence, family, seed, effects, repr(best))
        for seed, scene in enumerate(scenes):
            aim = int(scene.targets(1, seed)[0])
            effects = measure(scene, scene.merged.contributions, DEFENCES[defence], aim)
            yield _record(name, defence, "nobody", seed, effects, "")
        print(f"{name}, {defence}: {time.perf_counter() - began:.0f} s", flush=True)


def run_sabotage(seeds: int) -> Iterator[Record]:
    """Attacks without a target, by one of eight: what honest members lose."""
    name = "sabotage, eight members"
    for seed in range(seeds):
        scene = eight_members(seed)
        insight, aim = scene.insight(0), int(scene.targets(1, seed)[0])
        sent = {
            "sign flip": sabotage.sign_flip(insight),
            "sign flip, 10 times": sabotage.sign_flip(insight, 10.0),
            "scaled, 10 times": sabotage.scaled(insight, 10.0),
            "copied": sabotage.copied(insight, -1),
            "zeros": sabotage.free_riding(insight),
            "noise alone": sabotage.free_riding(insight, np.random.default_rng([seed, 73])),
            "ALIE": sabotage.little_is_enough(insight, 1.5),
            "IPM": sabotage.inner_product(insight, 3.0),
        }
        for defence in SOME:
            for attack, cells in sent.items():
                all_cells = scene.merged.contributions.copy()
                all_cells[0] = cells
                effects = measure(scene, all_cells, DEFENCES[defence], aim)
                yield _record(name, defence, attack, seed, effects, "")


def _record(
    scene: str, defence: str, attack: str, seed: int, effects: Sequence[Effect], how: str
) -> Record:
    means = {key: round(value, 5) for key, value in by_learners(effects).items()}
    weights = np.array([each.learners for each in effects], dtype=float)
    errors = np.array([each.error for each in effects])
    error = float(np.sqrt(((weights * errors) ** 2).sum()) / weights.sum())
    return {
        "scene": scene,
        "defence": defence,
        "attack": attack,
        "seed": seed,
        **means,
        "error": round(error, 5),
        "how": how,
    }


def table(records: Sequence[Record], scene: str) -> str:
    """A scene's table: promotion under the best of both families, and honest hit rates."""
    rows = [
        "| defence | promoted by invented learners | by a written vector | of the worst member's "
        "learners | to members without data | HR@10 without attack | smallest member | HR@10 under "
        "attack |",
        "|---|---|---|---|---|---|---|---|",
    ]
    known = {r["defence"] for r in records if r["scene"] == scene}
    for defence in [name for name in DEFENCES if name in known]:
        clean, invented, written = (
            [r for r in records if (r["scene"], r["defence"], r["attack"]) == (scene, defence, who)]
            for who in ("nobody", *FAMILIES)
        )
        cells = [
            _share(invented, "promoted"),
            _share(written, "promoted"),
            _share(written, "worst"),
            _share(written, "newcomers"),
            _mean(clean, "hit_rate"),
            _mean(clean, "smallest_hit_rate"),
            _mean(written, "hit_rate"),
        ]
        name = f"**{defence}**" if defence == SERVING else defence
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def sabotage_table(records: Sequence[Record]) -> str:
    """HR@10 of honest members by attack without a target and defence."""
    scene = "sabotage, eight members"
    rows = ["| attack | " + " | ".join(SOME) + " |", "|---|" + "---|" * len(SOME)]
    attacks = dict.fromkeys(str(r["attack"]) for r in records if r["scene"] == scene)
    for attack in attacks:
        cells = [
            _mean([r for r in records if (r["scene"], r["attack"], r["defence"])
                   == (scene, attack, defence)], "hit_rate")
            for defence in SOME
        ]  # fmt: skip
        rows.append(f"| {attack} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _values(records: Sequence[Record], field: str) -> np.ndarray:
    return np.array([float(str(record[field])) for record in records])


def _share(records: Sequence[Record], field: str) -> str:
    """Per cent with a standard error over targets and seeds."""
    values = 100 * _values(records, field)
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else float("nan")
    return f"{values.mean():.1f} ± {error:.1f} %"


def _mean(records: Sequence[Record], field: str) -> str:
    return f"{_values(records, field).mean():.3f}".lstrip("0")


def draw(records: Sequence[Record]) -> None:
    """Promotion to members without data, by defence, of the two scenes with all defences."""
    import matplotlib as mpl  # noqa: PLC0415 - for the plot alone

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "murmuration"})
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 3.6))
    names = list(DEFENCES)
    for offset, scene in enumerate(list(SCENES)[:2]):
        found = [
            [r for r in records if (r["scene"], r["defence"], r["attack"])
             == (scene, name, "written vector")]
            for name in names
        ]  # fmt: skip
        heights = [
            100 * float(_values(group, "newcomers").mean()) if group else 0 for group in found
        ]
        axes.barh(np.arange(len(names)) + 0.38 * offset, heights, 0.36, label=scene)
    axes.set_yticks(np.arange(len(names)) + 0.19, names)
    axes.invert_yaxis()
    axes.axvline(5, color="0.6", linewidth=0.8)
    axes.set_xlabel("promoted to members without own data, % of top tens (written vector)")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(PLOT, format="svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure, store, lay out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=[*SCENES, "sabotage, eight members"])
    parser.add_argument("--defence", choices=DEFENCES, help="of --only, this one alone")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    args = parser.parse_args()
    records: list[Record] = []
    if RECORDS.exists() and (args.only or args.redraw):
        records = [json.loads(line) for line in RECORDS.read_text("utf-8").splitlines()]
    if not args.redraw:
        wanted = [args.only] if args.only else [*SCENES, "sabotage, eight members"]
        records = [
            record
            for record in records
            if record["scene"] not in wanted or args.defence not in {None, record["defence"]}
        ]
        for name in wanted:
            made = (
                run_scene(name, args.seeds, args.defence)
                if name in SCENES
                else run_sabotage(args.seeds)
            )
            records += list(made)
            lines = [json.dumps(record) + "\n" for record in records]
            RECORDS.write_text("".join(lines), encoding="utf-8")
    parts = {
        "poisoning-" + name.lower().replace(",", "").replace(" ", "-"): table(records, name)
        for name in SCENES
        if any(record["scene"] == name for record in records)
    }
    parts["poisoning-sabotage"] = sabotage_table(records)
    for name, text in parts.items():
        print(f"\n{name}\n\n{text}")
    text = PAGE.read_text(encoding="utf-8")
    kept = {name: part for name, part in parts.items() if f"<!-- begin {name} -->" in text}
    PAGE.write_text(pages.put(text, kept), encoding="utf-8")
    draw(records)


if __name__ == "__main__":
    main()
