"""`ingest` and `sync`: counts that add up, reruns, unusable input."""

from __future__ import annotations

import gzip

import pytest

from api.settings_errors import SettingsError
from api.store.opening import open_store
from platform_adapters.errors import OptionsError, ReadError, TooManyRejectsError


def _stored(home):
    with open_store(home) as store:
        return list(store.interaction_rows())


def test_a_log_is_stored_and_its_counts_add_up(home, log, run, result, tmp_path):
    path = log(100)
    text = path.read_text()
    path.write_text(text + "u1,page-1,yesterday,viewed\n" + text.splitlines()[1] + "\n")
    said = run("ingest", "table", path, "--home", home.path, "--json", tmp_path / "result.json")
    (record,) = result()
    assert record["rows"] == 102
    assert record["events"] == 100
    assert record["duplicates"] == 1
    assert record["rejected_rows"] == 1
    assert "102 rows = 100 events + 1 duplicates + 0 ignored + 1 rejected" in said
    assert "log.csv, line 102" in said
    assert len(_stored(home)) == 100


def test_learner_ids_are_pseudonymised_on_the_way_in(home, log, run):
    run("ingest", "table", log(5), "--home", home.path)
    assert {row.learner[:4] for row in _stored(home)} == {"lp1_"}
    assert b"u1," not in home.store_path.read_bytes()


def test_ingesting_a_log_again_adds_nothing_and_reports_duplicates(
    home, log, run, result, tmp_path
):
    path = log(100)
    run("ingest", "table", path, "--home", home.path)
    before = _stored(home)
    run("ingest", "table", path, "--home", home.path, "--json", tmp_path / "result.json")
    assert [(r["events"], r["duplicates"]) for r in result()] == [(0, 100)]
    assert _stored(home) == before


def test_a_longer_log_adds_what_is_new(home, log, run, result, tmp_path):
    run("ingest", "table", log(100), "--home", home.path)
    run("ingest", "table", log(150), "--home", home.path, "--json", tmp_path / "result.json")
    assert [(r["events"], r["duplicates"]) for r in result()] == [(50, 100)]


def test_the_report_is_written_and_kept_in_the_store(home, log, run, tmp_path):
    run("ingest", "table", log(10), "--home", home.path, "--report", tmp_path / "report.json")
    assert '"events": 10' in (tmp_path / "report.json").read_text()
    with open_store(home) as store:
        (row,) = store.latest_imports()
    assert (row.state, row.stored, row.report["rows"]) == ("done", 10, 10)


def test_a_truncated_log_leaves_nothing_behind(home, log, run, tmp_path):
    whole = gzip.compress(log(15_000).read_bytes())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(ReadError, match=r"cut\.csv\.gz"):
        run("ingest", "table", cut, "--home", home.path)
    assert _stored(home) == []
    with open_store(home) as store:
        assert store.training_interactions("local").learner_ids == ()
    cut.write_bytes(whole)
    run("ingest", "table", cut, "--home", home.path)
    assert len(_stored(home)) == 15_000


def test_a_log_that_is_mostly_unusable_leaves_nothing_behind(home, log, run, tmp_path):
    path = log(12_000)
    path.write_text(path.read_text() + "u1,page-1,yesterday,viewed\n" * 9_000)
    with pytest.raises(TooManyRejectsError, match="Nothing was kept"):
        run("ingest", "table", path, "--home", home.path)
    assert _stored(home) == []


def test_an_unknown_adapter_and_a_missing_file_are_named(home, log, run):
    with pytest.raises(OptionsError, match="chalkboard"):
        run("ingest", "chalkboard", log(1), "--home", home.path)
    with pytest.raises(ReadError, match=r"nowhere\.csv does not exist"):
        run("ingest", "table", "nowhere.csv", "--home", home.path)


def test_options_that_would_have_no_effect_are_refused(home, log, run):
    database = "postgresql+psycopg://reader@localhost/moodle"
    with pytest.raises(OptionsError, match="--since is for record stores"):
        run("ingest", "moodle", database, "--since", "2026-01-01T00:00:00Z", "--home", home.path)
    with pytest.raises(OptionsError, match="--prefix is for a database"):
        run("ingest", "table", log(1), "--prefix", "mdl_", "--home", home.path)
    with pytest.raises(OptionsError, match="--replace-catalogue is for a database"):
        run("ingest", "table", log(1), "--replace-catalogue", "--home", home.path)
    with pytest.raises(OptionsError, match="only the adapter 'moodle' reads a database"):
        run("ingest", "xapi", database, "--home", home.path)


def test_a_database_in_place_of_a_file_is_refused_without_its_password(home, run, tmp_path):
    url = "postgresql+psycopg://reader:hush@localhost/moodle"
    out = ("--out", tmp_path / "out.csv")
    for command in (("catalogue", "import", "--adapter", "moodle"), ("adapt", "moodle", *out)):
        with pytest.raises(OptionsError, match="is read by `murmuration ingest`") as refused:
            run(*command, url, "--home", home.path)
        assert "hush" not in str(refused.value)


def _add_source(home, text):
    with home.settings_path.open("a") as file:
        file.write(f"\n[[sources]]\n{text}\n")


def test_sync_reads_new_files_and_skips_unchanged_ones(home, log, run, result, tmp_path):
    _add_source(home, f'adapter = "table"\ninputs = ["{tmp_path}/log*.csv"]')
    out = tmp_path / "result.json"
    log(10, "log1.csv")
    run("sync", "--no-train", "--home", home.path, "--json", out)
    log(20, "log2.csv")
    said = run("sync", "--no-train", "--home", home.path, "--json", out)
    assert "log1.csv: unchanged since it was imported, skipped" in said
    assert [record.get("events") for record in result()] == [None, 10]
    assert len(_stored(home)) == 20


def test_sync_without_sources_or_without_files_says_what_to_change(home, run):
    with pytest.raises(SettingsError, match=r"settings\.toml.*\[\[sources\]\]"):
        run("sync", "--home", home.path)
    _add_source(home, 'adapter = "table"\ninputs = ["exports/*.csv"]')
    with pytest.raises(SettingsError, match=r"sources\.0\.inputs.*exports/\*\.csv"):
        run("sync", "--home", home.path)


def test_items_that_left_the_platform_are_counted_and_go_when_that_is_asked_for(
    home, log, run, result, tmp_path
):
    catalogue, out = tmp_path / "catalogue.csv", tmp_path / "result.json"
    read = ("catalogue", "import", catalogue, "--home", home.path)
    catalogue.write_text("item,title\npage-1,One\npage-2,Two\npage-3,Three\n")
    assert "stay" not in run(*read)
    catalogue.write_text("item,title\npage-1,One\n")
    said = run(*read, "--json", out)
    assert "2 items of the catalogue are not in the files and stay" in said
    assert "--replace removes them" in said
    assert (result()[0]["kept"], result()[0]["removed"]) == (2, 0)
    log(3, "log1.csv")
    source = f'adapter = "table"\ninputs = ["{tmp_path}/log1.csv"]\ncatalogue = "{catalogue}"'
    _add_source(home, source)
    assert "2 items of our catalogue are not in it and stay" in run(
        "sync", "--no-train", "--home", home.path
    )
    text = home.settings_path.read_text().replace(source, f"{source}\nreplace_catalogue = true")
    home.settings_path.write_text(text)
    said = run("sync", "--no-train", "--home", home.path)
    assert "2 items that it no longer has were removed" in said
    with open_store(home) as store:
        assert [item.item for item in store.catalogue()] == ["page-1"]
