"""How fast is an import beside Ralph, the usual toolbox for learning records?

Usage: python benchmarks/ralph.py [--events 40000] [--ralph PATH/TO/bin/ralph]

The same synthetic Open edX video events through `ralph convert -f edx -t xapi` (its one conversion)
and through `murmuration adapt openedx`; the real statements of FUN-MOOC, repeated under
new ids, through `ralph validate -f xapi` and through `murmuration adapt xapi`. Whole commands, both
from a cold start, CPU seconds of each process, in one run. Ralph is a test tool, not a dependency:
`make test-servers` makes its environment, or name another with --ralph.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SAMPLE = Path(__file__).parents[1] / "data_samples" / "xapi_fun_mooc" / "statements.jsonl.gz"
CACHE = Path.home() / ".cache" / "murmuration-tests"
MURMURATION = [sys.executable, "-c", "from api.cli.main import main; main()"]


def tracking_events(count: int) -> Iterator[dict[str, object]]:
    """`play_video` events as a browser sends them."""
    for n in range(count):
        yield {
            "username": f"u{n % 997}",
            "ip": "10.0.0.1",
            "agent": "Mozilla/5.0",
            "host": "lms.example.org",
            "referer": "https://lms.example.org/",
            "accept_language": "en",
            "event_source": "browser",
            "session": "a" * 32,
            "page": "https://lms.example.org/courses/course-v1:Uni+Bio1+2026/courseware",
            "time": f"2026-03-02T10:{n // 60 % 60:02}:{n % 60:02}.{n % 1_000_000:06}+00:00",
            "name": "play_video",
            "event_type": "play_video",
            "event": {
                "id": f"{n % 64:032x}",
                "code": "html5",
                "currentTime": n % 300 + 0.5,
                "duration": 900.0,
            },
            "context": {
                "course_id": "course-v1:Uni+Bio1+2026",
                "org_id": "Uni",
                "path": "/event",
                "user_id": n % 997 + 1,
                "course_user_tags": {},
            },
        }


def statements(count: int) -> Iterator[dict[str, object]]:
    """Real statements, again and again under new ids."""
    with gzip.open(SAMPLE, "rb") as lines:
        real = [json.loads(line) for line in lines]
    for n in range(count):
        name = uuid.uuid5(uuid.NAMESPACE_OID, str(n))
        # Version 4 is what Ralph demands.
        yield {**real[n % len(real)], "id": str(uuid.UUID(bytes=name.bytes, version=4))}


def cpu_seconds(command: Sequence[object], source: Path) -> float:
    """CPU time of a command that reads `source` from its standard input."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with source.open("rb") as lines:
        subprocess.run(
            [str(part) for part in command],
            stdin=lines,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compared(what: str, theirs: Sequence[object], adapter: str, log: Path, count: int) -> None:
    """Measure both and print one JSON line."""
    ours = [*MURMURATION, "adapt", adapter, log, "--out", log.with_suffix(".csv")]
    seconds = {"ralph": cpu_seconds(theirs, log), "murmuration": cpu_seconds(ours, log)}
    record = {
        "what": what,
        "events": count,
        **{f"{name}_cpu_seconds": round(value, 2) for name, value in seconds.items()},
        "times_as_fast": round(seconds["ralph"] / seconds["murmuration"], 1),
    }
    print(json.dumps(record))


def main() -> None:
    """Print the ratios, or how to get a Ralph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--ralph", type=Path)
    arguments = parser.parse_args()
    place = os.environ.get("MURMURATION_RALPH")
    found = [Path(place) / "bin" / "ralph"] if place else sorted(CACHE.glob("ralph-*/bin/ralph"))
    ralph = arguments.ralph or next(iter(found), None)
    if ralph is None or not ralph.exists():
        print("no Ralph here: `make test-servers` installs one, or name it with --ralph")
        return
    namespace = str(uuid.uuid5(uuid.NAMESPACE_URL, "https://lms.example.org"))
    edx = ["convert", "-f", "edx", "-t", "xapi", "-u", namespace, "-p", "https://lms.example.org"]
    with tempfile.TemporaryDirectory() as folder:
        for name, rows, what, theirs, adapter in (
            ("edx", tracking_events, "Open edX events to xAPI / to our table", edx, "openedx"),
            ("xapi", statements, "statements validated / to our table", ["validate", "-f", "xapi"],
             "xapi"),
        ):  # fmt: skip
            log = Path(folder) / f"{name}.jsonl"
            with log.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows(arguments.events))
            compared(what, [ralph, *theirs], adapter, log, arguments.events)


if __name__ == "__main__":
    main()
