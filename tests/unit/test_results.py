"""The generator of docs/results.md: markers, tables, and every measure on a tiny log."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path

import pytest

from recommender import trial
from recommender.catalogue import CatalogueItem
from recommender.statistics.sequences import ITEM_VERBS
from tests.unit.recommender.rows import clusters

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks" / "report"), str(ROOT / "benchmarks")]

import make  # noqa: E402  - found by the path above
import measures  # noqa: E402
import pages  # noqa: E402
import plots  # noqa: E402
import recommender_constants  # noqa: E402
from kept import Kept, version_of  # noqa: E402

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
    steps = list(make.MEASURES[section](log, 0))
    assert len({step.name for step in steps}) == len(steps)
    records = [record for step in steps for record in step.measure()]
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
    assert [path.name for path in plots.draw(records, tmp_path)] == ["results-models-tiny.svg"]
    first = (tmp_path / "results-models-tiny.svg").read_bytes()
    plots.draw(records, tmp_path)
    assert (tmp_path / "results-models-tiny.svg").read_bytes() == first


def test_names_of_lines_keep_their_distance_and_their_order():
    found = plots.spaced([0.1, 0.5, 0.51, 0.52, 0.9], 0.1)
    assert found == pytest.approx([0.1, 0.41, 0.51, 0.61, 0.9])


def test_every_stored_cell_of_never_worse_is_a_dot_of_the_plot(tmp_path):
    cells = [cell for cell in make.lines_of(make.NEVER_WORSE) if cell["prior"] == "none"]
    begins = tuple(begin for *all_begins, _ in plots.CUTS.values() for begin in all_begins)
    assert all(cell["setting"].startswith(begins) for cell in cells)
    drawn = plots.draw_never_worse(cells, tmp_path).read_bytes()
    assert drawn == plots.draw_never_worse(cells, tmp_path).read_bytes()
    assert drawn == (ROOT / "docs" / "images" / "results-never-worse.svg").read_bytes()


def job(*names, killed_at=None, measured=None):
    """A section of steps, one of which may kill the process that measures it."""

    def step(name):
        def measure():
            if name == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if measured is not None:
                measured.append(name)
            return [record(name, "10", 1 / 3)]

        return measures.Step(name, measure)

    return lambda log, seed: [step(name) for name in names]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "read_log", lambda name: None)
    monkeypatch.setattr(make, "progress", lambda total, label: nullcontext(Quiet()))
    return Kept(tmp_path / "kept.jsonl", "this version")


class Quiet:
    """Shows no progress."""

    def advance(self, units=1, note=""):
        pass


def test_a_killed_run_loses_one_measurement_and_the_next_goes_on_from_there(kept, monkeypatch):
    monkeypatch.setitem(make.MEASURES, "learners", job("a", "b", "c", killed_at="b"))
    jobs = [("learners", "Tiny", 0)]
    with pytest.raises(BrokenProcessPool):
        make.measure_all(jobs, kept, 1)
    assert [key[3] for key in kept.read()] == ["a"]
    measured = []
    monkeypatch.setitem(make.MEASURES, "learners", job("a", "b", "c", measured=measured))
    make.measure(jobs[0], kept, lambda text: None)
    assert measured == ["b", "c"]
    assert [r["row"] for r in make.measure_all(jobs, kept, 1)] == ["a", "b", "c"]


def test_workers_end_with_the_process_that_asked_for_them(tmp_path):
    ended = tmp_path / "ended"
    code = (
        "import os, signal, sys, time; sys.path.insert(0, sys.argv[1]); import make;"
        "make.read_log = lambda name: None; from measures import Step;"
        "from pathlib import Path; from kept import Kept;"
        "told = lambda: (os.kill(os.getppid(), signal.SIGKILL), time.sleep(60));"
        "make.MEASURES['models'] = lambda log, seed: [Step('s', told)];"
        "make.measure_all([('models', 'Tiny', 0)], Kept(Path(sys.argv[2]), 'v'), 1)"
    )
    folder = str(ROOT / "benchmarks" / "report")
    # The pipe ends when nobody holds it any more: neither the killed parent nor its worker.
    run = subprocess.run(
        [sys.executable, "-c", code, folder, str(ended)],
        cwd=ROOT,
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert not ended.exists()


def test_lines_that_were_cut_off_or_of_another_version_are_measured_again(kept):
    kept.add(("models", "Tiny", 0, "a"), [record("a", "10", 1 / 3)], 1.0)
    Kept(kept.path, "an older version").add(("models", "Tiny", 0, "b"), [], 1.0)
    with kept.path.open("a", encoding="utf-8") as file:
        file.write('\n{"version": "this ver')
    kept.add(("models", "Tiny", 1, "a"), [record("a", "10", 0.5)], 1.0)
    assert list(kept.read()) == [("models", "Tiny", 0, "a"), ("models", "Tiny", 1, "a")]
    assert kept.read()["models", "Tiny", 0, "a"][0]["value"] == 0.33333
    kept.forget()
    assert kept.read() == {}


def test_the_version_is_another_when_a_file_of_code_is_changed_or_named_otherwise(tmp_path):
    file = tmp_path / "code" / "a.py"
    file.parent.mkdir()
    versions = []
    for text in ("x = 1", "x = 2"):
        file.write_text(text, encoding="utf-8")
        versions.append(version_of([file.parent]))
    file.rename(file.with_name("b.py"))
    assert len({*versions, version_of([file.parent])}) == 3


def test_a_constant_is_chosen_on_the_other_logs_and_judged_on_the_one_left_out():
    knob = "strata"
    hits = {"A": (0.5, 0.6, 0.4), "B": (0.5, 0.55, 0.45), "C": (0.5, 0.4, 0.52)}
    records = [
        {"key": [log, 10, 4.0, 0, "none", *said], "hits": [hit, hit]}
        for log, row in hits.items()
        for said, hit in zip((("", ""), (knob, "8"), (knob, "1")), row, strict=True)
    ]
    (found,) = recommender_constants.summarise(records)
    assert found["served"] == "5"
    assert found["chosen without"] == {"A": "5", "B": "5", "C": "8"}
    assert found["left-out log loses"] == {"A": 0.1, "B": 0.05, "C": 0.12}
    assert found["mean loss, as served"] == round((0.1 + 0.05 + 0.02) / 3, 4)


def test_what_is_turned_is_as_served_afterwards():
    before = {
        (module, name): getattr(module, name)
        for places in recommender_constants.PLACES.values()
        for module, name in places
    }
    manifest = trial.default_manifest(5, bytes(32), enrolled_counts=False)
    assert tuple(block.weight for block in manifest.blocks) == recommender_constants.SERVED
    for knob, values in recommender_constants.KNOBS.items():
        assert recommender_constants.CHOSEN[knob] in values
        for value in values.values():
            with recommender_constants.turned(knob, value):
                pass
    assert all(getattr(*place) == value for place, value in before.items())
    assert recommender_constants.trial.default_manifest is trial.default_manifest
