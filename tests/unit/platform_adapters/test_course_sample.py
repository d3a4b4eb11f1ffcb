"""The log of one course: what its README says, and nothing that it says was cut."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from platform_adapters.catalogues.table import read_catalogue
from platform_adapters.training_sets import read_interactions, read_table, verbs_for

SAMPLE = Path(__file__).resolve().parents[3] / "data_samples" / "oulad_bbb"
NOON = 12 * 3600


@pytest.fixture(scope="module")
def table():
    return read_table(SAMPLE / "interactions.csv.gz", part="platform")


@pytest.fixture(scope="module")
def rows(table):
    return table.interactions(level="items", verbs=verbs_for("items"))


def test_the_log_has_the_learners_sites_and_platforms_of_its_readme(table, rows):
    assert (len(rows.learner_ids), len(rows.item_ids), len(rows)) == (1788, 320, 327_798)
    learners = {name: len(table.interactions(part=name).learner_ids) for name in table.parts}
    assert learners == {"juniper": 1007, "hazel": 518, "fir": 215, "elm": 48}
    assert rows.item_ids == tuple(
        sorted(entry.item for entry in read_catalogue(SAMPLE / "catalogue.csv.gz"))
    )


def test_every_record_of_a_day_stands_at_noon_and_nothing_else_is_told(rows):
    assert set(rows.timestamp % 86_400) == {NOON}
    told = {"learner", "item", "timestamp", "verb", "course", "platform"}
    assert set(pd.read_csv(SAMPLE / "interactions.csv.gz", nrows=1).columns) == told
    results = pd.read_csv(SAMPLE / "assessment_results.csv.gz")
    assert set(results.columns) == told | {"score"}


def test_results_are_of_catalogued_assessments_and_of_learners_of_the_log(rows):
    results = read_interactions(SAMPLE / "assessment_results.csv.gz")
    listed = {entry.item for entry in read_catalogue(SAMPLE / "assessments.csv.gz")}
    assert set(results.item_ids) <= listed
    assert set(results.learner_ids) <= set(rows.learner_ids)
    assert np.nanmax(results.score) == 1.0


def test_titles_are_marked_as_rendered():
    entries = list(read_catalogue(SAMPLE / "catalogue.csv.gz"))
    assert all("rendered" in entry.description for entry in entries)
    assert [entry.position for entry in entries] == list(range(320))
    assert sum(bool(entry.section) for entry in entries) == 76


def test_the_rebuild_script_aggregates_float_ids_and_repeated_rows(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("oulad_build", SAMPLE / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    here = {"code_module": "BBB", "code_presentation": "2013J"}
    sites = [float(number) for number in range(6)]
    visits = pd.DataFrame(
        [{**here, "id_student": 7.0, "id_site": s, "date": 3.0} for s in (*sites, 0.0)]
        + [{**here, "id_student": 8.0, "id_site": 0.0, "date": 1.0}]
    )
    visits.to_parquet(tmp_path / "studentVle_ds")
    pd.DataFrame(
        [{**here, "id_site": s, "activity_type": "quiz", "week_from": None} for s in sites]
    ).astype({"week_from": float}).to_parquet(tmp_path / "vle.parquet")
    pd.DataFrame([{**here, "id_student": 7.0, "region": "Wales"}]).to_parquet(
        tmp_path / "studentInfo.parquet"
    )
    pd.DataFrame(
        [{**here, "id_assessment": 9.0, "assessment_type": "TMA", "date": 19.0, "weight": 5.0}]
    ).to_parquet(tmp_path / "assessments.parquet")
    given = {"id_assessment": 9.0, "id_student": 7.0, "date_submitted": 18.0}
    pd.DataFrame(
        [{**given, "is_banked": 0.0, "score": 80.0}, {**given, "is_banked": 1.0, "score": 60.0}]
    ).to_parquet(tmp_path / "studentAssessment.parquet")
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr("sys.argv", ["build.py", str(tmp_path), "--out", str(out)])
    build.main()
    assert '"visits": 6' in capsys.readouterr().out
    rows = pd.read_csv(out / "interactions.csv.gz")
    assert set(rows["timestamp"]) == {"2013-10-04T12:00:00Z"}
    assert set(rows["platform"]) == {"fir"}
    assert list(pd.read_csv(out / "assessment_results.csv.gz")["score"]) == [0.8]
