"""How much memory does it take to make a training set of a table of many rows?

Usage: python benchmarks/training_sets.py [--rows 10000000] [--learners 200000] [--form csv|parquet]

A table in the order of time, so that no learner's rows stand together, is read in three ways, each
in a process of its own: learner by learner (`file_sequences`, what `training-set` writes), as
arrays (`read_interactions`), and as arrays that are split (`leave_last_out`, what `evaluate` does
before it fits anything). Printed: seconds and the largest resident size
(Linux' VmHWM: what getrusage says counts the parent's, too), and that of a process which has only
loaded the same modules.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from platform_adapters.learner_sequences import file_sequences
from platform_adapters.training_sets import read_interactions, verbs_for
from recommender.evaluation import leave_last_out

ITEMS, START, CHUNK = 5_000, 1_600_000_000, 500_000


def write_table(path: Path, rows: int, learners: int) -> None:
    """Rows in the order of time; a learner's are as far apart as can be."""
    writer = None
    for first in range(0, rows, CHUNK):
        n = pd.Series(range(first, min(rows, first + CHUNK)), dtype="int64")
        who = (n * 7_919) % learners
        frame = pd.DataFrame(
            {
                "event_id": "e" + n.astype(str).str.zfill(35),
                "learner": "lp1_abcdefgh_" + who.astype(str).str.zfill(26),
                "item": "https://lms.example/activity/"
                + ((n // learners * 97 + n * 31) % ITEMS).astype(str),
                "timestamp": START + n,
                "verb": "viewed",
                "score": n % 101 / 100,
                "course": "https://lms.example/course/" + (n % 40).astype(str),
            }
        )
        if path.suffix == ".parquet":
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        else:
            frame.to_csv(path, index=False, header=not first, mode="w" if not first else "a")
    if writer is not None:
        writer.close()


def measure(way: str, path: Path) -> dict[str, object]:
    """Read a table in one of the ways; runs in a process of its own."""
    started, rows, learners = time.process_time(), 0, 0
    verbs = verbs_for("items")
    if way == "sequences":
        for own in file_sequences(path, level="items", verbs=verbs):
            rows, learners = rows + len(own), learners + 1
    elif way == "arrays":
        found = read_interactions(path, level="items", verbs=verbs)
        rows, learners = len(found), len(found.learner_ids)
    elif way == "split":
        split = leave_last_out(read_interactions(path, level="items", verbs=verbs), verbs)
        rows, learners = len(split.train), len(split.known)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    seconds = time.process_time() - started
    return {"way": way, "rows": rows, "learners": learners, "seconds": seconds, "peak_mb": peak}


def main() -> None:
    """Write the table, read it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--learners", type=int, default=200_000)
    parser.add_argument("--form", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--way", choices=["nothing", "sequences", "arrays", "split"])
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measure(given.way, given.table)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / f"table.{given.form}"
        write_table(table, given.rows, given.learners)
        print(f"{given.rows:,} rows, {table.stat().st_size / 2**20:,.0f} MB of {given.form}")
        for way in ("nothing", "sequences", "arrays", "split"):
            command = [sys.executable, __file__, "--way", way, "--table", str(table)]
            made = subprocess.run(command, check=True, capture_output=True, text=True)
            record = json.loads(made.stdout)
            print(
                f"{way:>10}: {record['rows']:>11,} rows of {record['learners']:,} learners, "
                f"{record['seconds']:6.1f} CPU s, at most {record['peak_mb']:,.0f} MB"
            )


if __name__ == "__main__":
    main()
