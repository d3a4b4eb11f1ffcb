"""The generator of docs/results.md: markers, tables, and every measure on a tiny log."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import pytest

from recommender.catalogue import CatalogueItem
from recommender.statistics.sequences import ITEM_VERBS
from tests.unit.recommender.rows import clusters

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "report"))

import make  # noqa: E402  - found by the path above
import measures  # noqa: E402
import pages  # noqa: E402

PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def log():
    platforms = {"A": clusters(60, seed=1), "B": clusters(90, seed=2)}
    items = platforms["A"].item_ids
    entries = [CatalogueItem(item, f"Lesson {n}", position=n) for n, item in enumerate(items)]
    return measures.Log("Tiny", platforms, entries, ITEM_VERBS, "one", max_targets=40)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(measures, "BASELINES", ("popularity", "markov"))
    monkeypatch.setattr(measures, "EPSILONS", (4.0, math.inf))
    monkeypatch.setattr(measures, "SIZES", (50,))
    monkeypatch.setattr(measures, "TERMS", 2)


def record(row, column, value, seed=0, **other):
    common = {"section": "learners", "log": "Tiny", "error": 0.01, "ndcg": 0.5, "targets": 40}
    return {**common, "row": row, "column": column, "value": value, "seed": seed, **other}


def test_the_page_has_the_markers_of_every_table_and_the_plots():
    for section in pages.SECTIONS:
        for name in make.LOGS_OF.get(section, make.LOGS):
            marker = pages.marker(section, name)
            begin, end = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
            assert PAGE.count(begin) == PAGE.count(end) == 1, marker
            table = PAGE[PAGE.index(begin) : PAGE.index(end)]
            assert table.count("\n|") > 2, f"{marker} is empty: run `make results`"
    assert set(make.MEASURES) == set(pages.SECTIONS)
    for image in re.findall(r"images/results-[a-z-]+\.svg", PAGE):
        assert (ROOT / "docs" / image).exists()


def test_the_page_shows_the_stored_records():
    assert pages.put(PAGE, pages.generated(list(make.stored()))) == PAGE


def test_only_what_stands_between_markers_is_replaced():
    text = "mine\n<!-- begin a -->\nold\n<!-- end a -->\nalso mine\n"
    expected = "mine\n<!-- begin a -->\nnew \\1\n<!-- end a -->\nalso mine\n"
    assert pages.put(text, {"a": "new \\1"}) == expected
    with pytest.raises(ValueError, match="once each"):
        pages.put(text, {"b": "new"})


def test_a_table_has_means_errors_and_the_best_in_bold():
    records = [
        record("ours", "10", 0.50),
        record("ours", "10", 0.60, seed=1),
        record("theirs", "10", 0.30),
        record("ours", "20", 0.70, targets=50),
    ]
    table = pages.table_of(pages.means(records, "learners", "Tiny"))
    assert table.splitlines() == [
        "| HR@10 | 10 (n = 40) | 20 (n = 50) |",
        "|---|---|---|",
        "| ours | **0.550** ±0.050 | **0.700** ±0.010 |",
        "| theirs | 0.300 ±0.010 |  |",
    ]


@pytest.mark.parametrize("section", pages.SECTIONS)
def test_a_section_is_measured_and_laid_out(log, section):
    records = list(make.MEASURES[section](log, 0))
    assert {r["section"] for r in records} == {section}
    assert all(0 <= r["value"] <= 1 for r in records)
    (table,) = pages.generated(records).values()
    assert table.count("\n|") >= 2
    assert "nan" not in table


def test_equal_records_draw_equal_plots(tmp_path):
    records = [
        record("markov", "without privacy", 0.4, section="models"),
        record("statistics", "epsilon 4", 0.4, section="models"),
        record("statistics", "without privacy", 0.5, section="models"),
    ]
    assert [path.name for path in pages.draw(records, tmp_path)] == ["results-models-tiny.svg"]
    first = (tmp_path / "results-models-tiny.svg").read_bytes()
    pages.draw(records, tmp_path)
    assert (tmp_path / "results-models-tiny.svg").read_bytes() == first
