"""The demo's data: four formats of one log, as its README says."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from platform_adapters.training_sets import build_interactions, verbs_for

SAMPLE = Path(__file__).resolve().parents[3] / "data_samples" / "canvas_network_four_platforms"
PLATFORMS = {
    "alder": ("xapi", 60, 207),
    "birch": ("canvas", 240, 779),
    "cedar": ("openedx", 1200, 4043),
    "dogwood": ("moodle", None, None),
}
DOGWOOD_LINES = 5_000


def inputs(platform: str, tmp_path: Path) -> list[Path]:
    """A platform's files; of Dogwood's log only the start, to save time."""
    paths = sorted((SAMPLE / platform).iterdir())
    if platform != "dogwood":
        return paths
    log = SAMPLE / "dogwood" / "events.csv.gz"
    with gzip.open(log, "rt", encoding="utf-8") as stream:
        lines = [next(stream) for _ in range(DOGWOOD_LINES + 1)]
    start = tmp_path / "events.csv"
    start.write_text("".join(lines), encoding="utf-8")
    return [start, *(path for path in paths if path != log)]


def shared_keys() -> list[str]:
    text = (SAMPLE / "shared_catalogue.csv").read_text(encoding="utf-8")
    return [row["content_key"] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platforms_log_is_all_events_of_catalogued_courses(
    platform, tmp_path, pseudonymiser
) -> None:
    adapter_name, learners, enrolments = PLATFORMS[platform]
    adapter, report = ADAPTERS[adapter_name], ImportReport()
    paths = inputs(platform, tmp_path)
    rows = list(convert(adapter, paths, AdaptOptions(platform), pseudonymiser, report))
    (catalogue,) = adapter.catalogues(paths)
    items = list(adapter.read_catalogue(catalogue))
    assert report.events == report.rows
    assert sorted(item.content_key for item in items) == shared_keys()
    assert {row.item for row in rows} <= {item.item for item in items}
    assert all(row.is_course_level for row in rows)
    assert all(item.type == "course" and item.duration_minutes for item in items)
    if learners is not None:
        found = build_interactions(rows, level="courses", verbs=verbs_for("courses"))
        assert len(found.learner_ids) == learners
        assert report.verbs["enrolled"] == enrolments


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_event_stands_on_the_first_day_of_a_quarter_at_noon(
    platform, tmp_path, pseudonymiser
) -> None:
    rows = convert(
        ADAPTERS[PLATFORMS[platform][0]],
        inputs(platform, tmp_path),
        AdaptOptions(platform),
        pseudonymiser,
        ImportReport(),
    )
    times = {datetime.fromtimestamp(row.timestamp, UTC) for row in rows}
    assert all(t.month in {1, 4, 7, 10} and (t.day, t.hour, t.minute) == (1, 12, 0) for t in times)


def test_the_shared_catalogue_is_sorted_by_the_bytes_of_its_keys() -> None:
    keys = shared_keys()
    assert len(set(keys)) == len(keys) == 238
    assert keys == sorted(keys, key=str.encode)


def test_dogwood_has_the_number_of_events_that_the_readme_tells() -> None:
    with gzip.open(SAMPLE / "dogwood" / "events.csv.gz", "rb") as stream:
        assert sum(1 for _ in stream) - 1 == 201_144
