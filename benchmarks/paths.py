"""How long does a path request take in process?

Everything that `serve` does for one request, from the ASGI call to the last byte: key, store,
ranking, reasons, log entry. Cedar of the sample (1,200 learners, 238 items), one request after
the other. The opponent is the same application without a model, which answers in the catalogue's
own order: what is above it is the price of ranking and explaining.

`python benchmarks/paths.py [--requests N] [--json FILE]`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from api.app import create_app
from api.cli.output import write_json
from api.home import Home
from api.security.keys import create_key

if TYPE_CHECKING:
    from fastapi import FastAPI

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples/canvas_network_four_platforms/cedar"
WARM_UP = 50


def run(*args: str) -> None:
    """Run one command of ours."""
    start = "from api.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", start, *args], check=True, stdout=subprocess.DEVNULL)


def make_home(folder: Path) -> Home:
    """Cedar's home, imported and trained."""
    home = str(folder / "cedar")
    run("init", "--home", home, "--platform", "Cedar", "--recommend", "courses")
    run(
        "catalogue",
        "import",
        "--adapter",
        "openedx",
        str(SAMPLE / "catalogue.json"),
        "--home",
        home,
    )
    run("ingest", "openedx", str(SAMPLE / "events.log.gz"), "--home", home)
    run("train", "--home", home)
    return Home(Path(home))


async def ask(app: FastAPI, body: bytes, key: str) -> dict[str, Any]:
    """One request, as an ASGI server makes it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/paths",
        "raw_path": b"/v1/paths",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    parts: list[bytes] = []
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    assert status == 200, b"".join(parts)
    answer: dict[str, Any] = json.loads(b"".join(parts))
    return answer


async def measure(home: Home, requests: int, label: str) -> dict[str, Any]:
    """Time requests for known learners, five steps each."""
    app = create_app(home)
    services = app.state.services
    object.__setattr__(services.calls, "burst", 10**9)
    key = create_key(services.store, ["paths:read"], name=label)
    learners = [row.pseudonym for row in services.store.learners(500)]
    bodies = [json.dumps({"learner": name}).encode() for name in learners]
    seconds = []
    for number in range(WARM_UP + requests):
        started = time.perf_counter()
        answer = await ask(app, bodies[number % len(bodies)], key)
        seconds.append(time.perf_counter() - started)
        assert answer["steps"]
    services.store.close()
    p50, p95, p99 = np.percentile(np.array(seconds[WARM_UP:]) * 1000, [50, 95, 99])
    return {
        "what": label,
        "requests": requests,
        "items": len(services.paths.catalogue().items),
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "p99_ms": round(float(p99), 2),
    }


def main() -> None:
    """Measure with and without a model and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder))
        records = [asyncio.run(measure(home, args.requests, "model"))]
        home.serving_path.unlink()
        records.append(asyncio.run(measure(home, args.requests, "catalogue order")))
    for record in records:
        print(
            f"{record['what']:>16}: p50 {record['p50_ms']} ms, p95 {record['p95_ms']} ms, "
            f"p99 {record['p99_ms']} ms ({record['items']} items)"
        )
    if args.json:
        write_json(args.json, "benchmark-paths", {"requests": args.requests}, records)


if __name__ == "__main__":
    main()
