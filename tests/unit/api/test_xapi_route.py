"""`/v1/xapi`: an LMS's emitter points at us unchanged."""

from __future__ import annotations

import base64

import pytest

from api.routes.xapi import STATEMENT_EXAMPLE
from tests.unit.api.homes import pseudonymiser_of

VERSION = {"X-Experience-API-Version": "1.0.3"}
URL = "/v1/xapi/statements"


@pytest.fixture
def send(client, key):
    headers = {**key("events:write"), **VERSION}

    def post(body, status=200):
        answer = client.post(URL, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


@pytest.fixture
def stored(app, home):
    def rows():
        name = pseudonymiser_of(home).pseudonym("https://lms.example.edu|4711")
        return list(app.state.services.store.interaction_rows(pseudonym=name))

    return rows


def test_a_statement_is_stored_once_however_often_it_is_sent(send, stored, home):
    assert send(STATEMENT_EXAMPLE) == send([STATEMENT_EXAMPLE]) == [STATEMENT_EXAMPLE["id"]]
    (row,) = stored()
    assert (row.item, row.verb) == (STATEMENT_EXAMPLE["object"]["id"], "completed")
    assert b"|4711" not in home.store_path.read_bytes()


def test_a_statement_without_an_id_is_given_the_same_one_again(send, stored):
    bare = {name: part for name, part in STATEMENT_EXAMPLE.items() if name != "id"}
    assert send(bare) == send(bare)
    assert len(stored()) == 1


def test_a_batch_with_a_bad_statement_is_refused_as_a_whole(send, stored):
    bad = {**STATEMENT_EXAMPLE, "id": "x", "result": {"success": "true"}}
    problem = send([STATEMENT_EXAMPLE, bad], status=400)
    assert "statement 1: result.success" in problem["detail"]
    assert stored() == []


def test_a_key_may_come_as_user_and_password(client, key, stored):
    _, name, secret = key("events:write")["Authorization"].removeprefix("Bearer ").split("_")
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", **VERSION}
    assert client.get("/v1/xapi/about", headers=headers).json() == {"version": ["1.0.3"]}
    put = client.put(
        f"{URL}?statementId={STATEMENT_EXAMPLE['id']}", json=STATEMENT_EXAMPLE, headers=headers
    )
    assert put.status_code == 204
    assert len(stored()) == 1
    for wrong in (f"{name}:{secret[:-1]}", f"{name}{secret}", ""):
        pair = base64.b64encode(wrong.encode()).decode()
        refused = client.post(
            URL, json=STATEMENT_EXAMPLE, headers={"Authorization": f"Basic {pair}", **VERSION}
        )
        assert refused.status_code == 401
        assert secret not in refused.text


def test_what_is_voided_counts_for_nothing(send, app):
    store = app.state.services.store
    before = len(store.training_interactions("local"))
    send({**STATEMENT_EXAMPLE, "object": {"id": "biology-0"}})
    assert len(store.training_interactions("local")) == before + 1
    send(
        {
            **STATEMENT_EXAMPLE,
            "id": "7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a02",
            "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": STATEMENT_EXAMPLE["id"]},
        }
    )
    assert len(store.training_interactions("local")) == before


def test_other_versions_sizes_and_resources_are_refused_with_the_reason(client, key, send):
    headers = key("events:write")
    old = client.post(URL, json=[], headers={**headers, "X-Experience-API-Version": "0.95"})
    assert (old.status_code, "1.0.x" in old.json()["detail"]) == (400, True)
    assert client.post(URL, json=STATEMENT_EXAMPLE, headers=headers).status_code == 422
    assert "1 to 1,000" in send([], status=400)["detail"]
    assert "JSON object" in send(["x"], status=400)["detail"]
    for path in ("statements", "activities/state", ""):
        answer = client.get(f"/v1/xapi/{path}", headers={**headers, **VERSION})
        assert answer.status_code == 404
        assert "cannot be read back" in answer.json()["detail"]
    reader = {**key("paths:read"), **VERSION}
    assert client.post(URL, json=STATEMENT_EXAMPLE, headers=reader).status_code == 403


def test_a_put_under_another_id_than_the_statements_is_refused(client, key):
    headers = {**key("events:write"), **VERSION}
    other = "7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a09"
    answer = client.put(f"{URL}?statementId={other}", json=STATEMENT_EXAMPLE, headers=headers)
    assert answer.status_code == 400
