"""The reader of learning record stores, and what it does about bad servers."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.readers import http
from platform_adapters.readers.http import Access, Client, RefusedError, pause_of
from platform_adapters.readers.lrs import Cursor, Lrs
from tests.lrs_server import BASIC, PASSWORD, fake_store, statement

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def store():
    with fake_store() as running:
        running.statements = [statement(n) for n in range(5)]
        yield running


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def reader(store, pauses):
    def made(url=None, **options):
        client = Client(
            url or store.url,
            options.pop("access", Access()),
            sleep=pauses.append,
            timeout_seconds=options.pop("timeout_seconds", 5),
        )
        return Lrs(client, url or store.url, **options)

    return made


def _answer(body, **headers):
    return (200, {"Content-Type": "application/json", **headers}, body)


PAGE = json.dumps({"statements": [statement(1)], "more": ""}).encode()


def test_a_busy_store_is_asked_again_when_it_says_or_after_growing_pauses(store, reader, pauses):
    store.trouble = [(429, {"Retry-After": "7"}, b""), (503, {}, b""), (500, {}, b""), None]
    assert len(reader().page(Cursor()).statements) == 5
    assert pauses == [7.0, 2.0, 4.0, 8.0]


def test_a_pause_is_read_as_seconds_or_date_and_is_bounded():
    later = datetime.now(UTC) + timedelta(seconds=90)
    date = later.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 80 < pause_of(date, 1) <= 90
    assert pause_of("Mon, 01 Jan 2024 00:00:00 GMT", 1) == 0
    assert pause_of("soon", 3) == 4
    with pytest.raises(ReadError, match="a pause of 86,400 s"):
        pause_of("86400", 1)


def test_a_store_that_stays_busy_or_away_is_given_up_with_a_sentence(store, reader, pauses):
    store.trouble = [(503, {}, b"")] * http.MAX_TRIES
    with pytest.raises(RefusedError, match="status 503"):
        reader().page(Cursor())
    nobody = Lrs(
        Client("http://127.0.0.1:9/xAPI", Access(), sleep=pauses.append), "http://127.0.0.1:9/xAPI"
    )
    with pytest.raises(ReadError, match=r"cannot be reached \(Connection refused; 6 tries\)"):
        nobody.page(Cursor())


def test_a_silent_store_is_asked_again_and_given_up(store, reader, pauses):
    store.stalls_after = 0
    with pytest.raises(ReadError, match="no answer in time; 6 tries"):
        reader(timeout_seconds=0.05).page(Cursor())
    store.stalls_after = None
    assert len(pauses) == http.MAX_TRIES - 1


def test_a_body_that_breaks_off_is_fetched_again(store, reader):
    store.trouble = [(200, {"Content-Length": str(len(PAGE) + 10)}, PAGE)]
    assert len(reader().page(Cursor()).statements) == 5
    cut = gzip.compress(PAGE)[:-20]
    store.trouble = [_answer(cut, **{"Content-Encoding": "gzip"})]
    assert len(reader().page(Cursor()).statements) == 5
    assert len(store.asked) == 4


def test_a_packed_answer_is_unpacked_within_its_bound(store, reader, monkeypatch):
    store.trouble = [_answer(gzip.compress(PAGE), **{"Content-Encoding": "gzip"})]
    assert reader().page(Cursor()).statements == [statement(1)]
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b" " * (64 << 20)) + packer.flush()
    store.trouble = [_answer(bomb, **{"Content-Encoding": "gzip"})]
    with pytest.raises(ReadError, match="longer than 1 MiB"):
        reader().page(Cursor())


def test_an_answer_that_is_too_long_or_drips_is_refused(store, reader, monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 100)
    with pytest.raises(ReadError, match="longer than"):
        reader().page(Cursor())
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1 << 20)
    monkeypatch.setattr(http, "BODY_SECONDS", -1)
    with pytest.raises(ReadError, match="no whole answer within"):
        reader().page(Cursor())


def test_a_credential_goes_to_the_named_server_and_nowhere_else(store, reader):
    with fake_store() as thief:
        store.authorization = BASIC
        login = Access("reader", PASSWORD)
        store.trouble = [(302, {"Location": f"{thief.url}/statements"}, b"")]
        with pytest.raises(RefusedError, match="redirects are not followed"):
            reader(access=login).page(Cursor())
        elsewhere = {"statements": [], "more": f"{thief.url}/statements?place=1"}
        store.trouble = [_answer(json.dumps(elsewhere).encode())]
        page = reader(access=login).page(Cursor())
        with pytest.raises(ReadError, match="another server"):
            reader(access=login).page(Cursor(more=page.more))
        assert thief.asked == []


def test_a_credential_is_never_in_a_repr_nor_on_an_open_network():
    assert PASSWORD not in repr(Access("reader", PASSWORD, "token"))
    with pytest.raises(OptionsError, match="unencrypted"):
        Client("http://lrs.example.org/xAPI", Access(token="t"))
    Client("http://lrs.example.org/xAPI", Access())
    Client("http://lrs.example.org/xAPI", Access(token="t"), plain_allowed=True)


def test_a_store_of_version_2_is_spoken_to_in_its_version(store, reader):
    store.version = "2.0.0"
    lrs = reader()
    lrs.page(Cursor())
    lrs.page(Cursor())
    spoken = [headers["X-Experience-Api-Version"] for _, _, headers in store.asked]
    assert spoken == ["1.0.3", "2.0.0", "2.0.0"]


def test_pages_that_lead_in_a_circle_are_left(store, reader):
    circle = {"statements": [statement(1)], "more": "/xAPI/statements?place=7"}
    store.trouble = [_answer(json.dumps(circle).encode())] * 2
    lrs = reader()
    page = lrs.page(Cursor())
    with pytest.raises(ReadError, match="circle"):
        lrs.page(Cursor(more=page.more))


def test_the_endpoint_may_be_given_with_or_without_statements(store, reader):
    for url in (store.url, f"{store.url}/", f"{store.url}/statements"):
        assert len(reader(url).page(Cursor()).statements) == 5
    assert {path for path, _, _ in store.asked} == {"/xAPI/statements"}


def test_the_next_pull_begins_before_what_a_consistent_store_has_confirmed(store, reader):
    page = reader().page(Cursor())
    cursor = Cursor().after(page, NOW)
    assert cursor.start(NOW) == Cursor("2026-09-01T08:03:58.000000Z")
    behind = Cursor(newest=cursor.newest, consistent_through="2026-09-01T08:01:00Z", at=cursor.at)
    assert behind.start(NOW).since == "2026-09-01T08:00:58.000000Z"


def test_a_clock_that_is_ahead_does_not_end_all_pulls(store, reader):
    store.consistent = False
    store.statements.append(statement(9, timestamp="2099-01-01T00:00:00Z"))
    cursor = Cursor().after(reader().page(Cursor()), NOW)
    assert cursor.start(NOW).since == "2026-11-23T12:00:00.000000Z"


def test_a_page_is_gone_back_to_for_a_day_and_then_the_pull_begins_again(store, reader):
    store.page = 2
    cursor = Cursor("2026-08-01T00:00:00Z").after(reader().page(Cursor()), NOW)
    assert cursor.start(NOW + timedelta(hours=5)) == cursor
    assert cursor.start(NOW + timedelta(hours=25)) == Cursor("2026-08-01T00:00:00Z")


def test_a_pull_that_found_nothing_leaves_the_place_where_it_was():
    since = Cursor("2026-08-01T00:00:00Z")
    assert Cursor(since.since, at=NOW.isoformat()).start(NOW) == since
