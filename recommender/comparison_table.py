"""Records of a comparison as means over platforms, and as a table for readers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYBODY = "*"
"""The platform name of learner-weighted means."""

_SAME = ("mode", "model", "own_exact", "floor", "epsilon")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the table.

    Attributes:
        value: Hit rate in [0, 1].
        standard_error: Of the mean over targets; NaN for a single one.
        targets: Learners behind it.
    """

    value: float
    standard_error: float
    targets: int


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: a way to recommend, and its hit rate on each platform.

    Attributes:
        label: What is measured, in words.
        epsilon: Of the release behind it; infinite without privacy.
        cells: By platform, `*` is the learner-weighted mean.
    """

    label: str
    epsilon: float
    cells: Mapping[str, Cell]


def learner_weighted(records: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Means over platforms, weighted by learners, of records that differ in the platform only."""
    groups: dict[tuple[object, ...], list[Mapping[str, object]]] = {}
    for record in records:
        groups.setdefault(tuple(record.get(name) for name in _SAME), []).append(record)
    means = []
    for group in groups.values():
        whole = [entry for entry in group if "error" not in entry]
        if whole:
            means.append(_weighted_mean(whole))
    return means


def table_rows(records: Sequence[Mapping[str, object]], k: int) -> list[TableRow]:
    """Lay the records of a comparison out as rows, in a reader's order.

    Args:
        records: Of `recommender.comparison.compare_platforms`, means included.
        k: Cut-off of the hit rate shown.
    """
    rows: list[tuple[tuple[object, ...], TableRow]] = []
    groups: dict[tuple[object, ...], dict[str, Cell]] = {}
    for record in records:
        if "error" in record:
            continue
        cell = Cell(
            _number(record[f"hit_rate@{k}"]),
            _number(record[f"hit_rate@{k}_se"]),
            int(_number(record["targets"])),
        )
        group = groups.setdefault(tuple(record.get(name) for name in _SAME), {})
        group[str(record["platform"])] = cell
    for key, cells in groups.items():
        label = _label(key)
        if label is not None:
            position, text = label
            epsilon = _number(key[4])
            rows.append(((position, epsilon), TableRow(text, epsilon, cells)))
    return [row for _, row in sorted(rows, key=lambda entry: _order(entry[0]))]


def _order(key: tuple[object, ...]) -> tuple[float, ...]:
    return tuple(_number(part) for part in key)


def _label(key: tuple[object, ...]) -> tuple[int, str] | None:
    """Place and words of a row; None for what the table leaves out."""
    mode, model, own_exact, floor, epsilon = key
    privacy = "without privacy" if math.isinf(_number(epsilon)) else f"epsilon {epsilon:g}"
    if model == "network":
        return 7, f"network, {mode}, {privacy}"
    if model != "statistics":
        return 0 if model == "popularity" else 1, str(model).replace("-", " ")
    if mode == "local":
        if not own_exact:
            return None
        return (3, "alone, as it would be served") if floor else (2, "alone, exact")
    if mode == "pooled":
        return 6, f"pooled, {privacy}"
    if not own_exact:
        return None
    return (4 if mode == "open" else 5), f"merged ({mode}), {privacy}"


def _weighted_mean(group: Sequence[Mapping[str, object]]) -> dict[str, object]:
    mean = {**group[0], "platform": EVERYBODY}
    for name in ("learners", "targets", "skipped", "n"):
        mean[name] = sum(int(_number(entry[name])) for entry in group)
    weights = np.array([_number(entry["learners"]) for entry in group])
    weights = weights / weights.sum()
    for name in group[0]:
        if "@" not in name and name not in {"mrr", "mrr_se"}:
            continue
        values = np.array([_number(entry[name]) for entry in group])
        spread = name.endswith("_se")
        mean[name] = float(np.sqrt(((weights * values) ** 2).sum()) if spread else weights @ values)
    for name in ("coverage", "parameters"):
        mean.pop(name, None)
    return mean


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise EvaluationError(f"expected a number in a record, not {value!r}")
    return value
