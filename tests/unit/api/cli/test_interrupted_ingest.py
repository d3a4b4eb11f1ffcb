"""Imports that are killed, interrupted or run out of disk, in real child processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest

from api.store.opening import open_store

ROWS = 26_000
MURMURATION = (sys.executable, "-c", "from api.cli.main import main; main()")

# The real import; it stops to be shot at once two batches are stored and the third has begun.
CHILD = """
import sys
from pathlib import Path
from api.home import PSEUDONYM_KEY, Home
from api.ingesting import Importer
from api.store.opening import open_store
from platform_adapters.contract import AdaptOptions
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS

home = Home(Path(sys.argv[1]))
read = 0

def on_rows(more):
    global read
    read += more
    if read > 22_000:
        print("now", flush=True)
        sys.stdin.read()

options = AdaptOptions("alder", None, None)
names = Pseudonymiser(home.read_key(PSEUDONYM_KEY))
with open_store(home) as store:
    importer = Importer(store, ADAPTERS["table"], options, names, on_rows=on_rows)
    list(importer.run([Path(sys.argv[2])]))
"""


def _interruptible():
    """A child of a background job would ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))


def _content(home):
    with open_store(home) as store:
        store.check()
        rows = list(store.interaction_rows())
        return rows, [(row.state, row.stored) for row in store.latest_imports()]


@pytest.fixture
def ingest(home, run, result, tmp_path):
    """Ingest a log; give its report without what differs from run to run."""

    def ingest_log(path):
        run("ingest", "table", path, "--home", home.path, "--json", tmp_path / "result.json")
        (record,) = result()
        return {name: record[name] for name in record if name not in {"seconds", "import"}}

    return ingest_log


@pytest.fixture
def uninterrupted(home, log, ingest):
    """The rows and the report of the same log in one go; the home is emptied again after."""
    report = ingest(log(ROWS))
    rows, _ = _content(home)
    for path in home.path.glob("store.sqlite*"):
        path.unlink()
    return rows, report


@pytest.mark.parametrize(
    ("sent", "state"), [(signal.SIGKILL, "running"), (signal.SIGINT, "stopped")]
)
def test_an_import_that_is_killed_or_interrupted_is_finished_by_a_rerun(
    home, log, ingest, uninterrupted, sent, state
):
    path = log(ROWS)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home.path), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,  # noqa: PLW1509 - no thread of ours holds a lock here
    )
    assert child.stdout.readline() == "now\n", child.stderr.read()
    os.kill(child.pid, sent)
    child.communicate()
    assert child.returncode != 0
    rows, imports = _content(home)
    assert imports == [(state, 20_000)]
    assert rows == uninterrupted[0][:20_000]
    report = ingest(path)
    rows, imports = _content(home)
    assert imports == [("done", ROWS)]
    assert rows == uninterrupted[0]
    assert report == uninterrupted[1]


def test_an_import_that_runs_out_of_disk_says_so_and_is_finished_by_a_rerun(
    home, log, uninterrupted
):
    path = log(ROWS)
    command = [*MURMURATION, "ingest", "table", str(path), "--home", str(home.path)]
    open_store(home).close()
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_small_files,
    )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "store.sqlite: the disk" in ended.stderr
    assert "what was stored before is kept" in ended.stderr
    rows, _ = _content(home)
    assert rows == uninterrupted[0][: len(rows)]
    assert len(rows) < ROWS
    subprocess.run(command, check=True, capture_output=True)
    assert _content(home)[0] == uninterrupted[0]


def test_ctrl_c_on_the_command_line_is_one_line_and_no_trace(home, log):
    child = subprocess.Popen(
        [*MURMURATION, "ingest", "table", str(log(200_000)), "--home", str(home.path)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,  # noqa: PLW1509 - no thread of ours holds a lock here
    )
    # Its log appears when the command opens the store; seconds of work lie ahead of it then.
    while not home.store_path.with_name("store.sqlite-wal").exists():
        assert child.poll() is None
    os.kill(child.pid, signal.SIGINT)
    _, said = child.communicate()
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert "a rerun goes on" in said
