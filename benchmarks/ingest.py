"""How many records a second does one core import, from a platform's log into the store?

Usage: python benchmarks/ingest.py [--json FILE]

The largest log of the sample (Moodle, gzip) through the production import: digest, parse, convert,
pseudonymise, store, report; then the same log again, when every row is a duplicate; then reading
it back as arrays for training. The opponent is what an analyst would do without us: pandas'
`read_csv` and `to_sql` of the raw log into SQLite, which converts, hides and checks nothing. Rates
are per second of this process's CPU time, since other work may share the machine.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from api.cli.output import write_json
from api.ingesting import Importer
from api.store.store import Store
from platform_adapters.contract import AdaptOptions
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from platform_adapters.registry import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples" / "canvas_network_four_platforms"
LOG = SAMPLE / "dogwood" / "events.csv.gz"
SIDE = SAMPLE / "dogwood" / "grade_items.csv"


def _timed(what: str, work: Callable[[], int]) -> dict[str, object]:
    wall, cpu = time.perf_counter(), time.process_time()
    rows = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "what": what,
        "rows": rows,
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "rows_per_cpu_second": round(rows / cpu),
    }


def measure(folder: Path) -> list[dict[str, object]]:
    """Every figure, in new files under `folder`."""
    store = Store.open(f"sqlite:///{folder / 'store.sqlite'}", recommend="courses")
    options = AdaptOptions("dogwood", timezone="UTC")
    importer = Importer(store, ADAPTERS["moodle"], options, Pseudonymiser(new_key()))

    def ingest() -> int:
        (record,) = importer.run([LOG, SIDE])
        return int(record["rows"])

    def raw() -> int:
        with sqlite3.connect(folder / "raw.sqlite") as connection:
            frame = pd.read_csv(LOG)
            frame.to_sql("log", connection, index=False)
        connection.close()
        return len(frame)

    with store:
        records = [_timed("ingest", ingest), _timed("ingest again", ingest)]
        records.append(_timed("training arrays", lambda: len(store.training_interactions("local"))))
    records.append(_timed("pandas read_csv + to_sql, raw", raw))
    return records


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = measure(Path(folder))
    for record in records:
        print(f"{record['what']:<32}{record['rows_per_cpu_second']:>10,} rows per CPU second")
    if arguments.json is not None:
        write_json(arguments.json, "benchmark-ingest", {"log": LOG.name}, records)


if __name__ == "__main__":
    main()
