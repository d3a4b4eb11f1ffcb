"""How fast do blobs travel between two peers, against the bare libp2p stream in the same run?

Usage: python benchmarks/transfer.py [--mib 32] [--repeat 5] [--json FILE]

Two processes on loopback. The bare stream writes pieces of 256 KiB and the other side counts them.
The blob transfer does what a peer does: hash list first, every chunk hashed on both sides, written
to disk, fsynced, renamed. The two alternate, so that other work on the machine hits both alike;
medians are given, and their ratio, which is the figure to watch. `--json` appends a line to FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trio

from swarm.codec import CHUNK_BYTES
from swarm.storage.blobs import BlobStore
from swarm.transport.blobs import BlobClient, BlobServer
from swarm.transport.host import Host, member_id_of

MIB = 1 << 20
BARE = "/murmuration/bench-bare/1"
SEEDS = (bytes([1]) * 32, bytes([2]) * 32)
MEMBERS = [member_id_of(seed) for seed in SEEDS]


def _host(number: int) -> Host:
    return Host(SEEDS[number], listen="/ip4/127.0.0.1/tcp/0", is_member=MEMBERS.__contains__)


async def serve(folder: Path, size: int) -> None:
    """The holder: prints its address, then serves until its standard input ends."""
    host, store = _host(0), BlobStore(folder)
    BlobServer(host, store, lambda _blob: True)
    piece = os.urandom(CHUNK_BYTES)

    async def bare(stream) -> None:  # noqa: ANN001
        for _ in range(size // CHUNK_BYTES):
            await stream.write(piece)

    host.serve(BARE, bare)
    async with host.run():
        print(host.addresses[0], flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)


async def measure(folder: Path, size: int, repeat: int, address: str) -> dict[str, list[float]]:
    """Rates in MiB a second by way of transfer, one for each repeat."""
    host, rates = _host(1), {"bare": [], "blob": []}
    blobs = sorted((folder / "holder").iterdir())
    async with host.run():
        await host.connect(MEMBERS[0], [address])
        for number in range(repeat):
            began = time.perf_counter()
            stream, received = await host.open_stream(MEMBERS[0], BARE), 0
            while received < size:
                received += len(await stream.read_some(CHUNK_BYTES))
            rates["bare"].append(size / MIB / (time.perf_counter() - began))
            await stream.close()
            client = BlobClient(host, BlobStore(folder / "client"))
            began = time.perf_counter()
            await client.fetch(bytes.fromhex(blobs[number].name), size, [MEMBERS[0]])
            rates["blob"].append(size / MIB / (time.perf_counter() - began))
    return rates


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    size = args.mib * MIB
    if args.serve:
        trio.run(serve, args.serve, size)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = BlobStore(folder / "holder")
        for _ in range(args.repeat):
            store.add(os.urandom(size))
        command = [sys.executable, __file__, "--serve", str(store.folder), "--mib", str(args.mib)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            address = holder.stdout.readline().strip()
            rates = trio.run(measure, folder, size, args.repeat, address)
            holder.communicate()
    medians = {way: statistics.median(values) for way, values in rates.items()}
    for way, values in rates.items():
        print(f"{way:5} {medians[way]:7.1f} MiB/s  (from {min(values):.1f} to {max(values):.1f})")
    ratio = medians["blob"] / medians["bare"]
    print(f"ratio {ratio:7.2f}  blob transfer against bare stream, {args.mib} MiB each")
    if args.json:
        record = {
            "mib": args.mib,
            "repeat": args.repeat,
            "bare_mib_per_second": round(medians["bare"], 1),
            "blob_mib_per_second": round(medians["blob"], 1),
            "ratio": round(ratio, 2),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
        }
        with args.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
