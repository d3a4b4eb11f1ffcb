"""A busy, full or damaged disk: a sentence, and nothing half-done."""

from __future__ import annotations

import sqlite3
from fractions import Fraction

import pytest
import sqlalchemy as sa

from api.store.consent import ReleaseRecord
from api.store.errors import StoreBusyError, StoreDamagedError, StoreFullError
from api.store.store import Store


def _limit_pages(store, pages):
    """Let the database grow to so many pages and no further, like a disk that is full."""

    def limit(connection, _record):
        connection.execute(f"PRAGMA max_page_count = {pages}")

    store._database.engine.dispose()
    sa.event.listen(store._database.engine, "connect", limit)


def test_a_database_that_another_process_is_writing_to_is_busy_and_then_free(url, row):
    path = url.removeprefix("sqlite:///")
    with Store.open(url, busy_timeout_seconds=0.05) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match=r"store\.sqlite.*another process"):
            store.add_interactions([row()])
        assert store.counts()["interactions"] == 0  # reading goes on meanwhile
        other.execute("ROLLBACK")
        other.close()
        assert store.add_interactions([row()]).added == 1


def test_a_full_disk_keeps_what_was_committed_and_a_rerun_finishes(url, row):
    rows = [row(item=f"page-{n}" * 20) for n in range(3_000)]
    with Store.open(url) as store:
        number = store.start_import(adapter="table", path="x.csv", digest="00", options={})
        _limit_pages(store, 150)
        with pytest.raises(StoreFullError, match="disk is full; what was stored before is kept"):
            store.import_interactions(number, rows, batch=200)
        stored = store.counts()["interactions"]
        assert 0 < stored < 3_000
        assert stored % 200 == 0
        assert store.stored_by_import(number) == stored
    with Store.open(url) as store:
        store.check()
        result = store.import_interactions(number, rows, batch=200)
        assert (result.added, result.duplicates) == (3_000 - stored, stored)
        assert list(store.interaction_rows()) == rows


def test_a_release_on_a_full_disk_marks_nobody(url):
    learners = [f"lp1_abcdefgh_{n:026}" for n in range(20_000)]
    with Store.open(url) as store:
        _limit_pages(store, 100)
        with pytest.raises(StoreFullError):
            store.mark_released(learners, ReleaseRecord("ab", 1, 1, Fraction(1, 3), 0))
        assert store.released() == frozenset()
        assert store.releases() == []


def test_a_damaged_file_is_found_and_named(url, row, tmp_path):
    with Store.open(url) as store:
        store.add_interactions([row(item=f"page-{n}") for n in range(2_000)])
    path = tmp_path / "store.sqlite"
    content = bytearray(path.read_bytes())
    for start in range(20 * 4096, len(content), 4096):
        content[start : start + 512] = b"\xff" * 512
    path.write_bytes(content)
    with pytest.raises(StoreDamagedError, match=r"store\.sqlite.*restore it from a backup"):  # noqa: SIM117 - opening may be what fails
        with Store.open(url) as store:
            store.check()


def test_an_interrupted_batch_is_not_stored_and_earlier_ones_are(store, row):
    def rows():
        for number in range(25):
            yield row(item=f"page-{number}")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_interactions(rows(), batch=10)
    assert store.counts()["interactions"] == 20
