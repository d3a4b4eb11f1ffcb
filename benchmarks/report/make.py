"""Make the tables and plots of docs/results.md from the logs that ship.

Usage: python benchmarks/report/make.py [--seeds 3] [--only SECTION] [--redraw] [--fresh]

`make results` runs it. Records go to benchmarks/results/results.jsonl, tables between the markers
of docs/results.md, plots under docs/images/. `--redraw` lays the stored records out again.

Each measurement is kept beside the records as soon as it is made: whatever ends a run, the next one
goes on where it was. What other code or data measured is measured again; `--fresh` measures all.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, wait
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import measures  # noqa: E402 - siblings
import pages  # noqa: E402
import plots  # noqa: E402
from kept import Kept, version_of  # noqa: E402

from api.cli.output import progress  # noqa: E402
from platform_adapters.catalogues.table import read_catalogue  # noqa: E402
from platform_adapters.training_sets import read_table, verbs_for  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from multiprocessing.queues import SimpleQueue

RECORDS = ROOT / "benchmarks" / "results" / "results.jsonl"
NEVER_WORSE = RECORDS.with_name("recommender_never_worse.jsonl")
KEPT = RECORDS.with_name("results.kept.jsonl")
CODE = ("recommender", "platform_adapters", "benchmarks/report/measures.py")
"""What is measured, what reads the logs, how it is measured."""

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


Job = tuple[str, str, int]
"""Section, log and seed."""


@cache
def read_log(name: str) -> measures.Log:
    """One of `LOGS`."""
    if name == "OULAD BBB":
        table = read_table(COURSE / "interactions.csv.gz", part="platform")
        entries = list(read_catalogue(COURSE / "catalogue.csv.gz"))
        keys = [entry.item for entry in entries]
        verbs = verbs_for("items")
        platforms = {
            str(part).capitalize(): table.interactions(
                level="items", verbs=verbs, part=part, item_ids=keys
            )
            for part in table.parts or ()
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


def version() -> str:
    """Of everything that a figure is measured with and on."""
    data = sorted(path for path in (ROOT / "data_samples").rglob("*") if path.is_file())
    return version_of(
        [*(ROOT / name for name in CODE), *(p for p in data if ".py" not in p.suffixes)]
    )


def measure(job: Job, kept: Kept, say: Callable[[str], None]) -> None:
    """Measure what is not kept of one section, log and seed."""
    section, name, seed = job
    done = kept.read()
    for step in MEASURES[section](read_log(name), seed):
        key = (section, name, seed, step.name)
        if key not in done:
            say(f"{section}, {name}, seed {seed}: {step.name}")
            began = time.perf_counter()
            kept.add(key, step.measure(), time.perf_counter() - began)


def jobs_of(sections: Iterable[str], seeds: int) -> list[Job]:
    """What is to be measured, in the order of the records."""
    return [
        (section, log, seed)
        for section in sections
        for log in LOGS_OF.get(section, LOGS)
        for seed in range(seeds * REPEATS.get(section, 1))
    ]


def measure_all(jobs: Sequence[Job], kept: Kept, processes: int) -> list[measures.Record]:
    """All records in the order of the jobs, whoever measures them.

    A worker ends with the process that asked for it, whatever ends that.
    """
    words: SimpleQueue[str] = get_context().SimpleQueue()
    with (
        ProcessPoolExecutor(processes, initializer=_begin, initargs=(kept, words)) as pool,
        progress(len(jobs), "Measuring") as ticker,
    ):
        pending = {pool.submit(_work, job) for job in jobs}
        try:
            while pending:
                ended, pending = wait(pending, timeout=0.5)
                for job in ended:
                    job.result()
                    ticker.advance()
                while not words.empty():
                    ticker.advance(0, words.get())
        except KeyboardInterrupt:
            said = f"{len(kept.read())} measurements are kept; the same command goes on from there."
            print(f"\nStopped. {said}", file=sys.stderr, flush=True)
            os._exit(130)  # not waiting for the workers, who see that we are gone
    held = kept.read()
    return [record for job in jobs for key in held if key[:3] == job for record in held[key]]


_worker: tuple[Kept, SimpleQueue[str]]


def _begin(kept: Kept, words: SimpleQueue[str]) -> None:
    """Make this process a worker."""
    global _worker  # noqa: PLW0603 - how a pool tells its workers what all jobs share
    _worker = (kept, words)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: Job) -> None:
    kept, words = _worker
    measure(job, kept, words.put)


def stored() -> Iterator[measures.Record]:
    """The records of the last run."""
    return lines_of(RECORDS)


def lines_of(path: Path) -> Iterator[measures.Record]:
    """What a file of lines holds."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def store(records: Iterable[measures.Record]) -> None:
    """Replace the records, whole or not at all."""
    new = RECORDS.with_suffix(".new")
    new.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    new.replace(RECORDS)


def main() -> None:
    """Measure what is asked and not kept, store all records, write page and plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=MEASURES, help="measure this section alone")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    parser.add_argument("--fresh", action="store_true", help="measure again what is kept, too")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    if not args.redraw:
        sections = (args.only,) if args.only else tuple(MEASURES)
        kept = Kept(KEPT, version())
        if args.fresh:
            kept.forget()
        others = [r for r in stored() if args.only and r["section"] not in sections]
        store([*others, *measure_all(jobs_of(sections, args.seeds), kept, args.processes)])
    records = list(stored())
    PAGE.write_text(
        pages.put(PAGE.read_text(encoding="utf-8"), pages.generated(records)), encoding="utf-8"
    )
    images = ROOT / "docs" / "images"
    cells = [cell for cell in lines_of(NEVER_WORSE) if cell["prior"] == "none"]
    for path in [*plots.draw(records, images), plots.draw_never_worse(cells, images)]:
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
