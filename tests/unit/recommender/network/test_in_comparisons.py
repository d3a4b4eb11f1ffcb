"""The network's rows beside the statistics', in `compare`'s records and the demo's table."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from api.cli.demo import demo
from recommender.comparison import Options, compare_platforms, count_records
from recommender.comparison_network import pool_learners
from recommender.comparison_table import table_rows
from recommender.errors import EvaluationError
from recommender.statistics.sequences import ITEM_VERBS, build_sequences
from tests.unit.recommender.rows import clusters, interactions

OPTIONS = Options(ITEM_VERBS, modes=("pooled",), at=(5,), network=True)


def test_pooled_mode_measures_the_network_on_every_platform(monkeypatch):
    monkeypatch.setattr("recommender.network.models.STEPS", 3)
    platforms = {"elm": clusters(40, seed=1), "oak": clusters(50, seed=2)}
    seen = []
    records = compare_platforms(platforms, None, OPTIONS, seen.append)
    assert len(seen) == count_records(2, OPTIONS) == 8
    rows = {row.label: row.cells for row in table_rows(records, 5)}
    assert set(rows["network, pooled, epsilon 4"]) == {"elm", "oak", "*"}
    assert set(rows["network, pooled, without privacy"]) == {"elm", "oak", "*"}
    assert list(rows)[-2:] == ["network, pooled, epsilon 4", "network, pooled, without privacy"]
    private = [r for r in records if r["model"] == "network" and r["epsilon"] == 4]
    assert {record["sampler"] for record in private} == {"statistical"}


def test_without_torch_the_networks_records_say_so(monkeypatch):
    def refuse(*_):
        raise EvaluationError("torch or opacus is not installed")

    monkeypatch.setattr("recommender.comparison_network.fit_model", refuse)
    records = compare_platforms({"elm": clusters(40)}, None, replace(OPTIONS, epsilons=(math.inf,)))
    assert [r["error"] for r in records if r["model"] == "network"] == [
        "torch or opacus is not installed"
    ]


def test_pooling_keeps_learners_apart():
    a, b = interactions([[0, 1], [2]], 4), interactions([[3, 0]], 4)
    pooled = pool_learners([a, b])
    histories = build_sequences(pooled, ITEM_VERBS)
    assert [histories.history(learner).tolist() for learner in range(3)] == [[0, 1], [2], [3, 0]]
    assert len(set(pooled.learner_ids)) == 3
    assert pooled.learner.dtype == np.int32
    with pytest.raises(EvaluationError, match="same items"):
        pool_learners([a, interactions([[0]], 5)])


def test_the_demo_says_what_its_network_rows_need(monkeypatch):
    monkeypatch.setattr("api.cli.demo.find_spec", lambda name: None)
    done = CliRunner().invoke(demo, ["--network"])
    assert done.exit_code == 1
    assert "install the extra 'train'" in done.output
