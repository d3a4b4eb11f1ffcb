"""What a ledger of many blocks costs a peer: memory, time to start, time for each further block.

Usage: python benchmarks/long_ledger.py [--blocks 10000] [--json FILE]

Four members, four blocks a round (opening, four commits, closing, result), signed with
real keys; digests are random, since a ledger is verified without contributions. Each figure is
taken in a fresh process: *start* reads the ledger from disk, *blobs* learns that every contribution
is there; *run* takes its last 200 blocks from
another member, as a member does that catches up, with what the peer does after every step;
*answer* reads the 32 blocks that somebody else lacks; *idle* is a step in which nothing is new.
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
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from swarm import codec, events
from swarm.boot import boot_record
from swarm.ledger.blocks import FinalBlock, vote_body, write_block, write_final
from swarm.ledger.genesis import (
    Genesis,
    create_genesis,
    make_request,
    read_request,
    sign_genesis,
    verify_genesis,
)
from swarm.ledger.transactions import (
    CloseSet,
    Commit,
    Included,
    MergeResult,
    RoundOpen,
    Transaction,
    receipt_body,
    write_transaction,
)
from swarm.node import Node
from swarm.peer.config import PeerConfig, blocks_path
from swarm.peer.disk import PeerDisk
from swarm.protocol import sign
from swarm.signing import Ed25519Signer
from swarm.storage.records import RecordLog, read_records
from swarm.sync import final_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm.events import Effect

SEEDS = [bytes([number]) * 32 for number in range(1, 5)]
MANIFEST = b"the swarm knows only its digest"
LAST = 200


def found(home: Path) -> Genesis:
    """Write genesis and manifest into a home."""
    requests = [
        make_request(seed, name=f"p{n}", addresses=[f"/ip4/127.0.0.1/tcp/{4001 + n}"])
        for n, seed in enumerate(SEEDS)
    ]
    file = create_genesis(
        [read_request(request) for request in requests],
        name="bench",
        nonce=bytes(16),
        manifest_digest=codec.digest(MANIFEST),
        catalogue_digest=bytes(32),
        rho=(1, 2),
        contribution_bytes=4,
    )
    for seed in SEEDS:
        file = sign_genesis(file, seed)
    (home / "ledger").mkdir(parents=True)
    (home / "ledger" / "genesis.cbor").write_bytes(file)
    (home / "ledger" / "manifest.cbor").write_bytes(MANIFEST)
    return verify_genesis(file)


class Chronicle:
    """Makes blocks, one after another."""

    def __init__(self, genesis: Genesis) -> None:
        made = [Ed25519Signer(seed, genesis.swarm_id) for seed in SEEDS]
        self._signers = {signer.member: signer for signer in made}
        self._genesis, self._tip, self._height = genesis, genesis.swarm_id, 0
        self._base = b""

    def write(self, path: Path, blocks: int) -> None:
        """Write a ledger of so many blocks, whole rounds."""
        with RecordLog(path, "blocks") as log:
            for number in range(1, blocks // 4 + 1):
                for entries in self._round(number):
                    log.append(self._block(entries))
            log.sync()

    def _round(self, number: int) -> list[list[tuple[str, Transaction]]]:
        ids, genesis = self._genesis.ids, self._genesis
        commits = {who: Commit(number, 1, os.urandom(32), 4, genesis.rho) for who in ids}
        included = []
        for who, commit in commits.items():
            body = receipt_body(number, 1, who, commit.blob)
            holders = [other for other in ids if other != who][: genesis.receipts_needed]
            receipts = [(ids.index(h), self._signers[h].sign("receipt", body)) for h in holders]
            included.append(Included(who, commit.blob, tuple(receipts)))
        opening = RoundOpen(
            *(number, 1, "statistics", self._base, genesis.manifest_digest, "2026-11-24", ids, 30)
        )
        self._base = os.urandom(32)
        return [
            [(ids[0], opening)],
            list(commits.items()),
            [(ids[1], CloseSet(number, 1, tuple(included), ()))],
            [(ids[2], MergeResult(number, 1, self._base))],
        ]

    def _block(self, entries: list[tuple[str, Transaction]]) -> bytes:
        self._height += 1
        signed = []
        for sender, transaction in entries:
            purpose, body = write_transaction(transaction)
            signed.append(sign(self._signers[sender], sender, purpose, body))
        data = write_block(self._height, self._tip, signed)
        self._tip = codec.digest(data)
        vote = vote_body(self._height, 1, self._tip)
        quorum = self._genesis.ids[: self._genesis.quorum]
        certificate = tuple((who, self._signers[who].sign("finalize", vote)) for who in quorum)
        return write_final(FinalBlock(data, 1, certificate))


def memory() -> float:
    """What this process holds at present, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(home: Path, blocks: int) -> dict[str, float]:
    """Start on all blocks but the last, take those, and answer: in this process."""
    path = blocks_path(home)
    *_, seed = SEEDS
    config = PeerConfig(home, seed, "/ip4/127.0.0.1/tcp/0", ("true",))
    with PeerDisk(config) as disk:
        genesis = disk.ground.genesis
        signer = Ed25519Signer(seed, genesis.swarm_id)
        node = Node(genesis, signer.member, signer)
        before, began = memory(), time.perf_counter()
        effects = node.step(events.Started(0, disk.ground.log, disk.ground.blocks))
        started = time.perf_counter() - began
        began = time.perf_counter()
        _hold(node, effects)
        found_blobs = time.perf_counter() - began
        held = memory() - before
        height = node.ledger.height
        more = read_records(home / "last.log", "blocks").payloads
        began = time.perf_counter()
        for at, block in enumerate(more, start=height + 1):
            _hold(node, node.step(events.Received(genesis.ids[0], final_message(at, block))))
            disk.append_block(block)
            node.view()
        ran = time.perf_counter() - began
        began = time.perf_counter()
        answer = disk.final_messages(max(height // 2, 1))
        answered = time.perf_counter() - began
        began = time.perf_counter()
        for at in range(LAST):
            node.step(events.Tick(at))
            node.view()
        idle = time.perf_counter() - began
    return {
        "blocks": blocks,
        "ledger_mb": path.stat().st_size / 1e6,
        "start_seconds": started,
        "blobs_seconds": found_blobs,
        "memory_mb": held,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "run_ms": 1e3 * ran / len(more),
        "answer_ms": 1e3 * answered,
        "answer_blocks": len(answer),
        "idle_ms": 1e3 * idle / LAST,
    }


def _hold(node: Node, effects: Sequence[Effect]) -> None:
    """Tell the core that every contribution it asks for is on disk."""
    waiting = deque(effects)
    while waiting:
        effect = waiting.popleft()
        if isinstance(effect, events.FetchBlob):
            waiting.extend(node.step(events.BlobStored(effect.blob)))
            node.view()


def run(blocks: int) -> dict[str, float]:
    """Make a ledger and measure in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = blocks_path(home)
        Chronicle(found(home)).write(path, blocks)
        payloads = read_records(path, "blocks").payloads
        path.unlink()
        for name, part in ((path, payloads[:-LAST]), (home / "last.log", payloads[-LAST:])):
            with RecordLog(name, "blocks") as log:
                for payload in part:
                    log.append(payload)
        genesis = verify_genesis((home / "ledger" / "genesis.cbor").read_bytes())
        with RecordLog(home / "wal" / "votes.log", "votes") as log:
            me = Ed25519Signer(SEEDS[-1], genesis.swarm_id).member
            log.append(boot_record(genesis.swarm_id, me))
        command = [sys.executable, __file__, "--inside", folder, "--blocks", str(blocks)]
        return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(measure(args.inside, args.blocks)))
        return
    results = [run(blocks) for blocks in (400, args.blocks)]
    for result in results:
        print("  ".join(f"{key}={value:,.2f}" for key, value in result.items()), flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
