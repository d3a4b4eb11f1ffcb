"""From records to the plots of docs/results.md, as SVG; equal records give equal bytes."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pages import Mean

    Table = Mapping[str, Mapping[str, Mean]]

WITHOUT = ", no privacy"
"""What the names of baselines end with: their lines are grey, ours have colours."""

GREY = "0.55"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which can be told apart by everybody."""

CUTS = {
    "Canvas, first discipline": ("canvas, first discipline", "o"),
    "Canvas, popularity of the history": ("canvas, popularity", "s"),
    "Canvas, when the history began": ("canvas, start", "D"),
    "Canvas, size": ("canvas, size", "^"),
    "OULAD, one presentation": ("oulad, popularity", "oulad, size", "v"),
    "OULAD, modules whole": ("oulad, module", "P"),
}
"""Names of cuts, what their settings begin with, and their marker."""


def draw(records: Sequence[Mapping[str, object]], folder: Path) -> list[Path]:
    """Draw the plots of `make results`."""
    _begin()
    drawn = []
    for log in dict.fromkeys(str(record["log"]) for record in records):
        for section, title, across in (
            ("models", "Accuracy against epsilon", "epsilon of one release"),
            ("learners", "Accuracy against number of learners", "learners"),
            ("rounds", "New learners every term", ""),
        ):
            table = pages.means(records, section, log)
            if not table:
                continue
            lines = {"models": _by_epsilon, "learners": _by_learners}.get(section, dict)(table)
            path = folder / f"results-{pages.marker(section, log)}.svg"
            _lines(lines, f"{title}: {log}", across, path)
            drawn.append(path)
    return drawn


def _begin() -> None:
    import matplotlib as mpl  # noqa: PLC0415 - tables need no plots

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "murmuration", "axes.spines.top": False,
                         "axes.spines.right": False, "font.size": 9})  # fmt: skip


def _figure(*size: float, panels: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - tables need no plots

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(1, panels)


def _save(figure: Any, path: Path) -> None:  # noqa: ANN401 - matplotlib is loaded late
    figure.savefig(path, format="svg", metadata={"Date": None})


def _by_epsilon(table: Table) -> dict[str, Mapping[str, Mean]]:
    """Ours by epsilon; the baselines, which have no private form, as level lines."""
    ours = {
        column.removeprefix("epsilon ").replace("without privacy", "none"): mean
        for column, mean in table["statistics"].items()
    }
    lines: dict[str, Mapping[str, Mean]] = {"ours": ours}
    for name, row in table.items():
        if name != "statistics":
            lines[name + WITHOUT] = dict.fromkeys(ours, next(iter(row.values())))
    return lines


def _by_learners(table: Table) -> dict[str, Mapping[str, Mean]]:
    """Rows named after an epsilon are ours, the others baselines."""
    return {
        f"ours, {name}" if name.startswith(("epsilon", "without")) else name + WITHOUT: row
        for name, row in table.items()
    }


def _lines(table: Table, title: str, across: str, path: Path) -> None:
    """One line a row, named at its end."""
    figure, axes = _figure(7, 3.8)
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    colours, markers = cycle(COLOURS), cycle("osD^v")
    named = []
    for label, row in table.items():
        values = [row[column].value for column in columns]
        if label.endswith(WITHOUT):
            colour = GREY
            axes.plot(range(len(columns)), values, color=colour, linewidth=1, linestyle="--")
        else:
            colour = next(colours)
            place = np.arange(len(columns)) + 0.04 * (len(named) % 3 - 1)
            spread = [row[column].error for column in columns]
            axes.errorbar(place, values, spread, color=colour, marker=next(markers), capsize=2)
        named.append((values[-1], label, colour))
    axes.set(title=title, ylabel="HR@10", xlabel=across, ylim=(0, None))
    axes.set_xticks(range(len(columns)), columns)
    _name_at_end(axes, named, len(columns) - 1)
    _save(figure, path)


def _name_at_end(axes: Any, named: list[tuple[float, str, str]], end: float) -> None:  # noqa: ANN401
    """Write names beside the ends of lines, none over another."""
    low, high = axes.get_ylim()
    named = sorted(named)
    heights = spaced([value for value, *_ in named], 0.055 * (high - low))
    for (value, label, colour), height in zip(named, heights, strict=True):
        axes.annotate(
            label,
            (end, value),
            (end * 1.06 + 0.1, height),
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5},
        )
    # A point without a size takes the room that names need.
    axes.set_xlim(None, end + 0.15)


def spaced(values: Sequence[float], gap: float) -> list[float]:
    """Ascending heights at least `gap` apart, each run of crowded ones around its mean."""
    runs: list[list[float]] = []
    for value in values:
        runs.append([value])
        while len(runs) > 1 and _begin_of(runs[-1], gap) < _end_of(runs[-2], gap) + gap:
            crowded = runs.pop()
            runs[-1] += crowded
    return [_begin_of(run, gap) + gap * place for run in runs for place in range(len(run))]


def _begin_of(run: Sequence[float], gap: float) -> float:
    return float(np.mean(run)) - gap * (len(run) - 1) / 2


def _end_of(run: Sequence[float], gap: float) -> float:
    return float(np.mean(run)) + gap * (len(run) - 1) / 2


def draw_never_worse(cells: Iterable[Mapping[str, Any]], folder: Path) -> Path:
    """One dot a platform: its best single ingredient against what is served."""
    _begin()
    figure, (left, right) = _figure(9, 4.2, panels=2)
    cells = list(cells)
    for colour, (label, (*begins, marker)) in zip(cycle(COLOURS), CUTS.items(), strict=False):
        chosen = [cell for cell in cells if str(cell["setting"]).startswith(tuple(begins))]
        if not chosen:
            continue
        best = np.array([cell[str(cell["best single"])][1] for cell in chosen])
        served = np.array([cell["fitted blend"][1] for cell in chosen])
        learners = np.array([cell["learners"] for cell in chosen])
        error = np.array([cell["fitted blend - best"][1] for cell in chosen])
        style = {"color": colour, "marker": marker, "markersize": 4, "linestyle": ""}
        left.plot(best, served, label=label, **style)
        right.errorbar(learners, served - best, 2 * error, elinewidth=0.7, **style)
    left.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
    left.set(xlabel="NDCG@10 of the best single ingredient", ylabel="NDCG@10 of what is served")
    left.set(title="Above the line: served is better", aspect="equal")
    left.legend(frameon=False, fontsize=8)
    right.axhline(0, color=GREY, linewidth=0.8)
    right.set(xscale="log", xlabel="learners of the platform")
    right.set(ylabel="served less best single (bars: 2 standard errors)")
    right.set(title="The same difference, by size")
    path = folder / "results-never-worse.svg"
    _save(figure, path)
    return path
