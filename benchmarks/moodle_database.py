"""A large Moodle log out of a live database, against fetching the same rows and doing nothing.

    python benchmarks/moodle_database.py --rows 1000000 --out moodle_database.json

PostgreSQL and MariaDB are started from Debian's packages (see `tests/servers.py`). Printed for
each: CPU seconds of the bare fetch through the same reader, of `murmuration ingest` into a fresh
store, and of an `ingest` that is killed half-way and begun again; peak memory of the ingesting
process. The server's own seconds are not counted; ratios, since seconds are those of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from platform_adapters.formats.moodle.tables import COLUMNS, LOG
from platform_adapters.readers.database import Since, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import DatabaseServer

ROOT = Path(__file__).resolve().parents[1]
CHUNK = 50_000
SERVERS = ("mariadb", "postgresql")
LEARNERS = 20_000

CHILD = """
import os, resource, signal, sys
from api import databases
from api.cli.main import cli

segments, limit = 0, int(sys.argv[1])
store = databases.DatabaseReader._segment

def counted(self, feed, records):
    global segments
    record = store(self, feed, records)
    segments += 1
    if segments == limit:
        os.kill(os.getpid(), signal.SIGKILL)
    return record

databases.DatabaseReader._segment = counted
cli.main(sys.argv[2:], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""The command in a process of its own, which shoots itself after so many segments."""


def rows_of(start: int, count: int) -> Iterator[dict[str, Any]]:
    """A log as sites have it: four views for each completion, all of different modules."""
    view, done = "\\mod_page\\event\\course_module_viewed", "\\core\\event\\course_viewed"
    for number in range(start, start + count):
        yield {
            "id": number,
            "eventname": done if number % 5 == 0 else view,
            "objectid": number % 977,
            "contextlevel": 50 if number % 5 == 0 else 70,
            "contextinstanceid": 7 if number % 5 == 0 else 1_000 + number % 977,
            "userid": 100 + number * 7_919 % LEARNERS,
            "courseid": 7 + number % 13,
            "relateduserid": None,
            "anonymous": 0,
            "other": "null",
            "timecreated": 1_700_000_000 + number,
            "origin": "web",
            "realuserid": None,
        }


def fill(url: sa.URL, rows: int) -> None:
    """Make the log's table with so many rows."""
    texts = {"eventname", "other", "origin"}
    columns = [
        sa.Column(name, sa.Text if name in texts else sa.BigInteger, primary_key=name == "id")
        for name in COLUMNS[LOG]
    ]
    table = sa.Table(f"mdl_{LOG}", sa.MetaData(), *columns)
    engine = sa.create_engine(url)
    table.metadata.create_all(engine)
    for start in range(1, rows + 1, CHUNK):
        with engine.begin() as connection:
            part = list(rows_of(start, min(CHUNK, rows + 1 - start)))
            connection.execute(sa.insert(table), part)
    engine.dispose()


def bare(url: str) -> float:
    """CPU seconds to fetch every row and do nothing."""
    began = time.process_time()
    with open_database(url, "mdl_") as tables:
        for _ in tables.rows(LOG, COLUMNS[LOG], since=Since()):
            pass
    return time.process_time() - began


def children() -> float:
    """CPU seconds of ended child processes; the server has not ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ingest(home: Path, url: str, killed_after: int = 0) -> tuple[float, int]:
    """CPU seconds and peak KiB of `murmuration ingest`, killed after so many segments if any."""
    command = [sys.executable, "-c", CHILD, str(killed_after)]
    command += ["ingest", "moodle", url, "--home", str(home)]
    began = children()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    seconds = children() - began
    if killed_after:
        return seconds, 0
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds, int(done.stdout.split()[-1])


def measure(server: DatabaseServer, rows: int, folder: Path) -> dict[str, Any]:
    """All figures of one server."""

    def made(name: str) -> Path:
        home = folder / f"{server.dialect}-{name}"
        init = [sys.executable, "-c", "from api.cli.main import main; main()", "init"]
        subprocess.run(
            [*init, "--home", home, "--platform", name], cwd=ROOT, capture_output=True, check=True
        )
        return home

    with server.database("moodle") as parsed:
        fill(parsed, rows)
        url = parsed.render_as_string(hide_password=False)
        fetched = bare(url)
        whole, peak = ingest(made("whole"), url)
        home = made("killed")
        first, _ = ingest(home, url, killed_after=max(1, rows // 100_000))
        second, _ = ingest(home, url)
        third, _ = ingest(home, url)
    return {
        "server": server.dialect,
        "rows": rows,
        "fetch_seconds": round(fetched, 2),
        "ingest_seconds": round(whole, 2),
        "ingest_to_fetch": round(whole / fetched, 2),
        "killed_and_resumed_seconds": round(first + second, 2),
        "resumed_to_whole": round((first + second) / whole, 3),
        "nothing_new_seconds": round(third, 2),
        "peak_rss_mb": round(peak / 1024),
    }


def main() -> None:
    """Measure both servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))  # this script's folder stands there; the servers are the tests'
    from tests import servers  # noqa: PLC0415

    records = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.server or SERVERS:
            with getattr(servers, f"{name}_server")() as server:
                records.append(measure(server, options.rows, Path(folder)))
                print(json.dumps(records[-1]))
    if options.out:
        document = {"rows": options.rows, "records": records}
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
