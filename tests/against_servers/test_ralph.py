"""A real record store (Ralph): real statements pushed in, pulled out in pages, killed, resumed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from api.cli.main import cli
from api.home import Home
from api.security.keys import create_key
from api.store.opening import open_store
from tests.ralph_server import PASSWORD, USER, ralph_store, wait_for_answer
from tests.ralph_server import ralph as programs
from tests.servers import free_port, running

pytestmark = [pytest.mark.server, pytest.mark.e2e]

SAMPLE = Path(__file__).parents[2] / "data_samples" / "xapi_fun_mooc" / "statements.jsonl.gz"

# The real command, in segments of 1,000; it stops to be shot at before its fourth page.
CHILD = """
import sys
from api import pulling
from api.cli.main import main
from platform_adapters.readers import lrs

pulling.SEGMENT_STATEMENTS = 1_000
asked, page = 0, lrs.Lrs.page

def counted(self, cursor):
    global asked
    asked += 1
    if asked == 4:
        print("now", flush=True)
        sys.stdin.read()
    return page(self, cursor)

lrs.Lrs.page = counted
main()
"""


@pytest.fixture(scope="module")
def statements():
    with gzip.open(SAMPLE, "rb") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def ralph(tmp_path):
    (tmp_path / "ralph").mkdir()
    with ralph_store(tmp_path / "ralph") as store:
        yield store


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MURMURATION_LRS__USERNAME", USER)
    monkeypatch.setenv("MURMURATION_LRS__PASSWORD", PASSWORD)
    path = tmp_path / "home"
    cli.main(["init", "--home", str(path), "--platform", "fun"], standalone_mode=False)
    return Home(path)


def _command(ralph, home):
    return ["ingest", "xapi", ralph.url, "--home", str(home.path)]


def _stored(home):
    with open_store(home) as store:
        rows = sorted(store.interaction_rows(), key=lambda row: row.event_id)
        return rows, [(row.state, row.stored) for row in store.latest_imports()]


def test_a_pull_from_a_real_store_is_killed_and_resumed_without_loss_or_duplicates(
    ralph, home, statements, capsys
):
    ralph.post(statements)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, *_command(ralph, home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert any(line == "now\n" for line in child.stdout)
        child.kill()
    rows, imports = _stored(home)
    assert len(rows) == 1_000
    assert imports == [("running", 0), ("done", 1_000)]

    cli.main(_command(ralph, home), standalone_mode=False)
    assert "2,000 rows = 2,000 events" in capsys.readouterr().out
    rows, _ = _stored(home)
    assert len({row.event_id for row in rows}) == len(rows) == 3_000

    by_file = home.path.parent / "by_file"
    cli.main(["init", "--home", str(by_file), "--platform", "fun"], standalone_mode=False)
    Home(by_file).read_key("pseudonym.key")
    (by_file / "keys" / "pseudonym.key").write_bytes(home.read_key("pseudonym.key"))
    file_command = ["ingest", "xapi", str(SAMPLE), "--home", str(by_file)]
    cli.main(file_command, standalone_mode=False)
    assert _stored(Home(by_file))[0] == rows


def test_a_second_pull_finds_what_is_new_though_ralph_orders_by_timestamp(ralph, home, statements):
    ralph.post(statements[:1_000])
    cli.main(_command(ralph, home), standalone_mode=False)
    newest = max(datetime.fromisoformat(one["timestamp"]) for one in statements[:1_000])
    late = [
        {
            **one,
            "timestamp": (newest - timedelta(hours=number)).isoformat(),
            "stored": (newest + timedelta(days=1)).isoformat(),
        }
        for number, one in enumerate(statements[1_000:1_010])
    ]
    ralph.append(late)
    cli.main(_command(ralph, home), standalone_mode=False)
    rows, _ = _stored(home)
    assert len({row.event_id for row in rows}) == len(rows) == 1_010


def test_ralphs_own_client_sends_its_statements_to_us_unchanged(home, tmp_path, statements):
    with open_store(home) as store:
        token = create_key(store, ["events:write"], name="ralph")
    _, user, secret = token.split("_")
    port = free_port()
    serve = [sys.executable, "-c", "from api.cli.main import main; main()", "serve"]
    environment = {**os.environ, "MURMURATION_SERVE__PORT": str(port)}
    options = {"env": environment, "stderr": subprocess.STDOUT}
    command = [*serve, "--home", home.path]
    with running(command, tmp_path / "log", options, signal.SIGTERM) as process:
        wait_for_answer(f"http://127.0.0.1:{port}/healthz", process, tmp_path / "log")
        write = [programs() / "ralph", "write", "-b", "lrs", "--lrs-username", user]
        write += ["--lrs-password", secret, "--lrs-base-url", f"http://127.0.0.1:{port}"]
        write += ["--lrs-statements-endpoint", "/v1/xapi/statements"]
        lines = "".join(json.dumps(one) + "\n" for one in statements[:1_000])
        for _ in range(2):
            subprocess.run(write, input=lines.encode(), check=True, capture_output=True)
    rows, _ = _stored(home)
    assert len({row.event_id for row in rows}) == len(rows) == 1_000


def test_a_wrong_password_is_refused_in_a_sentence(ralph, home, monkeypatch):
    monkeypatch.setenv("MURMURATION_LRS__PASSWORD", "wrong")
    with pytest.raises(Exception, match="refuses the credential"):
        cli.main(_command(ralph, home), standalone_mode=False)
    assert _stored(home) == ([], [])
