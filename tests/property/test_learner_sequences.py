"""Learners' sequences from a file in ranges, against the same made in memory, plainly."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_adapters.learner_sequences import file_sequences
from platform_adapters.readers import table_frames
from platform_adapters.training_sets import read_interactions, verbs_for
from recommender.interactions import VERBS

START = 1_709_283_600
ids = st.sampled_from(["a", "b", "B", "é", "\U0001f40d", "\uffff", "z z"])
rows_of = st.fixed_dictionaries(
    {
        "learner": ids,
        "item": st.sampled_from(["i", "j", "k", "c"]),
        "timestamp": st.integers(START, START + 3),
        "order": st.integers(0, 2),
        "verb": st.sampled_from(["viewed", "completed", "uncompleted", "enrolled", "other"]),
        "score": st.sampled_from([None, 0.0, 0.25, 1.0]),
        "course": st.sampled_from(["c", "i", ""]),
    }
)
LEVELS = [None, "items", "courses"]


def oracle(rows: list[dict], level: str | None, verbs: tuple[str, ...] | None, tie: bytes) -> list:
    """By the words of the documentation: nothing shared with what is tested."""
    found = []
    for learner in sorted({row["learner"] for row in rows}, key=str.encode):
        own = [row for row in rows if row["learner"] == learner]
        if level is not None:
            own = [r for r in own if (r["item"] == r["course"]) == (level == "courses")]

        def place(row: dict) -> tuple:
            text = row["learner"].encode() + row["item"].encode()
            return row["timestamp"], row["order"], hashlib.sha256(tie + text).digest()

        own = sorted(own, key=place)
        stands = []
        for index, row in enumerate(own):
            later = [(r["item"], r["verb"]) for r in own[index + 1 :]]
            taken = row["verb"] == "completed" and (row["item"], "uncompleted") in later
            if row["verb"] != "uncompleted" and not taken:
                stands.append(row)
        if verbs is not None:
            stands = [row for row in stands if row["verb"] in verbs]
        if stands:
            told = ("item", "timestamp", "order", "verb", "score")
            found.append((learner, [tuple(row[name] for name in told) for row in stands]))
    return found


def made(path: Path, **options: object) -> list:
    found = []
    for own in file_sequences(path, **options):
        scores = [None if np.isnan(s) else float(s) for s in own.score]
        verbs = [VERBS[v] for v in own.verb]
        columns = (own.items, own.timestamp.tolist(), own.order.tolist(), verbs, scores)
        found.append((own.learner, list(zip(*columns, strict=True))))
    return found


def written(folder: str, rows: list[dict], kind: str) -> Path:
    path = Path(folder) / f"t.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(rows_of, min_size=1, max_size=30),
    level=st.sampled_from(LEVELS),
    filtered=st.booleans(),
    tie=st.sampled_from([b"", b"manifest"]),
    range_rows=st.integers(1, 12),
    kind=st.sampled_from(["csv", "parquet", "jsonl"]),
)
def test_sequences_of_a_file_are_what_the_rule_says(
    rows, level, filtered, tie, range_rows, kind
) -> None:
    verbs = verbs_for(level or "items") if filtered else None
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, rows, kind)
        options = {"level": level, "verbs": verbs, "tie": tie, "range_rows": range_rows}
        assert made(path, **options) == oracle(rows, level, verbs, tie)


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(rows_of, min_size=1, max_size=20), size=st.integers(1, 5))
def test_a_table_read_in_batches_is_the_table_read_at_once(rows, size) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = written(folder, rows, "csv")
        whole = read_interactions(path)
        frames = table_frames.table_frames
        patch.setattr(
            "platform_adapters.training_sets.table_frames",
            lambda path, **options: frames(path, batch=size, **options),
        )
        parts = read_interactions(path)
    assert (parts.learner_ids, parts.item_ids) == (whole.learner_ids, whole.item_ids)
    for name in ("learner", "item", "timestamp", "order", "verb", "score"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
