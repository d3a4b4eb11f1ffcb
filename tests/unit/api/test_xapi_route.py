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
    assert client.post(URL, json=STATEMENT_EXAMPLE, headers=headers).status_code == 400
    assert "1 to 1,000" in send([], status=400)["detail"]
    assert "JSON object" in send(["x"], status=400)["detail"]
    for path in ("activities/state", "agents", ""):
        answer = client.get(f"/v1/xapi/{path}", headers={**headers, **VERSION})
        assert answer.status_code == 404
        assert "no states, profiles" in answer.json()["detail"]
    reader = {**key("paths:read"), **VERSION}
    assert client.post(URL, json=STATEMENT_EXAMPLE, headers=reader).status_code == 403


def test_a_put_under_another_id_than_the_statements_is_refused(client, key):
    headers = {**key("events:write"), **VERSION}
    other = "7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a09"
    answer = client.put(f"{URL}?statementId={other}", json=STATEMENT_EXAMPLE, headers=headers)
    assert answer.status_code == 400


ID = STATEMENT_EXAMPLE["id"]


def test_a_reader_finds_a_store_without_statements_even_after_one_was_sent(client, key, send):
    headers = {**key("events:write"), **VERSION}
    send(STATEMENT_EXAMPLE)
    for query in ("", "?limit=1&ascending=true", "?since=2026-01-01T00:00:00Z&verb=http://x/y"):
        answer = client.get(URL + query, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"statements": [], "more": ""})
        assert answer.headers["X-Experience-API-Version"] == "1.0.3"
        assert answer.headers["X-Experience-API-Consistent-Through"]
        head = client.head(URL + query, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
    for name in ("statementId", "voidedStatementId"):
        answer = client.get(f"{URL}?{name}={ID}&format=exact", headers=headers)
        assert answer.status_code == 404
        assert "none can be read back" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        *("statementId=7", "since=yesterday", "limit=-1", "limit=few", "format=all"),
        *("agent=ana", "agent=[]", "ascending=1", "registration=r", "verb=done", "page=2"),
        f"statementId={ID}&voidedStatementId={ID}",
        f"statementId={ID}&limit=1",
    ],
)
def test_a_query_that_no_record_store_may_answer_is_refused(client, key, query):
    headers = {**key("events:write"), **VERSION}
    answer = client.get(f"{URL}?{query}", headers=headers)
    assert answer.status_code == 400
    assert "ana" not in answer.text


def test_reading_needs_the_key_and_the_version_that_sending_needs(client, key):
    assert client.get(URL, headers=VERSION).status_code == 401
    assert client.get(URL, headers={**key("paths:read"), **VERSION}).status_code == 403
    assert client.get(URL, headers=key("events:write")).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_attachments_are_refused_as_a_kind_of_body_that_is_not_taken(client, key, stored, method):
    kind = 'multipart/mixed; boundary="b"'
    body = b'--b\r\nContent-Type: application/json\r\n\r\n{"actor":{}}\r\n--b--'
    headers = {**key("events:write"), **VERSION, "Content-Type": kind}
    answer = client.request(method, f"{URL}?statementId={ID}", content=body, headers=headers)
    assert answer.status_code == 415
    assert "attachments are not taken" in answer.json()["detail"]
    assert stored() == []


def test_what_a_statement_says_of_its_attachments_does_not_matter(send, stored):
    attachment = {
        "usageType": "http://id.tincanapi.com/attachment/supporting_media",
        "display": {"en": "A picture"},
        "contentType": "image/png",
        "length": 4,
        "sha2": "0" * 64,
        "fileUrl": "https://lms.example.edu/p.png",
    }
    send({**STATEMENT_EXAMPLE, "attachments": [attachment]})
    assert len(stored()) == 1
