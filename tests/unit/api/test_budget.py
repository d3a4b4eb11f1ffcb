"""The explanation of one learner's epsilon: every number, every record that must agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api.budget import Line, explain
from api.settings import load_settings
from api.store.opening import open_store
from tests.unit.api.releasing import NEXT, enrol, home, release, store

if TYPE_CHECKING:
    from api.home import Home
    from api.store.store import Store

__all__ = ["home", "store"]  # fixtures


def lines_of(home: Home, store: Store) -> dict[str, Line]:
    return {line.name: line for line in explain(home, store)}


def test_every_step_from_spend_log_to_card_has_its_numbers(home: Home, store: Store) -> None:
    enrol(home, store, "ana", "ben")
    release(home, store)
    release(home, store, NEXT)
    found = lines_of(home, store)
    for name, number in (
        (
            "vector",
            "3665² (together) + 1220² (direction) + 1220² (popularity) + 600² (starts)"
            " = 16,769,025",
        ),
        ("noise", "26,977,636"),
        ("rho", "2097152/6744409"),
        ("spend log", "round 2 of swarm"),
        ("epsilon", "= 3.9992"),
        ("delta", "1e-06"),
        ("lifetime", "epsilon 4.00"),
        ("replace one", "8.8201"),
        ("accounts", "5.9"),
        ("model card", "no merged model yet"),
        ("not covered", "not their influence"),
    ):
        assert number in found[name].text, name
    assert all(line.agrees for line in found.values())


def test_an_empty_log_says_so(home: Home, store: Store) -> None:
    assert "no learner has spent anything" in lines_of(home, store)["spend log"].text


def test_the_card_of_the_merged_model_must_say_the_same_rho(home: Home, store: Store) -> None:
    folder = home.model_dir("ab" * 32)
    folder.mkdir(parents=True)
    home.head_path.write_text(json.dumps({"digest": "ab" * 32}))
    card = {"rho_per_contribution": [2097152, 6744409], "contributions": [{"blobs": ["x", "y"]}]}
    (folder / "card.json").write_text(json.dumps(card))
    assert "each of the 2 contributions" in lines_of(home, store)["model card"].text
    (folder / "card.json").write_text(json.dumps({**card, "rho_per_contribution": [1, 2]}))
    assert not lines_of(home, store)["model card"].agrees
    (folder / "card.json").write_text("{")
    assert "damaged" in lines_of(home, store)["model card"].text


def test_records_that_differ_are_named(home: Home) -> None:
    with open_store(home, load_settings(home)) as store:
        enrol(home, store, "ana")
        release(home, store)
        home.spend_path.unlink()
        found = lines_of(home, store)
    assert not found["records"].agrees
    assert "swarm reconcile" in found["records"].text
