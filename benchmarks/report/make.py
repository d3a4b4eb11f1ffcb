"""Make the tables and plots of docs/results.md from the logs that ship.

Usage: python benchmarks/report/make.py [--seeds 3] [--only SECTION] [--redraw]

`make results` runs it. Records go to benchmarks/results/results.jsonl, tables between the markers
of docs/results.md, plots under docs/images/. `--redraw` lays the stored records out again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import measures  # noqa: E402 - siblings
import pages  # noqa: E402

from platform_adapters.catalogues.table import read_catalogue  # noqa: E402
from platform_adapters.training_sets import frame_interactions, read_frame, verbs_for  # noqa: E402
from recommender.statistics.fit import align_items  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = ROOT / "benchmarks" / "results" / "results.jsonl"
PAGE = ROOT / "docs" / "results.md"
COURSE = ROOT / "data_samples" / "oulad_bbb"
MEASURES = {
    "models": measures.models,
    "learners": measures.learners,
    "platforms": measures.platforms,
    "rounds": measures.rounds,
    "new items": measures.new_items,
    "new learners": measures.new_learners,
    "new platform": measures.new_platform,
}
REPEATS = {"new items": 5}
"""More seeds where a few items decide."""
LOGS = ("Canvas Network", "OULAD BBB")
LOGS_OF = {"rounds": LOGS[:1]}
"""Inside one course there is nothing to gain by merging, in one round or several."""


def read_log(name: str) -> measures.Log:
    """One of `LOGS`."""
    if name == "OULAD BBB":
        frame = read_frame(COURSE / "interactions.csv.gz")
        entries = list(read_catalogue(COURSE / "catalogue.csv.gz"))
        keys = [entry.item for entry in entries]
        verbs = verbs_for("items")
        platforms = {
            str(platform).capitalize(): align_items(
                frame_interactions(rows, level="items", verbs=verbs), keys
            )
            for platform, rows in frame.groupby("platform", sort=True)
        }
        return measures.Log(name, platforms, entries, verbs, "set")
    path = ROOT / "benchmarks" / "recommender_statistics.py"
    spec = importlib.util.spec_from_file_location("sample_reader", path)
    assert spec is not None
    assert spec.loader is not None
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    platforms, entries = reader.read_sample()
    return measures.Log(name, platforms, entries, reader.VERBS, "one")


def measure(job: tuple[str, str, int]) -> list[measures.Record]:
    """The records of one section, log and seed."""
    section, name, seed = job
    began = time.perf_counter()
    records = list(MEASURES[section](read_log(name), seed))
    seconds = time.perf_counter() - began
    print(f"{section}, {name}, seed {seed}: {seconds:.0f} s", flush=True)
    return records


def measure_all(sections: tuple[str, ...], seeds: int, processes: int) -> list[measures.Record]:
    """All records, in the order of section, log and seed, whoever measures them."""
    jobs = [
        (section, log, seed)
        for section in sections
        for log in LOGS_OF.get(section, LOGS)
        for seed in range(seeds * REPEATS.get(section, 1))
    ]
    with ProcessPoolExecutor(processes) as pool:
        return [record for records in pool.map(measure, jobs) for record in records]


def stored() -> Iterator[measures.Record]:
    """The records of the last run."""
    with RECORDS.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main() -> None:
    """Measure what is asked, keep the other records, write page and plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=MEASURES, help="measure this section alone")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    records = list(stored()) if RECORDS.exists() and (args.only or args.redraw) else []
    if not args.redraw:
        sections = (args.only,) if args.only else tuple(MEASURES)
        records = [record for record in records if record["section"] not in sections]
        records += measure_all(sections, args.seeds, args.processes)
        lines = [json.dumps(_rounded(record)) + "\n" for record in records]
        RECORDS.write_text("".join(lines), encoding="utf-8")
    records = list(stored())
    PAGE.write_text(
        pages.put(PAGE.read_text(encoding="utf-8"), pages.generated(records)), encoding="utf-8"
    )
    for path in pages.draw(records, ROOT / "docs" / "images"):
        print(path.relative_to(ROOT))


def _rounded(record: measures.Record) -> measures.Record:
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name, value in record.items()
    }


if __name__ == "__main__":
    main()
