"""How many records a second does one core import, from file to pseudonymised rows?

Usage: python benchmarks/adapters.py [--repeat 3]

Each format's part of the sample is read from its gzip log, parsed, converted, pseudonymised
and counted, in one process; the best of the repeats is given. The three small logs are read
as often as it takes to have at least 20,000 records, each time as another platform.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples" / "canvas_network_four_platforms"
LOGS = {"alder": "xapi", "birch": "canvas", "cedar": "openedx", "dogwood": "moodle"}
ENOUGH = 20_000


def records_per_second(name: str, adapter: str) -> tuple[int, float]:
    """Records read, and how many of them a second."""
    paths = sorted((SAMPLE / name).iterdir())
    pseudonymiser, records, started = Pseudonymiser(new_key()), 0, time.process_time()
    while records < ENOUGH:
        report = ImportReport()
        options = AdaptOptions(platform=f"{name}{records}")
        for _ in convert(ADAPTERS[adapter], paths, options, pseudonymiser, report):
            pass
        records += report.rows
    return records, records / (time.process_time() - started)


def main() -> None:
    """Measure and print one JSON line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    for name, adapter in LOGS.items():
        found = [records_per_second(name, adapter) for _ in range(repeat)]
        records, best = max(found, key=lambda pair: pair[1])
        print(
            json.dumps(
                {
                    "adapter": adapter,
                    "records": records,
                    "records_per_cpu_second": round(best),
                    "python": platform.python_version(),
                    "machine": platform.machine(),
                }
            )
        )


if __name__ == "__main__":
    main()
