"""From records of `benchmarks/poisoning.py` to the tables and the plot of docs/results.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.poisoning.defences import DEFENCES, SERVING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Record = Mapping[str, Any]

LOGS = ("OULAD BBB", "Canvas Network")
LIES = "one of four lies"
BEST = (
    "two of eight collude",
    "two of four collude",
    "drift over four rounds",
    "ten times the learners",
    "the anchor lies",
)


def tables(records: Sequence[Record]) -> dict[str, str]:
    """Every generated part of the section by the name of its markers, of what is measured."""
    parts = {}
    for log in LOGS:
        lies = _of(records, f"{log}, {LIES}")
        best = {what: _of(records, f"{log}, {what}") for what in BEST}
        sabotaged = _of(records, f"{log}, sabotage")
        name = "poisoning-" + log.lower().replace(" ", "-")
        parts[name] = lies_table(lies)
        parts[f"{name}-more"] = best_table({what: some for what, some in best.items() if some})
        parts[f"{name}-sabotage"] = sabotage_table(sabotaged)
    parts["poisoning-goal"] = goal_table(
        {
            f"{log}{how}": [r for r in records if r["scene"] == f"{log}, the goal{how}"]
            for how in ("", " with the prior network")
            for log in LOGS
        }
    )
    cells, seconds = len(records), sum(float(record["seconds"]) for record in records)
    parts["poisoning-time"] = f"{cells} cells, {seconds / 60:.0f} CPU minutes."
    return parts


def lies_table(records: Mapping[str, Record]) -> str:
    """Promotion by both families, and honest hit rates."""
    rows = [
        "| defence | promoted, no attack | by invented learners | by a written vector | of the "
        "worst member's learners | to members without data | HR@10, no attack | smallest "
        "member | HR@10 under attack |",
        "|---" * 9 + "|",
    ]
    for defence, record in records.items():
        invented, written = (
            [each for each in record["attacks"] if each["attack"] == family]
            for family in ("invented learners", "written vector")
        )
        clean = record["clean"]
        cells = [
            _per_cent([clean["promoted"]]),
            _per_cent(_values(invented, "promoted")),
            _per_cent(_values(written, "promoted")),
            _per_cent(_values(written, "worst")),
            _per_cent(_values(written, "newcomers")),
            _rate(clean["hit_rate"]),
            _rate(clean["smallest_hit_rate"]),
            _rate(np.mean(_values(written, "hit_rate"))),
        ]
        rows.append(f"| {_named(defence)} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def best_table(scenes: Mapping[str, Mapping[str, Record]]) -> str:
    """Promotion by the best attack of any family, to learners and to members without data."""
    heads = [f"{what}: learners | members without data" for what in scenes]
    rows = [f"| defence | {' | '.join(heads)} |", "|---" * (1 + 2 * len(scenes)) + "|"]
    for defence in DEFENCES:
        cells = []
        for records in scenes.values():
            attacks = records[defence]["attacks"] if defence in records else []
            cells += [_per_cent(_values(attacks, field)) for field in ("promoted", "newcomers")]
        if any(cells):
            rows.append(f"| {_named(defence)} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def sabotage_table(records: Mapping[str, Record]) -> str:
    """Honest hit rates by attack without a target; the lowest of a column would be its worst."""
    if not records:
        return ""
    attacks = [each["attack"] for each in next(iter(records.values()))["attacks"]]
    rows = [f"| HR@10 | no attack | {' | '.join(attacks)} |", "|---" * (2 + len(attacks)) + "|"]
    for defence, record in records.items():
        cells = [_rate(each["hit_rate"]) for each in (record["clean"], *record["attacks"])]
        rows.append(f"| {_named(defence)} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def goal_table(logs: Mapping[str, Sequence[Record]]) -> str:
    """The goal: promotion under no defence and the kept one, and what each honest member pays."""
    rows = [
        "| log | honest member | promoted, plain sum | held | held, no attack | worst member, "
        "held | no attack | members without data, plain sum | held | HR@10, plain sum | held | "
        "change |",
        "|---" * 12 + "|",
    ]
    for log, records in logs.items():
        if not records:
            continue
        cells = [
            _per_cent(_goal_values(records, *what))
            for what in (
                ("plain", "attacks", "promoted"),
                ("held", "attacks", "promoted"),
                ("held", "clean", "promoted"),
                ("held", "attacks", "worst"),
                ("held", "clean", "worst"),
                ("plain", "attacks", "newcomers"),
                ("held", "attacks", "newcomers"),
            )
        ]
        rows.append(f"| {log} | all, by learners | {' | '.join(cells)} | | | |")
        for place, first in enumerate(records[0]["members"]):
            members = [record["members"][place] for record in records]
            plain, held = (np.array(_values(members, rule)) for rule in ("plain", "held"))
            change = 100 * (held - plain) / plain.mean()
            within = 100 * np.mean(_values(members, "error")) / np.sqrt(len(members)) / plain.mean()
            error = max(float(_error(change)), float(within))
            rows.append(
                f"| | {first['learners']:,} learners |{' |' * 7} {_rate(plain.mean())} | "
                f"{_rate(held.mean())} | {change.mean():+.1f} ± {error:.1f} % |"
            )
    return "\n".join(rows)


def _goal_values(records: Sequence[Record], rule: str, when: str, field: str) -> list[float]:
    found = []
    for record in records:
        some = record[rule][when]
        found += _values([some] if isinstance(some, dict) else some, field)
    return found


def draw(records: Sequence[Record], path: Path) -> None:
    """Promotion against cost, a point a defence, a panel a log."""
    import matplotlib as mpl  # noqa: PLC0415 - for the plot alone

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "murmuration", "axes.spines.top": False,
                         "axes.spines.right": False, "font.size": 8})  # fmt: skip
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8.5, 3.9), layout="constrained")
    colours = mpl.colormaps["tab20"].colors
    for axes, log in zip(figure.subplots(1, 2), LOGS, strict=True):
        found = _of(records, f"{log}, {LIES}")
        base = found["plain sum"]["clean"]["hit_rate"] if "plain sum" in found else 1.0
        for defence, record in found.items():
            written = [each for each in record["attacks"] if each["attack"] == "written vector"]
            cost = 100 * (1 - record["clean"]["hit_rate"] / base)
            promoted = 100 * np.mean(_values(written, "newcomers"))
            kept = defence == SERVING
            colour = "black" if kept else colours[list(DEFENCES).index(defence)]
            axes.scatter(cost, promoted, s=90 if kept else 32, marker="*" if kept else "o",
                         color=colour, label=defence, zorder=3)  # fmt: skip
        axes.axhline(5, color="0.7", linewidth=0.8)
        axes.axvline(2, color="0.7", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=5)
        axes.set_yticks(
            [0, 1, 2, 5, 10, 20, 50, 100], ["0", "1", "2", "5", "10", "20", "50", "100"]
        )
        axes.set(title=f"{log}, {LIES}", xlabel="cost: honest HR@10 lost without an attack, %",
                 ylabel="promoted to members without data, %", ylim=(-0.5, 110))  # fmt: skip
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def _of(records: Sequence[Record], scene: str) -> dict[str, Record]:
    found = {str(record["defence"]): record for record in records if record["scene"] == scene}
    return {name: found[name] for name in DEFENCES if name in found}


def _named(defence: str) -> str:
    return f"**{defence}**" if defence == SERVING else defence


def _values(records: Sequence[Record], field: str) -> list[float]:
    return [float(record[field]) for record in records]


def _error(values: Sequence[float] | np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _per_cent(values: Sequence[float]) -> str:
    """Per cent with a standard error over targets and seeds; nothing where nothing is measured."""
    if not values:
        return ""
    mean = 100 * float(np.mean(values))
    return f"{mean:.1f} %" if len(values) == 1 else f"{mean:.1f} ± {100 * _error(values):.1f} %"


def _rate(value: float) -> str:
    return f"{value:.3f}".lstrip("0")
