"""Is the blend on any platform worse than its best single ingredient?

Usage: python benchmarks/recommender_never_worse.py --canvas person_course.parquet
           [--oulad FOLDER] [--seeds 2 | --seed N] [--epsilon 4] [--settings TEXT] [--served]
           [--prior none]

Logs are cut into platforms by what is known before the held-out item: the discipline of a
learner's first course, the mean popularity of the history, when the history began, the presentation
of a module, or size alone (at random). Every
platform releases with its own noise and serves what it merged (open mode, no anchors but by
bracket). For each platform: every single ingredient, the default blend and the fitted blend, all
on the same held-out items. The best single ingredient is chosen on the test itself, so it is
flattered. Once with R17's floor (a pair counts with ten learners behind it) in everything that
uses own exact statistics, as served; once without it in anything, to tell the price of the floor
from that of the blend. One JSON line a platform and floor, then a summary.

`--canvas`: Canvas Network Person-Course (doi 10.7910/DVN/1XORAL); `--oulad`: folder of OULAD with
studentVle_ds/ (BBB 2013J, and every module whole: each presentation is a platform that
has sites of its own, so that the others have nothing to tell it).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import argparse
import json
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recommender.catalogue import CatalogueItem
from recommender.evaluation import Split, evaluate, leave_last_out
from recommender.interactions import VERB_INDEX, Interactions
from recommender.models import StatisticsModel
from recommender.statistics.blend import blend_weights
from recommender.statistics.fit import fit_mixed, fit_serving
from recommender.statistics.text import fit_text
from recommender.trial import anchors_by_bracket, privacy_for, run_open, sum_platforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from recommender.statistics.serving_model import ServingModel

SIZES = (20, 60, 200, 1_000, 10_000)
BANDS = 5
MODULES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG")
TARGETS = 3_000
QUARTER_SECONDS = 7_776_000


def make_log(
    learner: NDArray[np.object_], item: NDArray[np.object_], moment: NDArray[np.int64], verb: str
) -> Interactions:
    """Rows as arrays."""
    learners, who = np.unique(learner.astype(str), return_inverse=True)
    items, what = np.unique(item.astype(str), return_inverse=True)
    rows = len(moment)
    return Interactions(
        tuple(learners.tolist()),
        tuple(items.tolist()),
        who.astype(np.int32),
        what.astype(np.int32),
        moment.astype(np.int64),
        np.zeros(rows, np.int64),
        np.full(rows, VERB_INDEX[verb], np.int8),
        np.full(rows, np.nan, np.float32),
    )


def read_canvas(path: Path) -> tuple[Interactions, list[CatalogueItem], NDArray[np.int64]]:
    """Rows, catalogue and each course's discipline."""
    frame = pd.read_parquet(path).drop_duplicates(["userid_DI", "course_id_DI"])
    year = frame["course_start"].str.slice(0, 4).astype(int)
    quarter = frame["course_start"].str.slice(-1).astype(int)
    moment = ((year - 2014) * 4 + quarter).to_numpy() * QUARTER_SECONDS
    log = make_log(
        frame["userid_DI"].to_numpy(), frame["course_id_DI"].to_numpy(), moment, "enrolled"
    )
    field = dict(zip(frame["course_id_DI"].astype(str), frame["discipline"], strict=True))
    entries = [
        CatalogueItem(item, f"{field[item]}, course", type="course") for item in log.item_ids
    ]
    names = sorted(set(field.values()))
    return log, entries, np.array([names.index(field[item]) for item in log.item_ids])


def read_oulad(
    folder: Path, module: str, presentation: str | None = None
) -> tuple[Interactions, list[CatalogueItem]]:
    """First visits of a module's presentation, or of all, by learners with at least five sites.

    Learners are named by their presentation, then by their number.
    """
    filters = [("code_module", "==", module)]
    if presentation:
        filters.append(("code_presentation", "==", presentation))
    visits = pd.read_parquet(folder / "studentVle_ds", filters=filters)
    visits = visits.dropna(subset=["id_student", "id_site", "date"])
    who = (
        visits["code_presentation"].astype(str) + " " + visits["id_student"].astype(int).astype(str)
    )
    visits = visits.assign(who=who, id_site=visits["id_site"].astype(int))
    first = visits.groupby(["who", "id_site"], as_index=False)["date"].min()
    first = first[first.groupby("who")["id_site"].transform("size") >= 5]
    moment = (first["date"].to_numpy().astype(int) + 1000) * 86_400
    log = make_log(first["who"].to_numpy(), first["id_site"].to_numpy(), moment, "viewed")
    kind = pd.read_parquet(folder / "vle.parquet").set_index("id_site")["activity_type"]
    return log, [CatalogueItem(item, str(kind.get(float(item), ""))) for item in log.item_ids]


def keep(split: Split, members: NDArray[np.bool_], seed: int) -> Split:
    """One platform: the rows and targets of some learners."""
    train, rows = split.train, members[split.train.learner]
    chosen = np.flatnonzero(members[split.learner]).astype(np.int64)
    small = replace(
        train,
        learner=train.learner[rows],
        item=train.item[rows],
        timestamp=train.timestamp[rows],
        order=train.order[rows],
        verb=train.verb[rows],
        score=train.score[rows],
    )
    return replace(
        split,
        train=small,
        learner=split.learner[chosen],
        known=split.known.select(chosen),
        held_out=split.held_out.select(chosen),
    ).sample(TARGETS, seed)


def by_key(split: Split, key: NDArray[np.int64], names: str) -> dict[str, NDArray[np.bool_]]:
    """Masks of learners by the key of each target; learners without a target belong to nobody."""
    found = {}
    for value in np.unique(key):
        mask = np.zeros(len(split.train.learner_ids), dtype=bool)
        mask[split.learner[key == value]] = True
        if mask.sum() >= 20:
            found[f"{names} {value}"] = mask
    return found


def by_popularity(split: Split, bands: int) -> dict[str, NDArray[np.bool_]]:
    """Bands of equal size by the mean popularity of the known items."""
    popularity = np.bincount(split.known.items, minlength=len(split.train.item_ids))
    owner = np.repeat(np.arange(len(split.known)), split.known.lengths())
    mean = np.bincount(owner, popularity[split.known.items]) / split.known.lengths()
    band = np.argsort(np.argsort(-mean, kind="stable")) * bands // mean.size
    return by_key(split, band, "popularity band")


def by_start(split: Split, bands: int) -> dict[str, NDArray[np.bool_]]:
    """Bands of equal size by when a learner's first known item was visited, the oldest first."""
    train = split.train
    began = np.full(len(train.learner_ids), np.iinfo(np.int64).max)
    np.minimum.at(began, train.learner, train.timestamp)
    order = np.argsort(began[split.learner], kind="stable")
    band = np.empty(order.size, dtype=np.int64)
    band[order] = np.arange(order.size) * bands // order.size
    return by_key(split, band, "start band")


def by_presentation(split: Split) -> dict[str, NDArray[np.bool_]]:
    """The presentations of an OULAD module, in the order of their names."""
    names = [split.train.learner_ids[who].split(" ")[0] for who in split.learner]
    return by_key(split, np.unique(names, return_inverse=True)[1], "presentation")


def by_size(split: Split, sizes: tuple[int, ...], seed: int) -> dict[str, NDArray[np.bool_]]:
    """Platforms of given sizes, drawn at random."""
    order = np.random.default_rng([seed, 43]).permutation(split.learner)
    found, first = {}, 0
    for size in sizes:
        if first + size > order.size:
            break
        mask = np.zeros(len(split.train.learner_ids), dtype=bool)
        mask[order[first : first + size]] = True
        found[f"{size} learners"] = mask
        first += size
    return found


def only(model: ServingModel, part: str) -> ServingModel:
    """The model with one part alone."""
    return replace(model, blend=blend_weights({part: 1.0}))


def hits(model: ServingModel, split: Split) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """HR@10 and NDCG@10 of each target, the best-ranked held-out item counting."""
    outcome = evaluate(StatisticsModel(model), split, len(split.train.item_ids), depth=10)
    best = np.full(outcome.targets, np.iinfo(np.int64).max)
    np.minimum.at(best, outcome.learner, outcome.rank)
    found = best <= 10
    return found.astype(float), np.where(found, 1.0 / np.log2(np.minimum(best, 10) + 1.0), 0.0)


def measure(
    split: Split,
    platforms: Mapping[str, NDArray[np.bool_]],
    entries: list[CatalogueItem],
    args: argparse.Namespace,
    seed: int,
    floors: tuple[bool, ...] = (True, False),
) -> Iterator[dict[str, object]]:
    """One record a platform."""
    verbs = ("enrolled", "viewed")
    splits = {name: keep(split, mask, seed) for name, mask in platforms.items()}
    text, head = fit_text(entries), np.arange(len(entries), dtype=np.int32)
    sums = sum_platforms([one.train for one in splits.values()], verbs)
    anchors = anchors_by_bracket({name: int(mask.sum()) for name, mask in platforms.items()})
    merged = run_open(
        sums, privacy_for(args.epsilon), np.array([name in anchors for name in platforms]), seed
    )
    for index, (name, one) in enumerate(splits.items()):
        for floor in floors:
            limits = {} if floor else {"pair_floor": 0, "learner_floor": 0}
            common = {"catalogue": entries, "interactions": one.train, "verbs": verbs}
            common |= {"text": text, "prior": args.prior, **limits}
            seen = {"head": head, "merged": merged.seen_by(index)}
            default = fit_serving(**common, **seen)
            fitted, mix = fit_mixed(**common, **seen, ties=split.ties)
            alone = fit_serving(**common)
            models = {
                "text": only(alone, "text"),
                "own popularity": only(alone, "own_popularity"),
                "own exact": alone,
                "merged": default.shared_only(),
                "default blend": default,
                "fitted blend": fitted,
            }
            scored = {label: hits(model, one) for label, model in models.items()}
            facts = {"platform": name, "learners": int(platforms[name].sum()), "floor": floor}
            yield {**facts, "mix_fitted": mix.fitted, **describe(scored)}


def describe(
    scored: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> dict[str, object]:
    """Means, the best single ingredient by NDCG, and paired differences in standard errors."""
    single = max(list(scored)[:4], key=lambda label: scored[label][1].mean())
    record: dict[str, object] = {}
    for label, (hit, gain) in scored.items():
        record[label] = [round(float(hit.mean()), 4), round(float(gain.mean()), 4)]
    record["best single"] = single
    record["se"] = round(float(scored[single][0].std() / np.sqrt(len(scored[single][0]))), 4)
    for blend in ("default blend", "fitted blend"):
        paired = scored[blend][1] - scored[single][1]
        error = max(float(paired.std() / np.sqrt(paired.size)), 1e-9)
        record[f"{blend} - best"] = [round(float(paired.mean()), 4), round(error, 4)]
    return record


def floors_of(records: list[dict[str, object]]) -> list[bool]:
    """With R17's floor first."""
    return sorted({bool(record["floor"]) for record in records}, reverse=True)


def summarise(records: list[dict[str, object]], name: str, *, floor: bool) -> None:
    """Print in how many cells each blend is above or below the best single ingredient."""
    cells = [record for record in records if record["floor"] == floor]
    for blend in ("default blend", "fitted blend"):
        gaps = np.array([record[f"{blend} - best"] for record in cells], dtype=float)
        sd = gaps[:, 0] / np.maximum(gaps[:, 1], 1e-4)  # rounded: 0 where nothing differs
        print(
            json.dumps(
                {
                    "cuts": name,
                    "blend": blend,
                    "floor": floor,
                    "cells": len(cells),
                    "mean NDCG@10 above the best single": round(float(gaps[:, 0].mean()), 4),
                    "below": int((gaps[:, 0] < 0).sum()),
                    "below by 1 s.e.": int((sd < -1).sum()),
                    "below by 2 s.e.": int((sd < -2).sum()),
                    "above by 2 s.e.": int((sd > 2).sum()),
                }
            ),
            flush=True,
        )


Cut = tuple[str, Split, dict[str, "NDArray[np.bool_]"], list[CatalogueItem]]


def canvas_cuts(path: Path | None, seed: int) -> Iterator[Cut]:
    """Cuts of Canvas Network; none without its file."""
    if path is None:
        return
    log, entries, field = read_canvas(path)
    split = leave_last_out(log, ("enrolled",), ties="one", seed=seed)
    first = split.known.items[split.known.start[:-1]]
    yield "canvas, first discipline", split, by_key(split, field[first], "field"), entries
    yield "canvas, popularity", split, by_popularity(split, BANDS), entries
    yield "canvas, start", split, by_start(split, 4), entries
    yield "canvas, size", split, by_size(split, SIZES, seed), entries


def oulad_cuts(folder: Path | None, seed: int) -> Iterator[Cut]:
    """Cuts of OULAD: of one presentation, and whole modules; none without its folder."""
    if folder is None:
        return
    log, entries = read_oulad(folder, "BBB", "2013J")
    split = leave_last_out(log, ("viewed",), ties="set", seed=seed)
    yield "oulad, popularity", split, by_popularity(split, 3), entries
    yield "oulad, size", split, by_size(split, (20, 60, 200, 1_000), seed), entries
    for module in MODULES:
        log, entries = read_oulad(folder, module)
        split = leave_last_out(log, ("viewed",), ties="set", seed=seed)
        yield f"oulad, module {module}", split, by_presentation(split), entries


def main() -> None:
    """Cut, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--canvas", type=Path)
    parser.add_argument("--oulad", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--epsilon", type=float, default=4.0)
    parser.add_argument("--prior", choices=("network", "none"), default="network")
    parser.add_argument("--settings", default="", help="only those whose name holds this text")
    parser.add_argument("--served", action="store_true", help="only with R17's floor, as served")
    args = parser.parse_args()
    records = []
    for seed in range(args.seeds) if args.seed is None else (args.seed,):
        settings = chain(canvas_cuts(args.canvas, seed), oulad_cuts(args.oulad, seed))
        for name, split, platforms, entries in settings:
            if args.settings not in name:
                continue
            floors = (True,) if args.served else (True, False)
            for record in measure(split, platforms, entries, args, seed, floors):
                records.append({"setting": name, "seed": seed, **record})
                print(json.dumps(records[-1]), flush=True)
    for name in dict.fromkeys(str(record["setting"]) for record in records):
        for floor in floors_of(records):
            summarise([r for r in records if r["setting"] == name], name, floor=floor)
    for floor in floors_of(records):
        summarise(records, "all", floor=floor)


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(json.dumps({"seconds": round(time.perf_counter() - began)}))
