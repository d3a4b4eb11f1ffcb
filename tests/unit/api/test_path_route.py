"""`POST /v1/paths`, as a platform's plugin meets it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.app import create_app
from api.routes.schemas import PathAnswer
from api.store.recommendations import Recommendation, log
from tests.unit.api.homes import HOSTILE, ITEMS_EACH, START, item, items, pseudonymiser_of, visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from api.home import Home

    Keys = Callable[..., dict[str, str]]

TITLES = {row.item: row.title for row in items()}
DURATIONS = 30.0


def ask(client: TestClient, headers: dict[str, str], **body: object) -> dict:
    response = client.post("/v1/paths", json={"learner": "learner-1", **body}, headers=headers)
    assert response.status_code == 200, response.text
    answer = response.json()
    PathAnswer.model_validate(answer)
    return answer


def items_of(answer: dict) -> list[str]:
    return [step["item"] for step in answer["steps"]]


def logged(app: FastAPI) -> list:
    engine = app.state.services.store._database.engine
    with engine.connect() as connection:
        return connection.execute(sa.text("select pseudonym, steps from recommendations")).all()


def test_a_learner_gets_what_is_left_of_their_course_in_an_order_that_can_be_followed(
    client: TestClient, key: Keys
) -> None:
    answer = ask(client, key("paths:read"))
    done = {item("History", place) for place in range(3)}
    assert not answer["fallback"]
    assert not answer["complete"]
    assert items_of(answer) == [item("History", place) for place in range(3, ITEMS_EACH)]
    assert not done & set(items_of(answer))
    assert [step["rank"] for step in answer["steps"]] == [1, 2, 3]
    assert all(step["title"] == TITLES[step["item"]] for step in answer["steps"])
    assert all(step["reasons"] for step in answer["steps"])
    assert answer["model"]["digest"]
    assert answer["model"]["round"] is None


def test_an_unknown_learner_gets_a_general_path(client: TestClient, key: Keys) -> None:
    answer = ask(client, key("paths:read"), learner="nobody-we-know")
    assert answer["fallback"]
    assert len(answer["steps"]) == 5


def test_whoever_has_done_everything_is_told_so(client: TestClient, key: Keys) -> None:
    history = [
        {"item": item("Music", place), "timestamp": START + place} for place in range(ITEMS_EACH)
    ]
    answer = ask(client, key("paths:read"), course="music", history=history)
    assert answer["complete"]
    assert answer["steps"] == []


def test_a_learners_new_event_shows_in_the_next_path(
    client: TestClient, key: Keys, app: FastAPI, home: Home
) -> None:
    headers = key("paths:read")
    first = items_of(ask(client, headers))[0]
    name = pseudonymiser_of(home).pseudonym("learner-1")
    app.state.services.store.add_interactions([visit(name, first, START + 10**6)])
    assert first not in items_of(ask(client, headers))


def test_a_changed_catalogue_shows_in_the_next_path(
    client: TestClient, key: Keys, app: FastAPI
) -> None:
    headers = key("paths:read")
    ask(client, headers)
    kept = [row for row in items() if row.item != item("History", 3)]
    app.state.services.store.upsert_catalogue(kept, replace_all=True)
    assert item("History", 3) not in items_of(ask(client, headers))


def test_time_and_number_of_steps_are_kept_to(client: TestClient, key: Keys) -> None:
    headers = key("paths:read")
    assert len(ask(client, headers, minutes=2.5 * DURATIONS)["steps"]) == 2
    assert len(ask(client, headers, limit=1)["steps"]) == 1


def test_what_is_needed_first_comes_first_and_says_whether_it_is_met(
    client: TestClient, key: Keys
) -> None:
    answer = ask(client, key("paths:read"), learner="new", course="biology", limit=50)
    places = items_of(answer)
    assert places.index(item("Biology", 0)) < places.index(item("Biology", 1))
    second = answer["steps"][places.index(item("Biology", 1))]
    assert second["prerequisites"] == [{"item": item("Biology", 0), "met": False}]


def test_a_goal_and_exclusions_bound_the_path(client: TestClient, key: Keys) -> None:
    headers = key("paths:read")
    goal = ask(client, headers, goal={"skills": ["history-skill"]})
    assert items_of(goal) == [item("History", ITEMS_EACH - 1)]
    without = ask(client, headers, exclude=[item("History", 3)])
    assert item("History", 3) not in items_of(without)


def test_history_works_without_stored_events_and_is_not_stored(
    client: TestClient, key: Keys, app: FastAPI
) -> None:
    history = [{"item": item("Biology", 0), "timestamp": "2026-11-20T09:00:00Z", "score": 0.8}]
    answer = ask(client, key("paths:read"), learner="visitor", history=history)
    assert not answer["fallback"]
    assert item("Biology", 0) not in items_of(answer)
    assert logged(app) == []
    assert (
        app.state.services.store.history(
            pseudonymiser_of(app.state.services.home).pseudonym("visitor")
        )
        == []
    )


def test_a_history_call_rests_on_merged_knowledge_only_unless_the_key_may_design(
    client: TestClient, key: Keys
) -> None:
    history = [{"item": item("Biology", 0), "timestamp": START}]
    plain = ask(client, key("paths:read"), history=history, limit=1)
    trusted = ask(client, key("paths:read", "design"), history=history, limit=1)
    assert trusted["steps"][0]["reasons"][0]["code"].startswith("local")
    assert all(
        "local" not in reason["code"] and "own" not in reason["code"]
        for step in plain["steps"]
        for reason in step["reasons"]
    )
    assert plain["steps"][0]["score"] < trusted["steps"][0]["score"]


def test_unknown_items_in_a_history_are_named_in_warnings(client: TestClient, key: Keys) -> None:
    history = [{"item": "block-v1:a+b+type@x", "timestamp": START}]
    answer = ask(client, key("paths:read"), history=history)
    assert any("block-v1:a+b+type@x" in warning for warning in answer["warnings"])


def test_stored_events_outside_the_catalogue_warn_nobody(
    client: TestClient, key: Keys, app: FastAPI, home: Home
) -> None:
    name = pseudonymiser_of(home).pseudonym("learner-1")
    app.state.services.store.add_interactions([visit(name, "gone-for-years", START)])
    assert ask(client, key("paths:read"))["warnings"] == []


def test_what_was_left_out_is_told_to_designers_only(client: TestClient, key: Keys) -> None:
    assert "excluded" not in ask(client, key("paths:read"))
    left_out = ask(client, key("paths:read", "design"))["excluded"]
    reasons = {one["item"]: one["reason"] for one in left_out}
    assert reasons[item("History", 0)] == "Already done."


def test_the_answer_is_logged_under_the_pseudonym_never_the_raw_id(
    client: TestClient, key: Keys, app: FastAPI, home: Home
) -> None:
    ask(client, key("paths:read"))
    (row,) = logged(app)
    assert row.pseudonym == pseudonymiser_of(home).pseudonym("learner-1")
    assert "learner-1" not in (home.path / "store.sqlite").read_bytes().decode("latin-1")


def test_whoever_opted_out_of_serving_gets_a_general_path_and_is_not_logged(
    client: TestClient, key: Keys, app: FastAPI, home: Home
) -> None:
    store = app.state.services.store
    store.set_consent(pseudonymiser_of(home).pseudonym("learner-1"), serve=False)
    answer = ask(client, key("paths:read"))
    assert answer["fallback"]
    assert any("opted out" in warning for warning in answer["warnings"])
    assert logged(app) == []


def test_a_server_that_starts_forgets_old_logs(home: Home) -> None:
    app = create_app(home)
    old = Recommendation("old", None, "", fallback=True, request={}, steps=[])
    new = replace(old, id="new")
    engine = app.state.services.store._database
    log(engine, old, at=int(time.time()) - 181 * 86_400)
    log(engine, new)
    with TestClient(app) as client:
        client.get("/readyz")
        deadline = time.monotonic() + 20
        while len(left := logged(app)) > 1 and time.monotonic() < deadline:
            client.get("/healthz")
    assert len(left) == 1


def test_a_learners_own_pseudonym_is_the_same_learner(
    client: TestClient, key: Keys, home: Home
) -> None:
    headers = key("paths:read")
    name = pseudonymiser_of(home).pseudonym("learner-1")
    assert items_of(ask(client, headers, learner=name)) == items_of(ask(client, headers))


def test_a_hostile_title_travels_as_data(client: TestClient, key: Keys) -> None:
    answer = ask(client, key("paths:read"), course="music", learner="new", limit=50)
    assert HOSTILE in {step["title"] for step in answer["steps"]}


@pytest.mark.parametrize(
    "learner", ["block-v1:a+b+type@x", "https://lms.example/u?id=7", "ä" * 512]
)
def test_any_opaque_id_up_to_1024_bytes_is_a_learner(
    client: TestClient, key: Keys, learner: str
) -> None:
    assert ask(client, key("paths:read"), learner=learner)["fallback"]
