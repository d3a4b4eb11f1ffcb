"""What training and releases are given."""

from __future__ import annotations

import numpy as np

from api.store.store import Store
from recommender.catalogue import CatalogueItem
from recommender.interactions import VERBS


def _name(number):
    return f"lp1_abcdefgh_{number:0>26}"


def _items(interactions):
    return [interactions.item_ids[index] for index in interactions.item]


def test_arrays_hold_the_rows_in_order_of_arrival(store, row):
    store.add_interactions(
        [
            row(2, "b", "scored", 20, score=0.5),
            row(1, "a", "viewed", None, order=4),
            row(1, "b", "completed", 10),
        ]
    )
    found = store.training_interactions("local")
    assert found.learner_ids == (_name(1), _name(2))
    assert found.item_ids == ("a", "b")
    assert found.learner.tolist() == [1, 0, 0]
    assert found.item.tolist() == [1, 0, 1]
    assert found.timestamp.tolist() == [20, 0, 10]
    assert found.order.tolist() == [0, 4, 0]
    assert [VERBS[verb] for verb in found.verb] == ["scored", "viewed", "completed"]
    np.testing.assert_array_equal(found.score, np.array([0.5, np.nan, np.nan], np.float32))
    dtypes = [found.learner.dtype, found.item.dtype, found.verb.dtype, found.score.dtype]
    assert dtypes == [np.int32, np.int32, np.int8, np.float32]


def test_an_empty_store_gives_empty_arrays(store):
    found = store.training_interactions("local")
    assert (len(found), found.learner_ids, found.item_ids) == (0, (), ())


def test_a_platform_that_recommends_items_trains_on_items_only(url, row):
    with Store.open(url, recommend="items", share="opt-out") as store:
        store.upsert_catalogue([CatalogueItem("programme", type="course"), CatalogueItem("p1")])
        store.add_interactions(
            [
                row(item="p1", course="c1"),
                row(item="c1", verb="enrolled", course="c1"),
                row(item="programme"),
            ]
        )
        assert _items(store.training_interactions("local")) == ["p1"]


def test_a_platform_that_recommends_courses_trains_on_courses_and_enrolments(url, row):
    with Store.open(url, recommend="courses", share="opt-out") as store:
        store.upsert_catalogue([CatalogueItem("programme", type="course"), CatalogueItem("p1")])
        store.add_interactions(
            [
                row(item="p1", course="c1"),
                row(item="c1", verb="enrolled", course="c1"),
                row(item="programme"),
            ]
        )
        assert _items(store.training_interactions("share")) == ["c1", "programme"]


def test_uncompleted_takes_back_the_completions_before_it_and_no_others(store, row):
    store.add_interactions(
        [
            row(1, "a", "viewed", 5),
            row(1, "a", "completed", 10),
            row(1, "a", "uncompleted", 20),
            row(1, "a", "completed", 30),
            row(1, "b", "completed", 10),
            row(2, "a", "completed", 10),
        ]
    )
    found = store.training_interactions("local")
    rows = zip(found.learner.tolist(), _items(found), found.timestamp.tolist(), strict=True)
    assert list(rows) == [(0, "a", 5), (0, "a", 30), (0, "b", 10), (1, "a", 10)]


def test_opting_out_of_local_learning_removes_a_learner_from_it_alone(store, row):
    store.add_interactions([row(1), row(2)])
    store.set_consent(_name(1), local=False)
    assert store.training_interactions("local").learner_ids == (_name(2),)
    assert store.training_interactions("share").learner_ids == (_name(1), _name(2))


def test_sharing_follows_the_platform_and_then_the_learner(url, row):
    expected = {
        "opt-out": (_name(1), _name(3)),
        "opt-in": (_name(1),),
        "off": (),
    }
    for share, learners in expected.items():
        with Store.open(url, share=share) as store:
            store.add_interactions([row(n, event_id=f"e{n}") for n in (1, 2, 3)])
            store.set_consent(_name(1), share=True)
            store.set_consent(_name(2), share=False)
            assert store.training_interactions("share").learner_ids == learners, share
            assert len(store.training_interactions("local").learner_ids) == 3
            assert store.consent(_name(1)).share is (share != "off")
            assert store.consent(_name(3)).share is (share == "opt-out")
