"""How fast is an import beside Ralph, the usual toolbox for learning records?

Usage: python benchmarks/ralph.py [--events 40000] [--statements 3000]

- The same synthetic Open edX events through `ralph convert -f edx -t xapi`, the one conversion that
  it has, and through `murmuration adapt openedx`; both write JSON lines. CPU seconds of the whole
  command, and of what an event costs beyond the start (what a command takes for one event).
- The real statements of FUN-MOOC in a running Ralph: printed by `ralph read -b lrs`, and pulled by
  `murmuration ingest xapi`, which converts, pseudonymises and stores them.
- The same pull, cut off in its middle and resumed, against one that was not.

Everything in one run. Ralph is a test tool in an environment of its own (tests/ralph_server.py).
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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from api.home import PSEUDONYM_KEY, Home
from api.ingesting import Importer
from api.pulling import Puller
from api.settings import load_settings
from api.store.opening import open_store
from platform_adapters.contract import AdaptOptions
from platform_adapters.errors import ReadError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.readers.http import Access, Client
from platform_adapters.readers.lrs import Lrs
from platform_adapters.registry import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data_samples" / "xapi_fun_mooc" / "statements.jsonl.gz"
MURMURATION = [sys.executable, "-c", "from api.cli.main import main; main()"]
PAGE = 250


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


def cpu_seconds(command: Sequence[object], source: Path | None = None) -> float:
    """CPU time of a command, which may read `source` from its standard input."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (source or Path(os.devnull)).open("rb") as lines:
        subprocess.run(
            [str(part) for part in command],
            stdin=lines,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def conversion(folder: Path, program: Path, count: int) -> dict[str, object]:
    """Open edX events to statements, and to our table."""
    logs = {}
    for name, size in (("one", 1), ("all", count)):
        logs[name] = folder / f"{name}.jsonl"
        with logs[name].open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in tracking_events(size))
    namespace = str(uuid.uuid5(uuid.NAMESPACE_URL, "https://lms.example.org"))
    edx = ["convert", "-f", "edx", "-t", "xapi", "-u", namespace, "-p", "https://lms.example.org"]
    seconds: dict[str, dict[str, float]] = {"ralph": {}, "murmuration": {}}
    for name, log in logs.items():
        seconds["ralph"][name] = cpu_seconds([program, *edx], log)
        ours = [*MURMURATION, "adapt", "openedx", log, "--out", folder / f"{name}.out.jsonl"]
        seconds["murmuration"][name] = cpu_seconds(ours)
    beyond = {name: each["all"] - each["one"] for name, each in seconds.items()}
    return {
        "what": "Open edX events converted, JSON lines to JSON lines",
        "events": count,
        "cpu_seconds": {name: round(each["all"], 2) for name, each in seconds.items()},
        "microseconds_an_event": {n: round(v / count * 1e6, 1) for n, v in beyond.items()},
        "times_as_fast": round(seconds["ralph"]["all"] / seconds["murmuration"]["all"], 1),
        "times_as_fast_beyond_the_start": round(beyond["ralph"] / beyond["murmuration"], 1),
    }


class CutOff(Lrs):
    """The reader, with a line that breaks once."""

    breaks_at = -1

    def page(self, cursor):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as its base
        """A page, or no line."""
        self.breaks_at -= 1
        if self.breaks_at == 0:
            raise ReadError("the line breaks")
        return super().page(cursor)


def pull(url: str, access: Access, folder: Path, *, breaks_at: int = -1) -> float:
    """CPU seconds of a pull into a new home; cut off before a page, it is resumed."""
    home = Home(folder)
    home.create('platform = "fun"\n')
    started = resource.getrusage(resource.RUSAGE_SELF)
    with open_store(home, load_settings(home)) as store:
        names = Pseudonymiser(home.read_key(PSEUDONYM_KEY))
        importer = Importer(store, ADAPTERS["xapi"], AdaptOptions("fun"), names)
        source = CutOff(Client(url, access), url, PAGE)
        source.breaks_at = breaks_at
        puller = Puller(importer, source, url)
        with suppress(ReadError):
            list(puller.run())
        if breaks_at > 0:
            list(puller.run())
        ended = resource.getrusage(resource.RUSAGE_SELF)
    return ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime


def pulling(folder: Path, program: Path, count: int) -> Iterator[dict[str, object]]:
    """A real store read by Ralph's own client, by us, and by us in two goes."""
    with gzip.open(SAMPLE, "rb") as lines:
        real = [json.loads(line) for line in lines][:count]
    (folder / "ralph").mkdir()
    from tests import ralph_server  # noqa: PLC0415  # found once the root is on the path

    user, password = ralph_server.USER, ralph_server.PASSWORD
    access = Access(user, password)
    with ralph_server.ralph_store(folder / "ralph") as store:
        store.post(real)
        login = ["--lrs-username", user, "--lrs-password", password]
        address = ["--lrs-base-url", store.url.removesuffix("/xAPI")]
        theirs = cpu_seconds([program, "read", "-b", "lrs", *login, *address])
        ours = pull(store.url, access, folder / "whole")
        resumed = pull(store.url, access, folder / "resumed", breaks_at=len(real) // PAGE // 2 + 1)
    yield {
        "what": "statements of a running Ralph: printed by its client, stored by us",
        "statements": len(real),
        "cpu_seconds": {"ralph": round(theirs, 2), "murmuration": round(ours, 2)},
        "times_as_fast": round(theirs / ours, 1),
    }
    yield {
        "what": "a pull cut off in its middle and resumed, against one that was not",
        "statements": len(real),
        "cpu_seconds": {"whole": round(ours, 2), "resumed": round(resumed, 2)},
        "ratio": round(resumed / ours, 2),
    }


def main() -> None:
    """Print one JSON line for each comparison, or why there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--statements", type=int, default=3_000)
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import pytest  # noqa: PLC0415  # as below

    from tests.ralph_server import ralph  # noqa: PLC0415  # found once the root is on the path

    try:
        program = ralph() / "ralph"
    except pytest.skip.Exception as why:
        print(f"no Ralph here: {why}")
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(json.dumps(conversion(folder, program, arguments.events)))
        for record in pulling(folder, program, arguments.statements):
            print(json.dumps(record))


if __name__ == "__main__":
    main()
