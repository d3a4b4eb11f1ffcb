"""Any log: order and repeats do not matter, counts add up, no learner's id gets out."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from recommender.interactions import VERBS

HOME = Pseudonymiser(bytes(range(32)))
LEARNERS = st.integers(0, 5).map(lambda n: f"LEARNER{n}SECRET")
SECONDS = st.integers(1_600_000_000, 1_700_000_000)
ITEMS = st.sampled_from(["osmosis", "cells", "course-7"])
NOISE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False)
)


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def xapi(learner: str, item: str, seconds: int, number: int, noise: object) -> dict:
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "actor": {"account": {"homePage": "https://x", "name": learner}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": item},
        "timestamp": iso(seconds),
        "result": {"score": {"raw": noise, "max": 5}},
        "context": {"registration": learner},
    }


def canvas(learner: str, item: str, seconds: int, number: int, noise: object) -> dict:
    return {
        "metadata": {
            "event_name": "grade_change",
            "event_time": iso(seconds),
            "request_id": number,
            "session_id": learner,
        },
        "body": {
            "student_id": learner,
            "assignment_id": item,
            "score": 3,
            "points_possible": noise,
        },
    }


def openedx(learner: str, item: str, seconds: int, number: int, noise: object) -> dict:
    return {
        "name": "edx.grades.problem.submitted",
        "timestamp": iso(seconds),
        "session": learner,
        "context": {"course_id": "c", "number": number},
        "data": {
            "user_id": learner,
            "problem_id": item,
            "weighted_earned": noise,
            "weighted_possible": 5,
        },
    }


def table(learner: str, item: str, seconds: int, number: int, noise: object) -> dict:
    return {
        "learner": learner,
        "item": item,
        "timestamp": seconds,
        "attempt": number,
        "score": noise,
        "session": learner,
    }


MAKERS = {"xapi": xapi, "canvas": canvas, "openedx": openedx, "table": table}
RECORDS = st.lists(
    st.tuples(LEARNERS, ITEMS, SECONDS, st.integers(0, 20), NOISE), min_size=1, max_size=30
)
ANYTHING = st.recursive(
    NOISE,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "actor",
                    "verb",
                    "object",
                    "id",
                    "metadata",
                    "body",
                    "name",
                    "data",
                    "learner",
                    "item",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def adapt(name: str, records: list) -> tuple[list, ImportReport]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        report = ImportReport()
        rows = convert(
            ADAPTERS[name], [path], AdaptOptions("p"), HOME, report, max_reject_share=1.0
        )
        return list(rows), report


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=None)
@given(records=RECORDS, random=st.randoms(use_true_random=False))
def test_the_order_and_the_repeats_of_rows_do_not_matter(name, records, random) -> None:
    made = [MAKERS[name](*record) for record in records]
    shuffled = made + random.choices(made, k=5)
    random.shuffle(shuffled)
    if name == "xapi":  # one id must be one statement
        made = list({record["id"]: record for record in made}.values())
        shuffled = [record for record in shuffled if record in made]
    rows, report = adapt(name, made)
    again, other = adapt(name, shuffled)
    assert sorted(map(repr, rows)) == sorted(map(repr, again))
    assert other.duplicates >= report.duplicates


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=None)
@given(records=RECORDS)
def test_no_learner_id_gets_into_rows_or_report(name, records) -> None:
    rows, report = adapt(name, [MAKERS[name](*record) for record in records])
    text = json.dumps([structs.asdict(row) for row in rows]) + json.dumps(report.to_dict())
    assert "SECRET" not in text


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=60, deadline=None)
@given(records=st.lists(ANYTHING, max_size=10))
def test_whatever_the_log_holds_the_counts_add_up_and_nothing_crashes(name, records) -> None:
    rows, report = adapt(name, [{}, *records])  # a log of arrays is another kind of log
    report.check()
    assert report.rows == len(records) + 1
    assert len(rows) == report.events


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=None)
@given(records=RECORDS)
def test_every_row_keeps_the_contract_of_the_interaction_table(name, records) -> None:
    rows, _ = adapt(name, [MAKERS[name](*record) for record in records])
    assert len({row.event_id for row in rows}) == len(rows)
    for row in rows:
        assert row.verb in VERBS
        assert row.score is None or 0 <= row.score <= 1
        assert row.learner.startswith(f"lp1_{HOME.key_id}_")
        assert row.item
        assert isinstance(row.timestamp, int)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.lists(st.text(max_size=6), min_size=6, max_size=6), min_size=1, max_size=10),
    known=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_whatever_a_moodle_csv_holds_the_counts_add_up(cells, known) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["eventname", "userid", "timecreated", "relateduserid", "courseid", "other"])
    name = "\\core\\event\\user_enrolment_created"
    for row, use in zip(cells, known, strict=False):
        writer.writerow([name, row[1], "1709283600", *row[3:]] if use else row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        report = ImportReport()
        options = AdaptOptions("p", timezone="UTC")
        rows = list(convert(ADAPTERS["moodle"], [path], options, HOME, report, max_reject_share=1))
    assert len(rows) == report.events
