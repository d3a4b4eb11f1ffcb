from __future__ import annotations

import json
import mmap
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform_adapters import training_sets
from platform_adapters.contract import Interaction
from platform_adapters.errors import ReadError, TimezoneError
from platform_adapters.training_sets import (
    build_interactions,
    read_interactions,
    read_table,
    verbs_for,
)
from recommender.interactions import VERBS


def row(learner: str, item: str, verb: str = "viewed", **values: object) -> Interaction:
    start = {"event_id": f"{learner}{item}{verb}", "timestamp": 1709283600, "order": None}
    return Interaction(learner=learner, item=item, verb=verb, **{**start, **values})


ROWS = [
    row("b", "bio", "enrolled", course="bio"),
    row("b", "osmosis", "answered", course="bio", score=0.5),
    row("a", "osmosis", course="bio", timestamp=None, order=7),
    row("a", "bio", "scored", course="bio", score=1.0),
]


def test_rows_become_arrays_with_ids_in_the_order_of_their_bytes() -> None:
    found = build_interactions(ROWS)
    assert found.learner_ids == ("a", "b")
    assert found.item_ids == ("bio", "osmosis")
    assert found.learner.tolist() == [1, 1, 0, 0]
    assert found.item.tolist() == [0, 1, 1, 0]
    assert found.timestamp.tolist() == [1709283600, 1709283600, 0, 1709283600]
    assert found.order.tolist() == [0, 0, 7, 0]
    assert [VERBS[v] for v in found.verb] == ["enrolled", "answered", "viewed", "scored"]
    np.testing.assert_array_equal(found.score, np.float32([np.nan, 0.5, np.nan, 1.0]))


def test_the_level_chooses_course_facts_or_items_and_nothing_is_in_both() -> None:
    courses, items = (build_interactions(ROWS, level=level) for level in ("courses", "items"))
    assert (courses.item_ids, len(courses)) == (("bio",), 2)
    assert (items.item_ids, len(items)) == (("osmosis",), 2)


def test_an_enrolment_counts_where_courses_are_the_items() -> None:
    assert "enrolled" in verbs_for("courses")
    assert "enrolled" not in verbs_for("items")
    assert not set(verbs_for("courses")) & {"unenrolled", "uncompleted", "rated", "other"}
    found = build_interactions(ROWS, level="courses", verbs=verbs_for("items"))
    assert [VERBS[v] for v in found.verb] == ["scored"]


def test_no_rows_are_an_empty_set() -> None:
    assert len(build_interactions([])) == 0


def table(tmp_path, name: str, rows: list[dict]):
    path = tmp_path / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith(".csv"):
        header = list(rows[0])
        lines = [",".join("" if r[h] is None else str(r[h]) for h in header) for r in rows]
        path.write_text("\n".join([",".join(header), *lines]) + "\n", encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_file_of_any_form_gives_the_same_arrays_as_its_rows(tmp_path, name) -> None:
    rows = [{key: getattr(r, key) for key in r.__slots__} for r in ROWS]
    rows = [{**r, "platform": "x"} for r in rows]
    for level in (None, "courses", "items"):
        found = read_interactions(table(tmp_path, name, rows), level=level)
        expected = build_interactions(ROWS, level=level)
        for field in ("learner_ids", "item_ids"):
            assert getattr(found, field) == getattr(expected, field)
        for field in ("learner", "item", "timestamp", "order", "verb", "score"):
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
            assert getattr(found, field).dtype == getattr(expected, field).dtype


def test_a_long_table_gives_the_same_arrays_from_the_disk(tmp_path, monkeypatch) -> None:
    rows = [{key: getattr(r, key) for key in r.__slots__} for r in ROWS]
    path = table(tmp_path, "t.csv", rows)
    held = read_interactions(path)
    monkeypatch.setattr(training_sets, "IN_MEMORY", 1)
    monkeypatch.setattr(training_sets, "_CHUNK_ROWS", 3)
    mapped = read_interactions(path)
    for field in ("learner", "item", "timestamp", "order", "verb", "score"):
        np.testing.assert_array_equal(getattr(mapped, field), getattr(held, field))
        assert isinstance(root_of(getattr(mapped, field)), mmap.mmap)
    assert len(read_interactions(path, verbs=("hinted",))) == 0


def root_of(array: np.ndarray) -> object:
    """Whose memory an array shows."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


def test_rows_are_asked_for_by_a_column_and_a_missing_value_belongs_to_nobody(tmp_path) -> None:
    rows = [
        {"learner": str(n), "item": "i", "timestamp": "2024-03-01T09:00:00Z", "platform": p}
        for n, p in enumerate(["x", "y", "x", None])
    ]
    path = table(tmp_path, "t.parquet", rows)
    found = read_table(path, part="platform")
    assert {name: len(found.interactions(part=name)) for name in found.parts} == {"x": 2, "y": 1}
    assert len(found.interactions()) == 4
    assert read_table(path, part="faculty").parts is None
    numbers = [{**row, "platform": n} for n, row in zip((10, 9, 10, 9), rows, strict=True)]
    assert read_table(table(tmp_path, "n.parquet", numbers), part="platform").parts == [9, 10]


def test_items_of_one_name_are_one_and_rows_on_others_leave_their_learner(tmp_path) -> None:
    rows = [
        {
            "learner": learner,
            "item": item,
            "timestamp": 1709283600,
            "course": item.replace("z", "-"),
        }
        for learner, item in (("a", "x"), ("a", "y"), ("b", "z"))
    ]
    found = read_table(table(tmp_path, "t.csv", rows))
    found.name_items({"x": "k", "y": "k"})
    assert found.item_ids(level=None, verbs=None) == ("k", "z")
    assert found.item_ids(level="courses", verbs=None) == ("k",)
    given = found.interactions(item_ids=["other", "k"])
    assert given.learner_ids == ("a", "b")
    assert given.learner.tolist() == [0, 0]
    assert given.item.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learner": None}, "row 1: learner is empty"),
        ({"verb": "danced"}, "1 unknown verbs, such as 'danced'"),
        ({"timestamp": "yesterday"}, "row 1: timestamp"),
        ({"score": 1.5}, "row 1: score is not a number in 0..1"),
        ({"score": "high"}, "row 1: score is not a number in 0..1"),
        ({"order": "first"}, "row 1: order"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_row(tmp_path, change, message) -> None:
    good = {"learner": "a", "item": "i", "timestamp": 1709283600, "verb": "viewed"}
    path = table(tmp_path, "t.csv", [{**good, "score": 0.5, "order": 1, **change}])
    with pytest.raises(ReadError) as caught:
        read_interactions(path)
    assert message in str(caught.value)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize("missing", ["learner", "item", "timestamp"])
def test_a_missing_column_is_named(tmp_path, missing) -> None:
    row = {"learner": "a", "item": "i", "timestamp": 1709283600, "verb": "viewed"}
    del row[missing]
    with pytest.raises(ReadError, match=f"'{missing}'"):
        read_interactions(table(tmp_path, "t.csv", [row]))


def test_local_times_ask_for_their_zone(tmp_path) -> None:
    path = table(
        tmp_path, "t.csv", [{"learner": "a", "item": "i", "timestamp": "2024-03-01 09:00"}]
    )
    with pytest.raises(TimezoneError, match="--timezone"):
        read_interactions(path)
    assert read_interactions(path, timezone="UTC").timestamp.tolist() == [1709283600]


def test_the_registry_and_the_pseudonyms_load_without_pandas() -> None:
    code = (
        "import sys, platform_adapters.registry, platform_adapters.pseudonyms, "
        "platform_adapters.convert, platform_adapters.training_sets; "
        "sys.exit('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
