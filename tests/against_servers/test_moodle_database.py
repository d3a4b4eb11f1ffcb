"""A live Moodle database, in PostgreSQL and MariaDB, read by the user of the guide."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from api import databases
from api.settings import load_settings
from api.store.opening import open_store
from platform_adapters.engines.moodle_tables import table_of
from platform_adapters.errors import ReadError
from platform_adapters.formats.moodle.tables import COLUMNS, LOG, STATES
from platform_adapters.readers.database import open_database
from recommender.catalogue import CatalogueItem
from tests.against_servers.moodle_site import DUMP, GUIDE, SECRET, rows_of

pytestmark = pytest.mark.server

VIEW = "\\mod_page\\event\\course_module_viewed"


def stored(home) -> set[tuple]:
    """Every stored row, as far as the log and the tables decide it."""
    with open_store(home, load_settings(home)) as store:
        query = sa.text(
            "SELECT hex(event), verb, timestamp, score, attempt, item_id FROM interactions"
        )
        with store._database.read() as connection:
            return {tuple(row) for row in connection.execute(query)}


def totals(records) -> tuple[int, int]:
    return sum(r["events"] for r in records), sum(r["rejected_rows"] for r in records)


def log_row(number: int, user: int, time: int, event: str = VIEW, **values: object) -> dict:
    where = {"contextlevel": 70, "contextinstanceid": 340, "courseid": 7}
    made = {"id": number, "eventname": event, "userid": user, "timecreated": time}
    return {**made, **where, "anonymous": 0, "origin": "web", **values}


def ingest(run, home, site, url):
    options = ("--prefix", site.prefix, "--max-rejects", "0.5")
    return run("ingest", "moodle", url, "--home", home.path, *options)


@pytest.mark.parametrize("site", ["mdl_", "m404_"], indirect=True)
def test_a_database_gives_what_the_dump_of_its_tables_gives(run, home, site, reader, tmp_path):
    from_dump = run(
        *("ingest", "moodle", *sorted(DUMP.glob("*.csv")), "--home", home.path),
        *("--max-rejects", "0.5"),
    )
    before = stored(home)
    records = ingest(run, home, site, reader)
    assert [record["rejected_rows"] for record in records] == [2]
    assert totals(records)[0] == 0, "the same rows have the same ids"
    assert stored(home) == before
    assert totals(from_dump)[0] == len(before) == 22


def test_the_next_reading_adds_what_is_new_and_what_has_changed(run, home, site, reader):
    first = ingest(run, home, site, reader)
    assert totals(first)[0] == 22
    assert first[0]["catalogue"] == {"items": 7, "new": 7, "kept": 0, "gone": 0}
    again = ingest(run, home, site, reader)
    assert totals(again)[0] == 0, again
    site.add("logstore_standard_log", log_row(5_000, 13, 1_709_400_000))
    done = "\\core\\event\\course_module_completion_updated"
    told = {"relateduserid": 13, "other": json.dumps({"completionstate": 1})}
    site.add(
        "logstore_standard_log",
        log_row(5_001, 13, 1_709_400_100, done, contextinstanceid=346, **told),
    )
    site.change("course_modules_completion", 78, completionstate=1, timemodified=1_709_400_100)
    site.change("quiz_attempts", 52, state="finished", timefinish=1_709_400_200, sumgrades=1)
    site.change("quiz_attempts", 52, timemodified=1_709_400_200)
    new = ingest(run, home, site, reader)
    assert totals(new)[0] == 3, "a view, a completion told once, an attempt that has ended"
    assert new[0]["ignored"]["told better by a state table: completion"] >= 1


def test_scorm_values_of_moodle_4_3_are_read_as_tracks_were(run, home, site, reader):
    site.add("scorm_attempt", {"id": 1, "userid": 15, "scormid": 2, "attempt": 1})
    elements = ["cmi.core.score.raw", "cmi.core.score.max", "cmi.suspend_data"]
    site.add("scorm_element", *({"id": n, "element": name} for n, name in enumerate(elements, 1)))
    for number, (element, value) in enumerate([(1, "30"), (2, "40"), (3, "x" * 9_000)], 1):
        values = {"value": value, "timemodified": 1_709_300_000}
        site.add(
            "scorm_scoes_value",
            {"id": number, "scoid": 5, "attemptid": 1, "elementid": element, **values},
        )
    records = ingest(run, home, site, reader)
    assert totals(records)[0] == 23
    assert any(row[3] == 0.75 and row[4] == 1 for row in stored(home))


def test_a_reading_that_was_killed_goes_on_behind_its_last_segment(
    run, home, site, reader, monkeypatch
):
    monkeypatch.setattr(databases, "SEGMENT_ROWS", 7)
    site.add(
        "logstore_standard_log",
        *(log_row(6_000 + n, 100 + n % 5, 1_709_500_000 + n) for n in range(40)),
    )
    seen = []

    def die_in_the_third(self, feed, rows, report):
        seen.append(feed.cursor.table)
        for count, row in enumerate(real(self, feed, rows, report)):
            if len(seen) == 3 and count == 1:
                raise RuntimeError("killed")
            yield row

    real = databases.DatabaseReader._rows
    monkeypatch.setattr(databases.DatabaseReader, "_rows", die_in_the_third)
    with pytest.raises(RuntimeError, match="killed"):
        ingest(run, home, site, reader)
    monkeypatch.setattr(databases.DatabaseReader, "_rows", real)
    rest = ingest(run, home, site, reader)
    assert len(stored(home)) == 22 + 40
    read = sum(record["rows"] for record in rest)
    whole = (
        sum(len(rows_of(path)) for path in DUMP.glob("*.csv") if table_of(path) in {LOG, *STATES})
        + 40
    )
    assert read <= whole - 14 + 1, "the two whole segments were not read again"


def test_a_user_who_may_read_nothing_but_the_log_gets_the_log(run, home, site, reader, caplog):
    site.revoke_all_but("logstore_standard_log")
    records = ingest(run, home, site, reader)
    assert "teachers cannot be told from learners" in caplog.text
    assert "catalogue" not in records[0]
    assert set(records[0]["verbs"]) == {
        "viewed",
        "completed",
        "uncompleted",
        "started",
        "enrolled",
    } | {
        "attempted",
        "progressed",
    }


def test_the_reader_can_neither_write_nor_read_names(site, reader):
    with open_database(reader, site.prefix) as tables:
        assert tables.columns("user") == {"id", "username"}
        assert "ip" not in tables.columns("logstore_standard_log")
        with pytest.raises(sa.exc.SQLAlchemyError):
            tables._connection.execute(sa.delete(site.tables["course"]))


def test_even_an_administrators_connection_writes_nothing(site):
    url = site.admin.render_as_string(hide_password=False)
    with (
        open_database(url, site.prefix) as tables,
        pytest.raises(sa.exc.SQLAlchemyError, match=r"(?i)read.only"),
    ):
        tables._connection.execute(sa.delete(site.tables["course"]))


def test_neither_user_nor_password_is_printed_or_kept(run, home, site, reader, tmp_path):
    ingest(run, home, site, reader)
    kept = b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    told = run.printed.encode() + (tmp_path / "result.json").read_bytes()
    for secret in (SECRET, SECRET.replace(" ", "+"), SECRET.replace(" ", "%20"), "murmuration@"):
        assert secret.encode() not in kept + told.replace(b'"murmuration.', b"")


def test_a_wrong_password_prefix_or_port_is_explained_without_the_password(run, home, site, reader):
    def refusal(url: str, prefix: str = site.prefix) -> str:
        with pytest.raises(ReadError) as found:
            run("ingest", "moodle", url, "--home", home.path, "--prefix", prefix)
        return str(found.value)

    url = sa.make_url(reader)
    wrong = url.set(password="not this one").render_as_string(hide_password=False)
    closed = url.set(port=1).render_as_string(hide_password=False)
    assert "no table other_logstore_standard_log" in refusal(reader, "other_")
    for text in (refusal(wrong), refusal(closed)):
        assert "the database refused" in text
        assert "not this one" not in text
        assert SECRET not in text


def test_sync_reads_a_database_with_the_credential_of_its_source(
    run, home, site, reader, monkeypatch
):
    url = sa.make_url(reader).set(username=None, password=None)
    monkeypatch.setenv("MOODLE_PASSWORD", SECRET)
    with home.settings_path.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[[sources]]\nadapter = "moodle"\ninputs = ["{url.render_as_string()}"]\n'
            'username = "murmuration"\npassword = "env:MOODLE_PASSWORD"\n'
            f'prefix = "{site.prefix}"\nhome_page = "https://moodle.example.org"\n'
        )
    records = run("sync", "--no-train", "--home", home.path)
    assert totals(records)[0] == 22
    with open_store(home, load_settings(home)) as store:
        urls = {item.item: item.url for item in store.catalogue()}
    assert urls["module:342"] == "https://moodle.example.org/mod/quiz/view.php?id=342"


def test_what_left_moodle_is_counted_and_leaves_when_that_is_asked_for(run, home, site, reader):
    again = ("ingest", "moodle", reader, "--prefix", site.prefix, "--home", home.path)
    run(*again)
    with open_store(home, load_settings(home)) as store:
        store.upsert_catalogue([CatalogueItem("module:9999", title="Deleted in Moodle")])
    assert run(*again)[0]["catalogue"] == {"items": 7, "new": 0, "kept": 1, "gone": 0}
    assert "--replace-catalogue" in run.printed
    records = run(*again, "--replace-catalogue")
    assert records[0]["catalogue"] == {"items": 7, "new": 0, "kept": 0, "gone": 1}
    with open_store(home, load_settings(home)) as store:
        assert "module:9999" not in {item.item for item in store.catalogue()}


def test_the_guide_grants_every_column_that_is_read_and_no_other():
    text = " ".join(GUIDE.read_text(encoding="utf-8").split())
    for table, columns in COLUMNS.items():
        more = ", timemodified" if table == "user_enrolments" else ""
        assert f"GRANT SELECT ({', '.join(columns)}{more}) ON mdl_{table} TO murmuration;" in text
