"""The contributing child: asked once, waited for, and never trusted to be well."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from swarm.events import ContributionAbstained, ContributionReady, StartContribution
from swarm.peer import children
from swarm.peer.config import PeerConfig
from swarm.storage.blobs import BlobStore, blob_digest

SIZE = 8
ORDER = StartContribution(3, 1, "statistics", "2026-01-31", b"", SIZE, 60)
WRITE = """
import pathlib, sys
home, *arguments = sys.argv[1:]
with open(home + "/calls", "a") as calls:
    calls.write(" ".join(arguments) + chr(10))
folder = pathlib.Path(home, "rounds", "3")
(folder / "contribution.bin").write_bytes(b"12345678")
"""

KILLED_PEER = f"""
import os, sys, trio
sys.path.insert(0, os.getcwd())
from pathlib import Path
from swarm.events import StartContribution
from swarm.peer.children import contribute
from swarm.peer.config import PeerConfig
from swarm.storage.blobs import BlobStore

home, code = sys.argv[1:]
config = PeerConfig(Path(home), bytes(32), "", (sys.executable, "-c", code, home))

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(contribute, config, BlobStore(config.blobs), {ORDER!r})
        await trio.sleep(0.1)
        os.kill(os.getpid(), 9)

trio.run(main)
"""


def _config(tmp_path, code, *arguments):
    command = (sys.executable, "-c", code, *(arguments or (str(tmp_path),)))
    return PeerConfig(tmp_path, bytes(32), "/ip4/127.0.0.1/tcp/0", command)


def _contribute(config, order=ORDER):
    store = BlobStore(config.blobs)
    return trio.run(children.contribute, config, store, order), store


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(children, "_RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(children, "_LOCK_SECONDS", 0.01)


def test_the_child_gets_round_attempt_date_and_manifest_and_its_file_becomes_a_blob(tmp_path):
    config = _config(tmp_path, WRITE)
    event, store = _contribute(config)
    assert event == ContributionReady(3, 1, blob_digest(b"12345678"), SIZE)
    assert store.read(event.blob) == b"12345678"
    expected = f"--round 3 --attempt 1 --as-of 2026-01-31 {config.manifest}\n"
    assert (tmp_path / "calls").read_text() == expected


def test_a_child_that_trains_gets_the_kind_and_the_base_too(tmp_path):
    config = _config(tmp_path, WRITE)
    _contribute(config, replace(ORDER, kind="parameters", base=b"\xab" * 32))
    (line,) = (tmp_path / "calls").read_text().splitlines()
    assert f"--attempt 1 --kind parameters --base {'ab' * 32} --as-of" in line


def test_a_contribution_on_disk_is_used_again_and_nothing_is_drawn(tmp_path):
    """R13: re-sending is free, re-drawing spends."""
    config = _config(tmp_path, WRITE)
    first, _ = _contribute(config)
    again, _ = _contribute(config)
    assert again == first
    assert (tmp_path / "calls").read_text().count("\n") == 1


def test_exit_code_3_is_an_abstention_with_the_last_line_as_its_reason(tmp_path):
    code = "print('looking'); print('nobody is due'); print(); raise SystemExit(3)"
    event, store = _contribute(_config(tmp_path, code))
    assert event == ContributionAbstained(3, 1, "nobody is due")
    assert not store.folder.exists()


def test_what_a_crashing_child_says_stays_at_home(tmp_path, caplog):
    """Only an exit code reaches the ledger: an error text could hold a learner's data."""
    code = f"open({str(tmp_path / 'tries')!r}, 'a').write('x'); raise SystemExit('learner 4711')"
    event, _ = _contribute(_config(tmp_path, code))
    assert event == ContributionAbstained(3, 1, "its contribute command failed with exit code 1")
    assert (tmp_path / "tries").read_text() == "xxx"
    assert "round 3: its contribute command failed" in caplog.text


def test_a_child_that_says_it_is_done_but_is_not_counts_as_failed(tmp_path):
    event, _ = _contribute(_config(tmp_path, "pass"))
    assert event == ContributionAbstained(3, 1, "its contribute command failed with exit code 0")


def test_a_command_that_does_not_exist_is_an_abstention(tmp_path, caplog):
    config = PeerConfig(tmp_path, bytes(32), "/ip4/127.0.0.1/tcp/0", ("/no/such/program",))
    event, _ = _contribute(config)
    assert event == ContributionAbstained(3, 1, "its contribute command cannot be started")
    assert "cannot start /no/such/program" in caplog.text


def test_a_contribution_of_another_size_is_not_sent(tmp_path):
    event, store = _contribute(_config(tmp_path, WRITE), replace(ORDER, size=12))
    assert event.reason == "its contribution has 8 bytes, the manifest's have 12"
    assert not store.folder.exists()


def test_a_child_that_a_killed_peer_left_behind_is_waited_for_not_doubled(tmp_path):
    slow = WRITE.replace("import", "import time; time.sleep(0.3)\nimport", 1)
    config = _config(tmp_path, slow)
    (tmp_path / "peer.py").write_text(KILLED_PEER)
    peer = [sys.executable, str(tmp_path / "peer.py"), str(tmp_path), slow]

    async def main():
        await trio.run_process(peer, check=False, cwd=Path.cwd())
        return await children.contribute(config, BlobStore(config.blobs), ORDER)

    assert isinstance(trio.run(main), ContributionReady)
    assert (tmp_path / "calls").read_text().count("\n") == 1


def test_a_cancelled_child_is_stopped(tmp_path):
    pidfile = tmp_path / "pid"
    code = f"import os, time; open({str(pidfile)!r}, 'w').write(str(os.getpid())); time.sleep(99)"

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(children.run_child, (sys.executable, "-c", code), "test")
            while not (pidfile.exists() and pidfile.read_text()):  # noqa: ASYNC110 - another process
                await trio.sleep(0.02)
            nursery.cancel_scope.cancel()
        return int(pidfile.read_text())

    pid = trio.run(main)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_long_and_unfinished_lines_are_read_to_the_end(tmp_path):
    code = "print('x' * 100000, end=''); print(); print('end', end='')"
    outcome = trio.run(children.run_child, (sys.executable, "-c", code), "test")
    assert (outcome.code, outcome.last_line) == (0, "end")
