"""What waits for a designer is in no path (R35), nor is what the catalogue does not offer."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.catalogue import CatalogueItem
from recommender.paths.build import build_path
from recommender.paths.catalogue import PathCatalogue
from recommender.paths.request import HELD_CODES, HistoryEntry, PathRequest
from recommender.paths.texts import EXCLUSIONS
from recommender.statistics.serving_model import ScoredItems

NOW = 1_700_000_000.0


class Fond:
    """A model that wants one item above all."""

    def __init__(self, items: tuple[str, ...], favourite: str) -> None:
        self.item_ids = items
        self._scores = np.array([float(item == favourite) for item in items], dtype=np.float32)

    def score(self, history: object) -> ScoredItems:
        del history
        return ScoredItems(self._scores, {"merged": self._scores})

    def explain(self, history: object, item: int) -> dict[str, object]:
        del history, item
        return {}


def path(*names: str, favourite: str = "b", **bounds):
    catalogue = PathCatalogue([CatalogueItem(name) for name in names])
    model = Fond(("a", "b", "c", "elsewhere"), favourite)
    request = PathRequest(now=NOW, list_excluded=True, **bounds)
    return build_path(model, catalogue, [HistoryEntry("a", 1.0, "viewed")], request)


@pytest.mark.parametrize("code", HELD_CODES)
def test_an_item_that_waits_is_in_no_path_and_the_reason_is_told(code):
    assert next(step.item for step in path("a", "b", "c").steps) == "b"
    found = path("a", "b", "c", held={"b": code})
    assert "b" not in [step.item for step in found.steps]
    told = {one.item: (one.code, one.text) for one in found.excluded}
    assert told["b"] == (code, EXCLUSIONS[code])


def test_pinning_or_asking_for_it_as_a_goal_does_not_let_it_through():
    for bounds in ({"pinned": frozenset("b")}, {"goal_items": frozenset("b")}):
        found = path("a", "b", "c", held={"b": "held_rose"}, **bounds)
        assert "b" not in [step.item for step in found.steps]


def test_what_needs_an_item_that_waits_is_left_out_with_it():
    catalogue = PathCatalogue([CatalogueItem("b"), CatalogueItem("c", prerequisites=("b",))])
    request = PathRequest(now=NOW, held={"b": "held_new"}, list_excluded=True)
    found = build_path(None, catalogue, [], request)
    assert found.steps == ()
    assert {one.code for one in found.excluded} == {"held_new", "prerequisite_missing"}


def test_a_platform_never_recommends_what_its_own_catalogue_does_not_offer():
    found = path("a", "b", favourite="elsewhere", limit=5)
    assert {step.item for step in found.steps} <= {"a", "b"}
    assert found.steps
