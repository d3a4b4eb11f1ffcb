"""Requests of operators, and the process that keeps the peer alive."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from swarm.errors import StorageError
from swarm.events import RoundRequested
from swarm.peer import inbox
from swarm.peer.supervise import EXPLAINED, may_pass
from swarm.storage.files import disk

GOOD = {
    "schema": inbox.SCHEMA,
    "kind": "statistics",
    "as_of": "2026-01-31",
    "close_after_seconds": 60,
}


def test_a_dropped_request_is_read_back_and_removed_without_fuss(tmp_path):
    assert inbox.waiting(tmp_path / "none") == []
    path = inbox.drop_request(
        tmp_path, kind="statistics", as_of="2026-01-31", close_after_seconds=9
    )
    assert inbox.waiting(tmp_path) == [path]
    assert inbox.read_request(path) == RoundRequested("statistics", "2026-01-31", 9)
    inbox.remove(path)
    inbox.remove(path)
    assert inbox.waiting(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "is not JSON"),
        ("[]", "is no murmuration.round-request/1"),
        (json.dumps({**GOOD, "schema": "other/1"}), "is no murmuration.round-request/1"),
        (json.dumps({**GOOD, "as_of": 20260131}), "`as_of` is 20260131"),
        (json.dumps({**GOOD, "close_after_seconds": True}), "`close_after_seconds` is True"),
        (json.dumps({**GOOD, "kind": None}), "`kind` is None"),
        ("x" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_is_no_request_is_named_with_what_is_wrong(tmp_path, content, expected):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(StorageError, match=expected) as caught:
        inbox.read_request(path)
    assert str(path) in str(caught.value)
    assert "murmuration swarm round" in str(caught.value)
    inbox.reject(path)
    assert inbox.waiting(tmp_path) == []
    assert (tmp_path / "bad.json.rejected").read_text() == content


def _supervise(tmp_path, inner, **options):
    """Run a supervisor on a Python program that finds its run's number in `runs`."""
    (tmp_path / "runs").write_text("")
    inner = (
        f"import os, sys, signal, time\nruns = {str(tmp_path / 'runs')!r}\n"
        "with open(runs, 'a') as file: file.write(f'{os.getpid()}\\n')\n"
        "number = open(runs).read().count('\\n')\n" + inner
    )
    code = (
        "import sys\nfrom swarm.peer.supervise import Supervisor\n"
        f"sys.exit(Supervisor([sys.executable, '-c', {inner!r}], first_wait=0.01).run())"
    )
    return subprocess.Popen([sys.executable, "-c", code], **options)


def _pids(tmp_path, count):
    while len(pids := (tmp_path / "runs").read_text().split()) < count:
        time.sleep(0.02)
    return [int(pid) for pid in pids]


def test_a_peer_that_dies_is_started_again_until_it_ends_for_good(tmp_path):
    inner = "os.kill(os.getpid(), 9) if number == 1 else sys.exit(70 if number == 2 else 0)"
    assert _supervise(tmp_path, inner).wait(30) == 0
    assert len(_pids(tmp_path, 3)) == 3


@pytest.mark.parametrize("code", [0, EXPLAINED, 2])
def test_an_end_that_a_restart_would_not_help_is_passed_on(tmp_path, code):
    assert _supervise(tmp_path, f"sys.exit({code})").wait(30) == code
    assert len(_pids(tmp_path, 1)) == 1


def test_sigterm_stops_the_peer_in_order(tmp_path):
    inner = "signal.signal(15, lambda *_: sys.exit(0))\ntime.sleep(60)"
    supervisor = _supervise(tmp_path, inner)
    (pid,) = _pids(tmp_path, 1)
    time.sleep(0.1)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_peer_is_left_behind_when_its_supervisor_is_killed(tmp_path):
    inner = "from swarm.peer.supervise import end_with_supervisor\n"
    inner += "end_with_supervisor()\nopen(runs + '.ready', 'w')\ntime.sleep(60)"
    supervisor = _supervise(tmp_path, inner)
    (pid,) = _pids(tmp_path, 1)
    while not (tmp_path / "runs.ready").exists():
        time.sleep(0.02)
    supervisor.kill()
    supervisor.wait()
    while _is_alive(pid):
        time.sleep(0.02)


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - no path of ours
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_only_a_full_disk_is_worth_waiting_for():
    def error_of(number):
        with pytest.raises(StorageError) as caught, disk("write", "file"):
            raise OSError(number, os.strerror(number))
        return caught.value

    assert may_pass(error_of(errno.ENOSPC))
    assert not may_pass(error_of(errno.EACCES))
    assert not may_pass(StorageError("damaged"))
