"""The model that serves: scoring, explaining, files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from recommender.catalogue import CatalogueItem
from recommender.errors import ModelError
from recommender.statistics.fit import fit_serving
from recommender.statistics.serving_model import (
    CARD_FILE,
    MODEL_FILE,
    PARTS,
    ServingModel,
    model_from_bytes,
)
from tests.unit.recommender.rows import clusters


@pytest.fixture(scope="module")
def model() -> ServingModel:
    log = clusters(400)
    catalogue = [
        CatalogueItem(name, title=f"Lesson {number % 7} of part {number // 5}")
        for number, name in enumerate(log.item_ids)
    ]
    return fit_serving(catalogue=catalogue, interactions=log)


def test_the_parts_of_a_score_add_up_to_its_total(model):
    scored = model.score(np.array([3, 1, 8]))
    assert set(scored.parts) == set(PARTS)
    assert np.allclose(sum(scored.parts.values()), scored.total, atol=1e-6)
    assert scored.total.dtype == np.float32
    assert scored.parts["local"].any()
    assert scored.parts["text"].any()
    assert scored.parts["order"].any()


def test_one_learner_scores_as_in_a_batch(model):
    histories = [[3, 1, 8], [], [12], [4, 4 + 5, 30, 2]]
    start = np.concatenate([[0], np.cumsum([len(each) for each in histories])]).astype(np.int64)
    flat = np.array([item for each in histories for item in each], dtype=np.int64)
    batch = model.score_many(start, flat).sum(axis=0)
    for row, history in zip(batch, histories, strict=True):
        assert np.allclose(row, model.score(history).total, atol=1e-5)


def test_a_score_is_its_formula_written_plainly(model):
    history = [3, 1, 8]
    weight = {item: 0.7**age for item, age in zip(history, (2, 1, 0), strict=True)}
    local = model.local
    place = {int(item): index for index, item in enumerate(local.items)}
    spoken = np.zeros(len(model.item_ids))
    for item in history:
        gated = weight[item] * local.gate[place[item]]
        spoken[local.items] += gated * local.weights[place[item]]
    trusted = sum(weight[item] * local.gate[place[item]] for item in history)
    rho = trusted / sum(weight.values())
    expected = float(model.blend[1]) * rho**2 * spoken / spoken.max()
    assert np.allclose(model.score(history).parts["local"], expected, atol=1e-5)


def test_recent_items_speak_louder(model):
    own_group = np.arange(8, 40, 8)  # of item 0
    recent, old = model.score([30, 0]), model.score([0, 30])
    assert recent.parts["local"][own_group].sum() > old.parts["local"][own_group].sum()


def test_without_history_popularity_alone_ranks(model):
    scored = model.score([])
    assert not scored.parts["local"].any()
    assert not scored.parts["text"].any()
    assert not scored.parts["order"].any()
    assert scored.total.any()


def test_what_stands_next_in_the_catalogue_is_scored_by_its_distance_and_explained(model):
    order = model.score([20]).parts["order"]
    weight = float(model.blend[PARTS.index("order")])
    assert np.allclose(order[[21, 22, 19]], weight * np.array([1, 0.8, 0.7]), atol=1e-6)
    explained = model.explain([5, 20], 21)["order"]
    assert explained.history_index == 1
    assert not explained.factual


def test_an_explanation_names_the_history_item_that_contributes_most(model):
    history = [30, 0, 12]
    explained = model.explain(history, 8)["local"]
    assert history[explained.history_index] == 0
    assert explained.factual
    local = model.local
    column = int(np.searchsorted(local.items, 8))
    spoken = [
        0.7 ** (2 - age) * local.gate[place] * local.weights[place, column]
        for age, place in enumerate(np.searchsorted(local.items, history))
    ]
    assert explained.history_index == int(np.argmax(spoken))


def test_nothing_speaks_where_nothing_is_known(model):
    assert model.explain([], 1) == {}
    assert "local" not in model.explain([30], 8)
    assert "order" not in model.explain([0], 39)


def test_an_item_outside_the_model_is_refused(model):
    for history in ([-1], [40]):
        with pytest.raises(ModelError, match="outside"):
            model.score(history)
    with pytest.raises(ModelError, match="outside"):
        model.explain([1], 40)


def test_what_is_saved_is_what_is_loaded(model, tmp_path):
    digest = model.save(tmp_path / "deep" / "folder", {"round": 3})
    assert digest == model.digest()
    loaded = ServingModel.load(tmp_path / "deep" / "folder", digest)
    assert loaded.digest() == digest
    assert loaded.item_ids == model.item_ids
    assert np.array_equal(loaded.score([3, 1]).total, model.score([3, 1]).total)
    card = json.loads((tmp_path / "deep" / "folder" / CARD_FILE).read_text())
    assert card["round"] == 3
    assert not [path for path in (tmp_path / "deep" / "folder").iterdir() if path.name[0] == "."]


def test_any_flipped_byte_is_found(model, tmp_path):
    digest = model.save(tmp_path)
    content = bytearray((tmp_path / MODEL_FILE).read_bytes())
    for position in (0, 9, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[position] ^= 1
        (tmp_path / MODEL_FILE).write_bytes(damaged)
        with pytest.raises(ModelError, match="damaged"):
            ServingModel.load(tmp_path, digest)


def test_a_model_that_is_not_the_one_named_is_refused(model, tmp_path):
    model.save(tmp_path)
    with pytest.raises(ModelError, match="expected"):
        ServingModel.load(tmp_path, "0" * 64)


def test_a_missing_or_garbled_file_is_refused(model, tmp_path):
    with pytest.raises(ModelError, match="cannot read"):
        ServingModel.load(tmp_path)
    model.save(tmp_path)
    (tmp_path / CARD_FILE).write_text("{")
    with pytest.raises(ModelError, match="cannot read"):
        ServingModel.load(tmp_path)


def changed(model, **tensors):
    """The model's file with some tensors replaced (None removes one)."""
    content = {**load(model.to_bytes()), **tensors}
    return save({name: value for name, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("blend", np.zeros(4, np.float32), "shape"),
        ("blend", np.array([1, 1, 1, 1, 1, 1, 1, np.nan], np.float32), "not finite"),
        ("shared_blend", np.array([1, 1, 1, 1, 1, 1, 1, -1], np.float32), "negative"),
        ("own_popularity", np.zeros(39, np.float32), "shape"),
        ("own_popularity", np.zeros(40, np.float64), "float64"),
        ("local.weights", np.zeros((3, 3), np.float32), "shape"),
        ("local.items", np.arange(40, dtype=np.int32)[::-1].copy(), "ascending"),
        ("local.items", np.arange(1, 41, dtype=np.int32), "outside"),
        ("text.neighbours", np.full((40, 39), 40, np.int32), "outside"),
        ("text.weights", np.zeros((40, 2), np.float32), "shape"),
        ("order.neighbours", np.full((40, 60), 40, np.int32), "outside"),
        ("order.weights", np.zeros((40, 59), np.float32), "shape"),
        ("order.weights", np.full((40, 60), np.nan, np.float32), "not finite"),
        ("order.weights", None, "damaged"),
        ("header", np.frombuffer(b"not json", np.uint8), "damaged"),
        ("header", np.frombuffer(b'{"format": "other/1"}', np.uint8), "format"),
        (
            "header",
            np.frombuffer(b'{"format": "murmuration.serving/2"}', np.uint8),
            "another version",
        ),
        ("merged_popularity", None, "damaged"),
        ("starts.strengths", np.zeros(39, np.float32), "shape"),
        ("starts.memory", np.full(1, 1.5, np.float32), "expected 0 to 1"),
        ("shared_starts.memory", None, "damaged"),
    ],
)
def test_a_well_formed_file_with_impossible_content_is_refused(model, name, value, says):
    with pytest.raises(ModelError, match=says):
        model_from_bytes(changed(model, **{name: value}))


def test_bytes_that_are_no_tensors_are_refused():
    for content in (b"", b"garbage", b"\xff" * 64):
        with pytest.raises(ModelError, match="damaged"):
            model_from_bytes(content)


def test_a_decay_or_a_repeated_item_that_cannot_be_is_refused(model):
    for field in ("decay", "shared_decay"):
        with pytest.raises(ModelError, match="decay"):
            replace(model, **{field: 0.0})
    with pytest.raises(ModelError, match="twice"):
        replace(model, item_ids=("item-0",) * 40)


def test_a_folder_that_cannot_be_written_is_named(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot write"):
        model.save(tmp_path / "file" / "below")


def test_serving_imports_neither_scipy_nor_sklearn_nor_pandas():
    program = (
        "import sys, recommender.statistics.serving_model;"
        "bad = {'scipy', 'sklearn', 'pandas', 'pyarrow', 'torch', 'opendp'} & set(sys.modules);"
        "sys.exit(str(sorted(bad)) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
