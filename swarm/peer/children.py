"""Children that read the store: `contribute` before a commit, `fit` after a merge.

- They run as processes of their own, so that neither their memory nor their time is the peer's.
- A lock per round is handed to the contributing child. If the peer is killed, the child keeps it,
  and the restarted peer waits for that child instead of starting a second one: a contribution is
  drawn once, and what lies on disk is sent again byte by byte (R13).
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from swarm.errors import StorageError
from swarm.events import ContributionAbstained, ContributionReady
from swarm.ledger.kinds import PARAMETERS
from swarm.storage.files import disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from swarm.events import StartContribution
    from swarm.peer.config import PeerConfig
    from swarm.storage.blobs import BlobStore

logger = logging.getLogger(__name__)

ABSTAINED = 3
"""Exit code of a contributing child that does not contribute; its last line says why."""

_RETRY_SECONDS = (1.0, 5.0)
_LOCK_SECONDS = 0.25
_STOP_SECONDS = 5.0
_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended.

    Attributes:
        code: Exit code; negative for a signal.
        last_line: Last line that it wrote to its standard output, or empty.
    """

    code: int
    last_line: str


async def run_child(argv: Sequence[str], name: str, *, keep_open: tuple[int, ...] = ()) -> Outcome:
    """Run a child to its end; what it prints goes to the log, line by line.

    Args:
        argv: Program and arguments.
        name: For the log.
        keep_open: File descriptors that the child inherits.

    Raises:
        StorageError: The program cannot be started.
    """
    with disk("start", Path(argv[0])):
        process = await trio.lowlevel.open_process(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=keep_open,
        )
    last = [""]
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_log_lines, process.stderr, name, [""])
            nursery.start_soon(_log_lines, process.stdout, name, last)
            code = await process.wait()
    except BaseException:
        await _stop(process)
        raise
    return Outcome(code, last[0])


async def _stop(process: trio.Process) -> None:
    with trio.move_on_after(_STOP_SECONDS) as scope:
        scope.shield = True
        process.terminate()
        await process.wait()
    if process.returncode is None:
        process.kill()


async def _log_lines(pipe: trio.abc.ReceiveStream | None, name: str, last: list[str]) -> None:
    """Log each line; `last[0]` becomes the last one that is not empty."""
    buffer = b""
    while pipe is not None and (data := await pipe.receive_some(_LINE_BYTES)):
        *lines, buffer = (buffer + data).split(b"\n")
        for line in [*lines, buffer] if len(buffer) > _LINE_BYTES else lines:
            _log_line(line, name, last)
        buffer = buffer[:_LINE_BYTES] if len(buffer) <= _LINE_BYTES else b""
    _log_line(buffer, name, last)


def _log_line(line: bytes, name: str, last: list[str]) -> None:
    text = line.decode(errors="replace").strip()
    if text:
        logger.info("%s: %s", name, text)
        last[0] = text


@asynccontextmanager
async def _round_lock(path: Path) -> AsyncIterator[int]:
    """Hold a round's lock; waits for a child that an earlier run of this peer left behind."""
    with disk("open", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await trio.sleep(_LOCK_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


async def contribute(
    config: PeerConfig, store: BlobStore, order: StartContribution
) -> ContributionReady | ContributionAbstained:
    """Have the contribution of a round made, unless it lies on disk already, and store it.

    Args:
        config: Says which command and where.
        store: Takes the contribution as a blob.
        order: The core's order.

    Raises:
        StorageError: The disk refused.
    """
    path = config.contribution(order.round)
    async with _round_lock(config.round(order.round) / "lock") as lock:
        reason = "" if path.exists() else await _make(config, order, lock)
    if not path.exists():
        return ContributionAbstained(order.round, order.attempt, reason)
    with disk("read", path):
        found = path.stat().st_size
        if found != order.size:
            reason = f"its contribution has {found} bytes, the manifest's have {order.size}"
            return ContributionAbstained(order.round, order.attempt, reason)
        data = await trio.to_thread.run_sync(path.read_bytes)
    blob = await trio.to_thread.run_sync(store.add, data)
    return ContributionReady(order.round, order.attempt, blob, order.size)


async def _make(config: PeerConfig, order: StartContribution, lock: int) -> str:
    """Run the contributing child, again if it crashes; why there is no contribution, or empty."""
    training = ("--kind", order.kind, "--base", order.base.hex())
    argv = (
        *config.contribute_command,
        *("--round", str(order.round), "--attempt", str(order.attempt)),
        *(training if order.kind == PARAMETERS else ()),
        *("--as-of", order.as_of, str(config.manifest)),
    )
    reason = ""
    for wait in (*_RETRY_SECONDS, None):
        try:
            outcome = await run_child(argv, "contribute", keep_open=(lock,))
        except StorageError as error:
            logger.error("%s", error)  # noqa: TRY400 - a sentence, not a trace
            return "its contribute command cannot be started"
        if outcome.code == 0 and config.contribution(order.round).exists():
            return ""
        if outcome.code == ABSTAINED:
            return outcome.last_line
        reason = f"its contribute command failed with exit code {outcome.code}"
        logger.error("round %d: %s", order.round, reason)
        if wait is not None:
            await trio.sleep(wait)
    return reason
