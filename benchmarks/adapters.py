"""How long does an adapter take, beside a parser that does nothing with the same bytes?

Usage: python benchmarks/adapters.py [--rows 60000] [--repeat 3] [--adapter NAME]
       python benchmarks/adapters.py --memory blackboard --rows 10000000

For each adapter a log of so many rows is written (of learners and items that recur, no event
twice), parsed with orjson or csv alone, and then converted, pseudonymised and counted. Both run in
turn in one process; the best of the repeats counts, in seconds of this process. Between them stands
the least that Python can do: parse, and make of each record its event id (SHA-1), one row of 22
columns and a mark that it was seen, with nothing looked up, checked or told apart.
`--memory` reads one log of any length in a process of its own and gives its largest resident size.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from platform_adapters.contract import AdaptOptions, Interaction
from platform_adapters.convert import convert
from platform_adapters.fingerprints import Fingerprints
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from platform_adapters.values import many_ids

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples" / "canvas_network_four_platforms"
LOGS = {"xapi": "alder", "canvas": "birch", "openedx": "cedar"}
"""Adapters of JSON lines: records of the sample, with another number each time."""

PEOPLE, ITEMS = 5_000, 300
_64_BITS = (1 << 64) - 1
Maker = Callable[[int], str]


def _when(row: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_709_283_600 + row))


TABLES: dict[str, tuple[str, Maker]] = {
    "table": (
        "learner,item,timestamp,verb,raw,max,course",
        lambda n: f"u{n % PEOPLE},i{n % ITEMS},{_when(n)}+00:00,answered,{n % 10},10,c",
    ),
    "moodle": (
        "id,eventname,component,userid,courseid,contextlevel,contextinstanceid,relateduserid,"
        "anonymous,other,timecreated,origin,realuserid",
        lambda n: (
            f"{n},\\mod_page\\event\\course_module_viewed,mod_page,{n % PEOPLE + 3},7,70,"
            f"{n % ITEMS},,0,N;,{1_709_283_600 + n},web,"
        ),
    ),
    "blackboard": (
        "pk1,event_type,user_pk1,course_pk1,group_pk1,forum_pk1,internal_handle,content_pk1,data,"
        "timestamp,status,session_id",
        lambda n: (
            f"{n},CONTENT_ACCESS,{n % PEOPLE},17,,,course_contents,{n % ITEMS},Cell walls,"
            f"{_when(n)},1,{n // 30}"
        ),
    ),
    "sakai": (
        "EVENT_ID,EVENT_DATE,EVENT,REF,CONTEXT,SESSION_ID,EVENT_CODE",
        lambda n: f"{n},{_when(n)},content.read,/content/group/bio/{n % ITEMS},bio,{n % PEOPLE},a",
    ),
    "kolibri": (
        "Facility name,Username,User type,Channel id,Content id,Time of first interaction,"
        "Time of last interaction,Time Spent (sec),Progress (0-1),Content kind",
        lambda n: (
            f"Nalanda,user{n % PEOPLE},Learner,36697f2b0c64,{n % ITEMS:032x},{_when(n)}+03:00,"
            f"{_when(n + 60)}+03:00,{n % 900}.5,0.25,video"
        ),
    ),
    "scorm": (
        "id,userid,scormid,scoid,attempt,element,value,timemodified",
        lambda n: (
            f"{n},{n % PEOPLE},7,{n % ITEMS},1,cmi.core.lesson_status,completed,{1_709_283_600 + n}"
        ),
    ),
    "ilias": (
        "obj_id,usr_id,last_access,read_count,spent_seconds,first_access",
        lambda n: f"{n % ITEMS},{n % PEOPLE + 20},{1_709_283_600 + n},2,60,{_when(n)}",
    ),
}
SIDES: dict[str, dict[str, str]] = {
    "blackboard": {
        "users.csv": "users_pk1,crsmain_pk1,role\n" + "".join(f"{n},17,S\n" for n in range(PEOPLE))
    },
    "sakai": {
        "sessions.csv": "session_id,session_user\n" + "".join(f"{n},u{n}\n" for n in range(PEOPLE)),
        "members.csv": "site_id,user_id,role_name\n"
        + "".join(f"bio,u{n},Student\n" for n in range(PEOPLE)),
    },
    "ilias": {
        "objects.csv": "obj_id,type,title\n" + "".join(f"{n},lm,x\n" for n in range(ITEMS)),
        "members.csv": "obj_id,usr_id,admin,tutor\n300,1,1,0\n",
    },
}


def write_log(name: str, rows: int, folder: Path) -> list[Path]:
    """The log first, then what it needs beside it."""
    log = folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as stream:
        if name in TABLES:
            header, maker = TABLES[name]
            stream.write(header + "\n")
            stream.writelines(maker(n) + "\n" for n in range(rows))
        else:
            stream.writelines(_records(name, rows))
    sides = []
    for file, text in SIDES.get(name, {}).items():
        (folder / file).write_text(text, encoding="utf-8")
        sides.append(folder / file)
    return [log, *sides]


def _records(name: str, rows: int) -> Iterator[str]:
    """Records of the sample, again and again, each with a time of its own."""
    adapter, folder = ADAPTERS[name], SAMPLE / LOGS[name]
    logs = adapter.split(sorted(folder.iterdir()))[0]
    originals = [record for log in logs for _, record in adapter.records(log)][:2_000]
    for number in range(rows):
        record = originals[number % len(originals)]
        moment = _when(number).replace(" ", "T") + "Z"
        if name == "xapi":
            record = {**record, "id": f"00000000-0000-4000-8000-{number:012d}"}
        elif name == "canvas":
            record = {**record, "metadata": {**record["metadata"], "event_time": moment}}
        else:
            record = {**record, "time" if "time" in record else "timestamp": moment}
        yield json.dumps(record) + "\n"


def bare(name: str, log: Path) -> float:
    """Seconds of parsing alone."""
    began = time.process_time()
    if name in TABLES:
        with log.open(encoding="utf-8", newline="") as stream:
            for _ in csv.reader(stream):
                pass
    else:
        loads = orjson.loads
        with log.open("rb") as stream:
            for line in stream:
                loads(line)
    return time.process_time() - began


def least(name: str, log: Path) -> float:
    """Seconds of parsing and of what no conversion can leave out."""
    began, seen, made = time.process_time(), Fingerprints(), many_ids(bytes(16))
    with log.open("rb") as stream:
        lines: Iterator[object] = map(orjson.loads, stream)
        if name in TABLES:
            lines = csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
        numbers = iter(enumerate(lines))
        while part := [number for number, _ in islice(numbers, 512)]:
            ids = made([f"{name}:{number}" for number in part])
            for number, event_id in zip(part, ids, strict=True):
                Interaction(event_id, "u", "i", number, None, "viewed")
            seen.add_all([hash(event_id) & _64_BITS for event_id in ids])
    return time.process_time() - began


def adapted(name: str, paths: list[Path]) -> tuple[float, ImportReport]:
    """Seconds of a whole conversion, and its report."""
    report, began = ImportReport(), time.process_time()
    options = AdaptOptions("benchmark", "UTC")
    for _ in convert(ADAPTERS[name], paths, options, Pseudonymiser(new_key()), report):
        pass
    return time.process_time() - began, report


def measure(name: str, rows: int, repeat: int) -> dict[str, object]:
    """Both, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_log(name, rows, Path(folder))
        alone, must, whole = [], [], []
        for _ in range(repeat):
            alone.append(bare(name, paths[0]))
            must.append(least(name, paths[0]))
            seconds, report = adapted(name, paths)
            whole.append(seconds)
    return {
        "adapter": name,
        "rows": report.rows,
        "events": report.events,
        "rows_per_cpu_second": round(report.rows / min(whole)),
        "parse_microseconds": round(min(alone) / rows * 1e6, 2),
        "least_microseconds": round(min(must) / rows * 1e6, 2),
        "adapt_microseconds": round(min(whole) / rows * 1e6, 2),
        "ratio": round(min(whole) / min(alone), 1),
        "least_ratio": round(min(must) / min(alone), 1),
    }


def remember(name: str, rows: int) -> dict[str, object]:
    """The largest resident size of a process that converts one log."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_log(name, rows, Path(folder))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, report = adapted(name, paths)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "adapter": name,
        "rows": report.rows,
        "events": report.events,
        "rows_per_cpu_second": round(report.rows / seconds),
        "megabytes_before": before // 1024,
        "peak_megabytes": after // 1024,
    }


def main() -> None:
    """Measure and print one JSON line for each adapter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--adapter", choices=[*LOGS, *TABLES])
    parser.add_argument("--memory", choices=[*LOGS, *TABLES])
    given = parser.parse_args()
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    if given.memory:
        print(json.dumps({**remember(given.memory, given.rows), **machine}))
        return
    for name in [given.adapter] if given.adapter else [*LOGS, *TABLES]:
        print(json.dumps({**measure(name, given.rows, given.repeat), **machine}), flush=True)


if __name__ == "__main__":
    main()
