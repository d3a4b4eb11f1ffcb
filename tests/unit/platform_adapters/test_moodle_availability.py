from __future__ import annotations

import json

import pytest

from platform_adapters.catalogues.moodle_availability import PREVIOUS, Demands


def done(module: int, state: int = 1) -> dict:
    return {"type": "completion", "cm": module, "e": state}


def tree(op: str, *conditions: dict) -> dict:
    return {"op": op, "c": list(conditions), "showc": [True] * len(conditions)}


def demanded(*trees: object) -> tuple[list[str], dict]:
    demands = Demands()
    for one in trees:
        demands.add(one if isinstance(one, str) else json.dumps(one))
    return demands.modules, dict(demands.others)


@pytest.mark.parametrize(
    ("given", "modules"),
    [
        (tree("&", done(1), done(2, 2)), ["1", "2"]),
        (tree("&", tree("&", done(1)), done(1)), ["1"]),
        (tree("|", done(1)), ["1"]),
        (tree("&", done(-1)), [PREVIOUS]),
        (tree("&"), []),
        ("", []),
    ],
)
def test_what_is_demanded_for_certain_is_a_prerequisite(given, modules) -> None:
    assert demanded(given) == (modules, {})


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (tree("|", done(1), done(2)), "any of several"),
        (tree("!&", done(1)), "not all of several"),
        (tree("!|", done(1)), "none of several"),
        (tree("^", done(1)), "an unknown operator"),
        (tree("&", done(1, 0)), "a module that must not be complete, or failed"),
        (tree("&", {"type": "date", "d": ">=", "t": 1}), "date"),
        (tree("&", {"type": "group", "id": 3}), "group"),
        (tree("&", {"type": "grade", "id": 20, "min": 50}), "grade"),
        (tree("&", {"type": "of a plugin"}), "another kind of condition"),
        ("{", "a tree that is not JSON"),
        ("[1]", "a tree that is not one of Moodle's"),
        (tree("&", json.loads("[" * 3 + "]" * 3)), "a tree that is not one of Moodle's"),
    ],
)
def test_everything_else_is_counted_and_never_guessed(given, kind) -> None:
    assert demanded(given) == ([], {kind: 1})


def test_a_module_and_its_section_demand_together() -> None:
    given = (tree("&", done(1)), tree("&", done(2), tree("|", done(3), done(4))))
    assert demanded(*given) == (["1", "2"], {"any of several": 1})


def test_a_tree_of_any_depth_ends() -> None:
    deep = done(1)
    for _ in range(100):
        deep = tree("&", deep)
    assert demanded(deep) == ([], {"a tree that is not one of Moodle's": 1})
