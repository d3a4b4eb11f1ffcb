"""What `fit` writes where a local re-ranker is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from api.fitting import fit
from api.local_mix import read_mix
from api.serving import Serving
from api.settings import load_settings
from api.store.opening import open_store
from recommender.network import reranker as reranking
from tests.unit.api.homes import make_home

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home
    from recommender.statistics.serving_model import ServingModel


def fitted(home: Home, learn: str) -> ServingModel:
    home.settings_path.write_text(f'platform = "Birch"\nshare = "opt-out"\n[learn]\n{learn}\n')
    settings = load_settings(home)
    with open_store(home, settings) as store:
        fit(home, settings, store)
    model = Serving(home).current().model
    assert model is not None
    return model


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "birch", fitted=False)


def test_nothing_is_tried_unless_it_is_asked_for(home: Home) -> None:
    assert fitted(home, "").reranker is None
    mix = read_mix(home)
    assert mix is not None
    assert mix.reranker_reason == ""


def test_a_small_platform_is_told_why_it_has_none(home: Home) -> None:
    assert fitted(home, "reranker = true").reranker is None
    mix = read_mix(home)
    assert mix is not None
    assert mix.reranker_reason == "off: fewer than 20,000 learners with own statistics"


def test_without_torch_it_is_off_and_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "recommender.network.reranker", None)  # as if not installed
    assert fitted(home, "reranker = true").reranker is None
    mix = read_mix(home)
    assert mix is not None
    assert mix.reranker_reason.startswith("off: torch is not installed")


def test_where_it_pays_it_is_written_and_served(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reranking, "FEWEST_GAIN", -1.0)  # sixty learners cannot show a gain
    model = fitted(home, "reranker = true\nreranker_learners = 10")
    assert model.reranker is not None
    place = model.item_ids.index("music-0")
    assert model.score([place]).parts["reranker"].any()
    assert model.shared_only().reranker is None
    mix = read_mix(home)
    assert mix is not None
    assert mix.reranker == pytest.approx(float(model.blend[-1]))
    assert mix.reranker_reason.startswith("on: ")
