"""From records of `measures` to the tables of docs/results.md."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SECTIONS = (
    "models",
    "learners",
    "platforms",
    "rounds",
    "new items",
    "new learners",
    "new platform",
)
"""What is measured, in the order of the page; each is a pair of markers a log."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A figure over seeds.

    Attributes:
        value: Mean hit rate over seeds.
        error: The larger of the standard error over seeds and the mean one over learners.
        ndcg: Mean NDCG over seeds; NaN where not measured.
        targets: Learners behind it, of the last seed.
    """

    value: float
    error: float
    ndcg: float
    targets: int


def marker(section: str, log: str) -> str:
    """Name between the markers of a section's table for a log."""
    return f"{section}, {log}".replace(" ", "-").replace(",", "").lower()


def means(
    records: Iterable[Mapping[str, object]], section: str, log: str
) -> dict[str, dict[str, Mean]]:
    """Means by row and column, both in the order in which they were first measured."""
    groups: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for record in records:
        if record["section"] == section and record["log"] == log:
            groups.setdefault((str(record["row"]), str(record["column"])), []).append(record)
    table: dict[str, dict[str, Mean]] = {}
    for (row, column), group in groups.items():
        table.setdefault(row, {})[column] = _mean(group)
    return table


def _mean(group: Sequence[Mapping[str, object]]) -> Mean:
    values = np.array([record["value"] for record in group], dtype=np.float64)
    errors = np.array([record["error"] for record in group], dtype=np.float64)
    ndcg = np.array([record.get("ndcg", math.nan) for record in group], dtype=np.float64)
    seeds = values.std(ddof=1) / math.sqrt(values.size) if values.size > 1 else 0.0
    error = max(float(seeds), float(errors.mean()))
    targets = group[-1]["targets"]
    assert isinstance(targets, int)
    return Mean(float(values.mean()), error, float(ndcg.mean()), targets)


def table_of(table: Mapping[str, Mapping[str, Mean]], *, rank: bool = True) -> str:
    """A Markdown table; with `rank` the best of each column is bold, and all within its error."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    best = {
        column: max(
            (row[column] for row in table.values() if column in row), key=lambda mean: mean.value
        )
        for column in columns
    }
    by_row = {label: {mean.targets for mean in row.values()} for label, row in table.items()}
    by_column = {c: {row[c].targets for row in table.values() if c in row} for c in columns}
    sizes = set().union(*by_row.values())
    name_columns = len(sizes) > 1 and all(len(each) == 1 for each in by_column.values())
    name_rows = len(sizes) > 1 and not name_columns
    heads = [_sized(column, by_column[column], said=name_columns) for column in columns]
    lines = [f"| HR@10 | {' | '.join(heads)} |", "|---" * (len(columns) + 1) + "|"]
    for label, row in table.items():
        cells = [_cell(row.get(column), best[column] if rank else None) for column in columns]
        lines.append(f"| {_sized(label, by_row[label], said=name_rows)} | {' | '.join(cells)} |")
    if len(sizes) == 1:
        lines += ["", f"n = {sizes.pop():,} targets."]
    return "\n".join(lines)


def _sized(name: str, targets: Iterable[int], *, said: bool) -> str:
    return f"{name} (n = {max(targets):,})" if said else name


def models_table(table: Mapping[str, Mapping[str, Mean]]) -> str:
    """The table of models: one line a model and privacy, with NDCG beside the hit rate."""
    lines = ["| model | privacy | HR@10 | NDCG@10 |", "|---|---|---|---|"]
    flat = [(model, say, mean) for model, row in table.items() for say, mean in row.items()]
    best = max((mean for *_, mean in flat), key=lambda mean: mean.value)
    lines += [
        f"| {model} | {say} | {_cell(mean, best)} | {mean.ndcg:.3f} |" for model, say, mean in flat
    ]
    return "\n".join([*lines, "", f"n = {best.targets:,} targets."])


def _cell(mean: Mean | None, best: Mean | None) -> str:
    if mean is None or math.isnan(mean.value):
        return ""
    text = f"{mean.value:.3f}"
    is_best = best is not None and mean.value >= best.value - best.error
    bold = f"**{text}**" if is_best else text
    return bold if math.isnan(mean.error) else f"{bold} ±{mean.error:.3f}"


def generated(records: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Every generated part by the name of its markers."""
    parts = {}
    logs = list(dict.fromkeys(str(record["log"]) for record in records))
    for section in SECTIONS:
        for log in logs:
            table = means(records, section, log)
            if table:
                parts[marker(section, log)] = (
                    models_table(table)
                    if section == "models"
                    else table_of(table, rank=section != "rounds")
                )
    return parts


def put(text: str, parts: Mapping[str, str]) -> str:
    """Replace what stands between the markers of each part; all else stays as it is.

    Raises:
        ValueError: A part's markers are not in the text, once each and in order.
    """
    for name, part in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"docs/results.md: expected {begin} and {end}, once each")
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = pattern.sub(lambda _, p=part, b=begin, e=end: f"{b}\n{p}\n{e}", text)
    return text
