"""`/v1/confirmations`: designers decide by key, and nobody else (R35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.api.test_rises_page import ITEM, told  # noqa: F401  # a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.testclient import TestClient

    Keys = Callable[..., dict[str, str]]

WHERE = "/v1/confirmations"


def shown(client: TestClient, headers: dict[str, str]) -> list[str]:
    ask = {"learner": "somebody", "course": "biology", "limit": 20}
    answer = client.post("/v1/paths", json=ask, headers=headers)
    return [step["item"] for step in answer.json()["steps"]]


@pytest.mark.usefixtures("told")
def test_a_designer_agrees_and_undoes_and_who_is_kept(
    client: TestClient, app: FastAPI, key: Keys
) -> None:
    design, reader = key("design"), key("paths:read")
    first = client.get(WHERE, headers=design).json()
    assert first["held"] == [{"item": ITEM, "why": "rose"}]
    assert first["risen"][0]["carriers"][0]["member"] == "Cedar"
    assert ITEM not in shown(client, reader)
    agreed = client.put(WHERE, json={"agree": [ITEM]}, headers=design).json()
    assert agreed["held"] == []
    assert ITEM in shown(client, reader)
    undone = client.put(WHERE, json={"undo": [ITEM]}, headers=design).json()
    assert undone["held"] == [{"item": ITEM, "why": "undone"}]
    ended = client.put(WHERE, json={"courses": {"biology": False}}, headers=design).json()
    assert (ended["courses"], ended["held"]) == ([], [])
    made = design["Authorization"].split("_")[1]
    log = app.state.services.store.confirmation_log()
    assert [(row.who, row.action) for row in log[:3]] == [
        (f"key:{made}", "off"),
        (f"key:{made}", "undone"),
        (f"key:{made}", "agreed"),
    ]


@pytest.mark.usefixtures("told")
def test_no_other_key_reads_or_decides(client: TestClient, app: FastAPI, key: Keys) -> None:
    before = app.state.services.store.confirmation_log()
    for scopes in (("paths:read",), ("operate",), ("events:write", "catalogue:write")):
        assert client.get(WHERE, headers=key(*scopes)).status_code == 403
        decided = client.put(WHERE, json={"agree": [ITEM]}, headers=key(*scopes))
        assert decided.status_code == 403
    assert client.put(WHERE, json={"agree": [ITEM]}).status_code == 401
    assert app.state.services.store.confirmation_log() == before


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    "body",
    [
        {"agree": ["nowhere"]},
        {"courses": {"nowhere": True}},
        {"courses": {"biology": False}, "agree": [ITEM], "undo": ["nowhere"]},
        {"agree": "biology-3"},
        {"agree": [""]},
        {"agree": ["x" * 1_025]},
        {"agree": ["a"] * 1_001},
        {"courses": {"biology": "yes"}},
        {"held": []},
        [],
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: TestClient, app: FastAPI, key: Keys, body: object
) -> None:
    before = app.state.services.store.confirmation_log()
    refused = client.put(WHERE, json=body, headers=key("design"))
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert app.state.services.store.confirmation_log() == before


def test_before_any_merge_there_is_nothing_to_tell(client: TestClient, key: Keys) -> None:
    answer = client.get(WHERE, headers=key("design")).json()
    assert answer == {"round": None, "note": "", "risen": [], "courses": [], "held": []}
