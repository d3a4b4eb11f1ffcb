"""Were a release's constants chosen on the very logs that show them? Choose them without each log.

Usage: python benchmarks/recommender_constants.py [--oulad FOLDER] [--knobs NAME,...] [--seeds 1]
           [--prior none|network] [--lines FILE]

A knob is a constant that was chosen by hand: what the blocks of a vector weigh (ADR 0075), what
starts weigh and how soon they are forgotten (ADR 0075), the strata of the prior and what the prior
network counts beside them (ADR 0077). Each value is measured on every log, at two numbers of
learners and epsilons, all else as served, with the same noise: HR@10 of the last items of learners
whom training saw, and of the first three items of a fifth whom it never saw; the figure is the mean
of both. Then each log is left out: the value that is best on the others, and what the left-out log
loses by it against its own best; beside it what it loses by the served value.

Logs: Canvas Network and OULAD BBB of data_samples/, with `--oulad` five modules of OULAD more
(studentVle_ds/). `--lines` keeps the measurements: what a file holds is not measured again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import argparse
import json
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "report")]

import recommender_never_worse as cuts  # noqa: E402 - siblings
from make import read_log  # noqa: E402
from measures import _next_item as next_item  # noqa: E402
from measures import only  # noqa: E402

from recommender import trial  # noqa: E402
from recommender.evaluation import evaluate, leave_last_out  # noqa: E402
from recommender.metrics import hit_rate  # noqa: E402
from recommender.models import STATISTICS, Training, fit_model  # noqa: E402
from recommender.release.manifest import default_manifest  # noqa: E402
from recommender.statistics import blend, covariates, starts  # noqa: E402
from recommender.statistics.sequences import build_sequences  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recommender.catalogue import CatalogueItem
    from recommender.interactions import Interactions

WHOLE = 4_096
TARGETS = 2_000
NEW = 0.2
MODULES = {"AAA": "2013J", "CCC": "2014B", "DDD": "2014J", "FFF": "2013J", "GGG": "2013J"}


def weights(together: float, direction: float, popularity: float, begin: int) -> tuple[int, ...]:
    """Block weights of whole norm: starts as given, the others in proportion."""
    left = np.sqrt(WHOLE**2 - begin**2) / np.linalg.norm([together, direction, popularity])
    return (*(int(left * each) for each in (together, direction, popularity)), begin)


SERVED = (3_665, 1_220, 1_220, 600)
KNOBS: Mapping[str, Mapping[str, Any]] = {
    "blocks: starts": {
        "0": weights(3, 1, 1, 0),
        "300": weights(3, 1, 1, 300),
        "600": SERVED,
        "1000": weights(3, 1, 1, 1_000),
        "1500": weights(3, 1, 1, 1_500),
    },
    "blocks: pairs, direction, popularity": {
        "2:1:1": weights(2, 1, 1, 600),
        "3:1:1": SERVED,
        "3:1:1.5": weights(3, 1, 1.5, 600),
        "3:1.5:1": weights(3, 1.5, 1, 600),
        "4:1:1": weights(4, 1, 1, 600),
        "3:.6:.6": weights(3, 0.6, 0.6, 600),
    },
    "starts: weight, half length": {
        "0.2, 15": (0.2, 15.0),
        "0.4, 5": (0.4, 5.0),
        "0.4, 15": (0.4, 15.0),
        "0.4, 45": (0.4, 45.0),
        "0.8, 5": (0.8, 5.0),
        "0.8, 15": (0.8, 15.0),
        "1.2, 15": (1.2, 15.0),
        "1.2, 45": (1.2, 45.0),
        "1.6, 45": (1.6, 45.0),
    },
    "strata": {
        "1": (),
        "3": (0.8, 0.99),
        "5": (0.5, 0.8, 0.95, 0.99),
        "8": (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99),
    },
    "share of the network": {"0": 0.0, "0.3": 0.3, "0.5": 0.5, "0.7": 0.7, "1": 1.0},
}
CHOSEN = {
    "blocks: starts": "600",
    "blocks: pairs, direction, popularity": "3:1:1",
    "starts: weight, half length": "1.2, 15",
    "strata": "5",
    "share of the network": "0.7",
}
PLACES = {
    "starts: weight, half length": ((blend, "STARTS_WEIGHT"), (starts, "HALF_LENGTH")),
    "strata": ((covariates, "LEVELS"),),
    "share of the network": ((covariates, "NETWORK_SHARE"),),
}


@contextmanager
def turned(knob: str, value: Any) -> Iterator[None]:  # noqa: ANN401 - a constant's
    """With another value of a constant."""
    if knob in PLACES:
        places = PLACES[knob]
        values = value if len(places) > 1 else (value,)
        with ExitStack() as stack:
            for place, each in zip(places, values, strict=True):
                stack.enter_context(patch.object(*place, each))
            yield
        return

    def made(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - those of `default_manifest`
        manifest = default_manifest(*args, **options)
        blocks = zip(manifest.blocks, value, strict=True)
        kept = tuple(replace(block, weight=weight) for block, weight in blocks if weight)
        return replace(manifest, blocks=kept)

    with patch.object(trial, "default_manifest", made):
        yield


@dataclass(frozen=True, eq=False)
class Case:
    """A log, some of whose learners training sees."""

    rows: Interactions
    entries: Sequence[CatalogueItem]
    verbs: Sequence[str]
    ties: Any

    def measure(self, learners: int | None, epsilon: float, seed: int, prior: str) -> list[float]:
        """HR@10 of the last items of learners seen, of the first three of new ones."""
        rng = np.random.default_rng([seed, 61])
        order = rng.permutation(len(self.rows.learner_ids))
        new = np.zeros(order.size, dtype=bool)
        new[order[: int(NEW * order.size)]] = True
        seen = order[int(NEW * order.size) :][:learners]
        chosen = np.isin(np.arange(order.size), seen)
        split = leave_last_out(
            only(self.rows, chosen[self.rows.learner]), self.verbs, ties=self.ties, seed=seed
        )
        training = Training(
            split.train, self.verbs, self.entries, epsilon, seed=seed, prior=prior, ties=self.ties
        )
        model = fit_model(STATISTICS, training)
        ties = rng.integers(0, 2**63, len(self.rows), dtype=np.int64).astype(np.uint64)
        told = build_sequences(self.rows, self.verbs, ties)
        begin = [next_item(self.rows, told, new, known) for known in range(3)]
        found = [
            float(
                hit_rate(evaluate(model, one.sample(TARGETS, seed), len(self.entries)), 10).mean()
            )
            for one in (split, *begin)
        ]
        return [found[0], float(np.mean(found[1:]))]


def read_logs(oulad: Path | None) -> Iterator[tuple[str, Case]]:
    """The logs that ship, and others where they are at hand."""
    for name in ("OULAD BBB", "Canvas Network"):
        log = read_log(name)
        yield name, Case(log.pooled(), log.entries, log.verbs, log.ties)
    for module, presentation in MODULES.items() if oulad else ():
        rows, entries = cuts.read_oulad(oulad, module, presentation)
        yield f"OULAD {module}", Case(rows, entries, ("viewed",), "set")


def measure_all(
    logs: Iterable[tuple[str, Case]], args: argparse.Namespace, done: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A record of each value of each knob on each log, learners, epsilon and seed."""
    kept = {json.dumps(record["key"]): record for record in done}
    records = []
    for name, case in logs:
        whole = len(case.rows.learner_ids)
        sizes = [None, 5_000 if whole > 10_000 else whole // 3]
        for size, epsilon, seed in product(sizes, (4.0, 1.0), range(args.seeds)):
            for knob, value in plan(args.knobs, args.prior):
                key = [name, size or whole, epsilon, seed, args.prior, knob, value]
                record = kept.get(json.dumps(key))
                if record is None:
                    with ExitStack() as stack:
                        if knob:
                            stack.enter_context(turned(knob, KNOBS[knob][value]))
                        record = {"key": key, "hits": case.measure(size, epsilon, seed, args.prior)}
                    if args.lines:
                        with args.lines.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(record) + "\n")
                records.append(record)
    return records


def plan(knobs: Sequence[str], prior: str) -> list[tuple[str, str]]:
    """What is served, named once, and every other value."""
    values = [
        (knob, value)
        for knob in knobs
        for value in KNOBS[knob]
        if value != CHOSEN[knob] and (prior == "network" or knob != "share of the network")
    ]
    return [("", ""), *values]


def summarise(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    """For each knob what each log loses by the value that is best on the others, and as served."""
    figure = {tuple(record["key"]): float(np.mean(record["hits"])) for record in records}
    for knob in dict.fromkeys(str(key[5]) for key in figure if key[5]):
        gains: dict[str, dict[str, list[float]]] = {}
        for key, value in figure.items():
            if key[5] == knob:
                gain = value - figure[(*key[:5], "", "")]
                gains.setdefault(key[0], {}).setdefault(key[6], []).append(gain)
        table = {
            log: {CHOSEN[knob]: 0.0} | {value: float(np.mean(each)) for value, each in row.items()}
            for log, row in gains.items()
        }
        said = []
        for log, row in table.items():
            others = [each for name, each in table.items() if name != log]
            chosen = max(row, key=lambda value: np.mean([each[value] for each in others]))
            best = max(row, key=row.__getitem__)
            said.append((log, chosen, best, row[best] - row[chosen], row[best]))
        yield {
            "knob": knob,
            "served": CHOSEN[knob],
            "mean gain of others": {
                value: round(float(np.mean([row[value] for row in table.values()])), 4)
                for value in next(iter(table.values()))
            },
            "chosen without": {log: chosen for log, chosen, *_ in said},
            "best with": {log: best for log, _, best, *_ in said},
            "left-out log loses": {log: round(loss, 4) for log, _, _, loss, _ in said},
            "mean loss, left out": round(float(np.mean([each[3] for each in said])), 4),
            "mean loss, as served": round(float(np.mean([each[4] for each in said])), 4),
        }


def main() -> None:
    """Measure, choose without each log, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oulad", type=Path)
    parser.add_argument("--knobs", type=lambda text: text.split(";"), default=list(KNOBS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--prior", choices=("network", "none"), default="none")
    parser.add_argument("--lines", type=Path)
    args = parser.parse_args()
    done = []
    if args.lines and args.lines.exists():
        done = [json.loads(line) for line in args.lines.read_text(encoding="utf-8").splitlines()]
    records = measure_all(read_logs(args.oulad), args, done)
    for line in summarise(records):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
