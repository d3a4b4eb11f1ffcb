"""`ingest xapi https://…` and `sync`: statements of a learning record store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from api import pulling
from api.settings_errors import SettingsError
from api.store.opening import open_store
from platform_adapters.errors import OptionsError, ReadError, TooManyRejectsError
from platform_adapters.readers.http import Client
from tests.lrs_server import BASIC, PASSWORD, fake_store, statement

CHILD = (
    sys.executable,
    "-c",
    "from api import pulling; pulling.SEGMENT_STATEMENTS = 100\n"
    "from api.cli.main import main; main()",
)


@pytest.fixture
def store():
    with fake_store() as running:
        running.statements = [statement(n) for n in range(250)]
        yield running
        running.stalls_after = None


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Pauses are counted, not waited for."""
    pauses = []
    monkeypatch.setattr(
        Client.__init__,
        "__kwdefaults__",
        {
            **Client.__init__.__kwdefaults__,
            "sleep": pauses.append,
        },
    )
    return pauses


@pytest.fixture
def pull(home, store, run, result, tmp_path):
    """Pull; the records of the segments."""

    def once(*options):
        out = tmp_path / "result.json"
        run("ingest", "xapi", store.url, "--home", home.path, "--json", out, *options)
        return result()

    return once


def _events(home):
    with open_store(home) as opened:
        return [row.event_id for row in opened.interaction_rows()]


def test_every_page_of_a_store_is_pulled_once(home, store, pull):
    (record,) = pull()
    assert (record["rows"], record["events"], record["duplicates"]) == (250, 250, 0)
    assert len(set(_events(home))) == 250
    assert [query.get("place") for _, query, _ in store.asked] == [None, "100", "200"]


def test_a_second_pull_asks_only_for_what_is_new(home, store, pull):
    pull()
    store.statements += [statement(n) for n in range(250, 260)]
    store.asked.clear()
    (record,) = pull()
    assert record["events"] == 10
    assert record["rows"] - record["duplicates"] == 10
    assert record["duplicates"] == 1  # the newest of the last time lies within the overlap
    assert store.asked[0][1]["since"] == "2026-09-01T12:08:58.000000Z"
    assert len(_events(home)) == 260


def test_a_store_that_does_not_say_through_when_it_is_consistent_is_asked_from_a_day_earlier(
    home, store, pull
):
    store.consistent = False
    pull()
    store.asked.clear()
    late = statement(3000, stored=statement(251)["stored"], timestamp=statement(1)["timestamp"])
    store.statements.append(late)
    (record,) = pull()
    assert store.asked[0][1]["since"].startswith("2026-08-31T12:09:00")
    assert record["events"] == 1


def test_what_is_voided_counts_for_nothing(home, store, pull):
    pull()
    voiding = statement(
        250,
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": statement(7)["id"]},
    )
    store.statements.append(voiding)
    (record,) = pull()
    assert record["withdrawn"] == 1
    with open_store(home) as opened:
        assert len(opened.training_interactions("local")) == 249


def test_a_store_that_breaks_off_keeps_what_came_and_goes_on_behind_it(home, store, pull):
    pages = [store.answer({"limit": "100"}), store.answer({"limit": "100", "place": "100"})]
    assert pages[1]["more"]
    whole = _answers(pages)
    store.trouble = [*whole, *[(503, {}, b"")] * 6]
    with pytest.raises(ReadError, match="status 503"):
        pull()
    assert len(_events(home)) == 200
    store.asked.clear()
    (record,) = pull()
    assert (record["rows"], record["events"]) == (50, 50)
    assert store.asked[0][1]["place"] == "200"


def _answers(pages):
    headers = {"X-Experience-API-Consistent-Through": "2026-09-01T12:09:00Z"}
    return [(200, headers, json.dumps(page).encode()) for page in pages]


def test_a_store_that_has_forgotten_its_page_is_asked_from_the_beginning(home, store, pull):
    store.trouble = [*_answers([store.answer({"limit": "100"})]), *[(503, {}, b"")] * 6]
    with pytest.raises(ReadError):
        pull()
    store.trouble = [(404, {}, b"")]
    (record,) = pull()
    assert (record["rows"], record["events"], record["duplicates"]) == (250, 150, 100)
    assert len(set(_events(home))) == 250


def test_pages_are_stored_in_segments_each_an_import_of_its_own(home, pull, monkeypatch):
    monkeypatch.setattr(pulling, "SEGMENT_STATEMENTS", 100)
    assert [record["events"] for record in pull()] == [100, 100, 50]
    with open_store(home) as opened:
        assert {row.state for row in opened.latest_imports()} == {"done"}


def test_a_pull_that_is_killed_is_finished_by_a_rerun_without_loss_or_duplicates(home, store, pull):
    store.page, store.stalls_after = 50, 3
    child = subprocess.Popen([*CHILD, "ingest", "xapi", store.url, "--home", str(home.path)])
    # The segment of the first two pages is stored, the second has a page and waits for another.
    while len(store.asked) < 4:
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert len(_events(home)) == 100
    store.stalls_after = None
    store.page = 100
    store.asked.clear()
    (record,) = pull()
    assert store.asked[0][1]["place"] == "100"
    assert (record["rows"], record["events"]) == (150, 150)
    assert len(set(_events(home))) == len(_events(home)) == 250


def test_a_credential_comes_from_the_environment_and_is_never_shown(
    home, store, run, monkeypatch, capsys
):
    store.authorization = BASIC
    monkeypatch.setenv("MURMURATION_LRS__USERNAME", "reader")
    monkeypatch.setenv("MURMURATION_LRS__PASSWORD", PASSWORD)
    said = run("ingest", "xapi", store.url, "--home", home.path)
    assert "250 events" in said
    assert PASSWORD not in said + capsys.readouterr().err
    assert PASSWORD.encode() not in home.store_path.read_bytes()
    monkeypatch.setenv("MURMURATION_LRS__PASSWORD", "wrong")
    with pytest.raises(ReadError, match="refuses the credential") as refused:
        run("ingest", "xapi", store.url, "--home", home.path)
    assert "wrong" not in str(refused.value)


def test_sync_pulls_with_the_sources_own_credential(home, store, run, monkeypatch):
    store.authorization = "Bearer a token"
    with home.settings_path.open("a") as file:
        file.write(
            f'\n[[sources]]\nadapter = "xapi"\ninputs = ["{store.url}"]\n'
            'token = "env:LRS_TOKEN"\nsince = "2026-09-01T10:00:00Z"\n'
        )
    with pytest.raises(SettingsError, match=r"LRS_TOKEN.*not set"):
        run("sync", "--no-train", "--home", home.path)
    monkeypatch.setenv("LRS_TOKEN", "a token")
    assert "129 rows = 129 events" in run("sync", "--no-train", "--home", home.path)
    assert "1 rows = 0 events" in run("sync", "--no-train", "--home", home.path)


def test_a_server_that_sends_no_xapi_is_told_from_a_store(home, store, pull):
    store.statements = [{"stored": "2026-09-01T08:00:00Z", "n": n} for n in range(20)]
    with pytest.raises(TooManyRejectsError, match="20 of 20"):
        pull()
    assert _events(home) == []
    store.trouble = [(200, {}, b"<html>")]
    with pytest.raises(ReadError, match="learning record store's endpoint"):
        pull()


def test_a_wrong_address_and_a_wrong_moment_are_refused_before_anything_is_asked(home, store, run):
    for address, words in (
        ("https://reader:secret@lrs.example.org/xAPI", "by the settings"),
        ("https://lrs.example.org:none/xAPI", "does not parse"),
        ("https://lrs.example.org/xAPI?agent=1", "must not have a query"),
    ):
        with pytest.raises(OptionsError, match=words) as refused:
            run("ingest", "xapi", address, "--home", home.path)
        assert "secret" not in str(refused.value)
    with pytest.raises(OptionsError, match="--since"):
        run("ingest", "xapi", store.url, "--home", home.path, "--since", "yesterday")
    with pytest.raises(OptionsError, match="only the adapter 'xapi'"):
        run("ingest", "table", store.url, "--home", home.path)
    assert store.asked == []
