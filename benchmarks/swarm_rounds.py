"""What a round costs: wall time by part, bytes against what the payload needs, CPU, memory.

Usage: python benchmarks/swarm_rounds.py [--case 4x0.5 --case 10x0.5 …] [--rounds 2] [--json FILE]

Real peers as processes on loopback, all on this machine, each member contributing random numbers
of the size named (MB = 1,000,000 bytes). In open mode a member needs every other's contribution
once, so (n-1) x payload in and as much out; the ratio is all that our protocols sent and received,
messages included, against that (what noise, yamux and TCP add, some 1 %, is below our count). The
first round is not counted. `contribute` holds R21's fixed offset of 2 s; parts overlap, so that
they need not add up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from api.home import IDENTITY_KEY, Home
from api.settings import render_settings
from swarm.codec import digest
from swarm.ledger.genesis import create_genesis, make_request, read_request, sign_genesis
from swarm.peer.inbox import drop_request

CASES = ("4x0.5", "4x5", "4x50", "10x0.5", "20x0.5")
MANIFEST = b"the swarm knows only its digest"
CONTRIBUTE = """
import os, pathlib, sys
home, size = pathlib.Path(sys.argv[1]), int(sys.argv[2])
number = sys.argv[sys.argv.index("--round") + 1]
path = home / "rounds" / number / "contribution.bin"
path.with_suffix(".new").write_bytes(os.urandom(size))
path.with_suffix(".new").rename(path)
"""
PARTS = ("contribute", "fetch", "merge", "decide")


class Bench:
    """Some peers, founded and running."""

    def __init__(self, folder: Path, count: int, size: int) -> None:
        self.count, self.size = count, size
        (folder / "contribute.py").write_text(CONTRIBUTE)
        ports = _free_ports(count)
        self.homes = [Home(folder / f"p{n:02}") for n in range(count)]
        seeds = []
        for home, port in zip(self.homes, ports, strict=True):
            command = [sys.executable, str(folder / "contribute.py"), str(home.path), str(size)]
            text = render_settings(home.path.name, recommend="items", share="off", database_url="")
            home.create(
                text[: text.index("[swarm]")] + f'[swarm]\nlisten = "/ip4/127.0.0.1/tcp/{port}"\n'
                f'contribute_command = {command}\nfit_command = ["true"]\n'
            )
            seeds.append(home.read_key(IDENTITY_KEY))
        requests = [
            make_request(seed, name=home.path.name, addresses=[f"/ip4/127.0.0.1/tcp/{port}"])
            for seed, home, port in zip(seeds, self.homes, ports, strict=True)
        ]
        file = create_genesis(
            [read_request(request) for request in requests],
            name="bench",
            nonce=bytes(16),
            manifest_digest=digest(MANIFEST),
            catalogue_digest=bytes(32),
            rho=(1, 2),
            contribution_bytes=size,
        )
        for seed in seeds:
            file = sign_genesis(file, seed)
        for home in self.homes:
            home.genesis_path.write_bytes(file)
            home.manifest_path.write_bytes(MANIFEST)
        self.peers = [self._start(home) for home in self.homes]
        self._until(lambda s: sum(m["connected"] for m in s["members"]) == count)

    def _start(self, home: Home) -> subprocess.Popen[bytes]:
        program = "from api.cli.main import main; main()"
        command = [sys.executable, "-c", program, "peer", "--no-supervise", "--home", home.path]
        with (home.path / "log").open("wb") as log:
            return subprocess.Popen(command, stderr=log)

    def status(self) -> list[dict]:
        """What each peer says."""
        return [home.read_status() or {"members": [], "head": None} for home in self.homes]

    def _until(self, condition) -> None:  # noqa: ANN001
        end = time.monotonic() + 600
        while not all(condition(status) for status in self.status()):
            if time.monotonic() > end or any(peer.poll() is not None for peer in self.peers):
                logs = (self.homes[0].path / "log").read_text()[-3000:]
                raise SystemExit(f"a peer ended, or nothing happens any more:\n{logs}")
            time.sleep(0.02)

    def round(self, number: int) -> dict[str, float]:
        """One round, from the request to the last member's HEAD; figures of the median member."""
        before = [status["gauges"] for status in self.status()]
        began = time.monotonic()
        drop_request(
            self.homes[0].inbox_dir, kind="statistics", as_of="2026-01-31", close_after_seconds=600
        )
        self._until(lambda s: s["head"] is not None and s["head"]["round"] == number)
        wall = time.monotonic() - began
        time.sleep(1)  # the status follows within half a second
        after = [status["gauges"] for status in self.status()]
        rows = [
            {key: new[key] - old[key] for key in new if isinstance(new[key], int | float)}
            for old, new in zip(before, after, strict=True)
        ]
        need = (self.count - 1) * self.size
        found = {f"{part}_seconds": [row[f"{part}_seconds"] for row in rows] for part in PARTS}
        found["cpu_seconds"] = [row["cpu_seconds"] for row in rows]
        found["messages_sent"] = [row["messages_sent"] for row in rows]
        for way in ("sent", "received"):
            total = [row[f"blob_bytes_{way}"] + row[f"message_bytes_{way}"] for row in rows]
            # Together, since who has more to send has others send less.
            found[f"{way}_ratio"] = [sum(total) / (need * self.count)]
        kinds = sorted({kind for status in after for kind in status["types_sent"]})
        for kind in kinds:
            found[f"sent_{kind}"] = [
                new["types_sent"].get(kind, 0) - old["types_sent"].get(kind, 0)
                for old, new in zip(before, after, strict=True)
            ]
        return {"wall_seconds": wall} | {k: statistics.median(v) for k, v in found.items()}

    def memory_mb(self) -> float:
        """Largest resident set that any peer has had."""
        lines = [Path(f"/proc/{peer.pid}/status").read_text() for peer in self.peers]
        peaks = [int(text.split("VmHWM:")[1].split()[0]) for text in lines]
        return max(peaks) / 1024

    def close(self) -> None:
        """End all peers."""
        for peer in self.peers:
            peer.terminate()
        for peer in self.peers:
            peer.wait()


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def measure(case: str, rounds: int) -> dict[str, object]:
    """One size of swarm and contribution; medians over rounds."""
    count, megabytes = case.split("x")
    size = 4 * round(float(megabytes) * 1_000_000 / 4)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), int(count), size)
        try:
            found = [bench.round(number) for number in range(1, rounds + 2)][1:]
            memory = bench.memory_mb()
        finally:
            bench.close()
    keys = {key: None for row in found for key in row}
    medians = {key: round(statistics.median(row.get(key, 0) for row in found), 3) for key in keys}
    return {
        "members": int(count),
        "payload_mb": float(megabytes),
        "rounds": rounds,
        **medians,
        "peak_rss_mb": round(memory),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "cpus": os.cpu_count(),
    }


def main() -> None:
    """Measure the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help=f"such as {CASES[0]}: members x MB")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    for case in args.case or CASES:
        record = measure(case, args.rounds)
        print(json.dumps(record), flush=True)
        if args.json:
            with args.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
