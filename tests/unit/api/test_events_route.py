"""`POST /v1/events`, and whose events they are."""

from __future__ import annotations

import time

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.routes.events import ANSWER_EXAMPLE, REQUEST_EXAMPLE, ROW_EXAMPLE
from api.routes.xapi import STATEMENT_EXAMPLE
from api.security.keys import create_key
from platform_adapters.errors import OptionsError
from tests.unit.api.homes import pseudonymiser_of

URL = "/v1/events"
XAPI = {"X-Experience-API-Version": "1.0.3"}


@pytest.fixture
def send(client, key):
    headers = key("events:write")

    def post(*events):
        answer = client.post(URL, json={"events": list(events)}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


@pytest.fixture
def stored(app, home):
    def rows(learner="4711"):
        name = pseudonymiser_of(home).pseudonym(learner)
        return list(app.state.services.store.interaction_rows(pseudonym=name))

    return rows


def outcomes(answer):
    return [(one["outcome"], one["reason"]) for one in answer["results"]]


def test_the_example_is_answered_as_the_document_says(send):
    assert send(*REQUEST_EXAMPLE["events"]) == ANSWER_EXAMPLE


def test_rows_and_statements_are_stored_once_under_a_pseudonym(send, stored, home):
    assert send(ROW_EXAMPLE, STATEMENT_EXAMPLE, ROW_EXAMPLE)["accepted"] == 2
    assert send(STATEMENT_EXAMPLE, ROW_EXAMPLE)["duplicate"] == 2
    (row,) = stored()
    assert (row.item, row.verb, row.score) == ("quiz-5", "answered", 0.8)
    assert len(stored("https://lms.example.edu|4711")) == 1
    assert b"4711" not in home.store_path.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"learner": None}, "learner is missing"),
        ({"learner": ""}, "learner is missing"),
        ({"item": " "}, "item is empty"),
        ({"verb": "danced"}, "verb is not one of the table's verbs"),
        ({"timestamp": "2026-11-24T12:00:00"}, "the time has no zone; send it with an offset or Z"),
        ({"timestamp": 631_151_999}, "between 1990"),
        ({"timestamp": None}, "neither timestamp nor order"),
        ({"score": "good"}, "score is not a number"),
        ({"raw": 10**400}, "number"),
        ({"grade": 5}, "no column of the interaction table"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_alone_and_without_its_value(
    send, stored, change, reason
):
    answer = send({**ROW_EXAMPLE, **change}, {**ROW_EXAMPLE, "event_id": "another"})
    (first, told), second = outcomes(answer)
    assert (first, second) == ("rejected", ("accepted", None))
    assert reason in told
    assert "danced" not in told
    assert len(stored()) == 1


def test_what_happens_the_day_after_tomorrow_is_rejected_and_today_is_not(send):
    now = time.time()
    late = {**ROW_EXAMPLE, "timestamp": now + 2 * 86_400, "event_id": "late"}
    soon = {**ROW_EXAMPLE, "timestamp": now + 60, "event_id": "soon"}
    (first, told), second = outcomes(send(late, soon))
    assert (first, second[0]) == ("rejected", "accepted")
    assert "after tomorrow" in told


@pytest.mark.parametrize("body", [{"events": []}, {}, [], {"events": [1] * 1001}, {"rows": [1]}])
def test_a_body_of_another_shape_or_size_is_refused_as_a_whole(client, key, body):
    answer = client.post(URL, json=body, headers=key("events:write"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "event", [None, 5, "x", [], {}, {"actor": 1, "object": 2}, {"learner": {}}]
)
def test_no_json_value_gets_further_than_its_own_rejection(send, event):
    assert outcomes(send(event))[0][0] == "rejected"


def test_sending_needs_the_scope(client, key):
    body = {"events": [ROW_EXAMPLE]}
    assert client.post(URL, json=body).status_code == 401
    assert client.post(URL, json=body, headers=key("paths:read")).status_code == 403


@pytest.fixture
def listed(home):
    """A server with lists of accounts and staff."""
    (home.path / "accounts.csv").write_text("old_id,new_id\nana-2019,ana\n")
    (home.path / "staff.csv").write_text("id\nprof\n")
    settings = home.settings_path.read_text(encoding="utf-8")
    lists = '[serve]\naccounts = "accounts.csv"\nstaff = "staff.csv"\n'
    lists += 'home_page = "https://lms.example.edu"\n'
    assert "[serve]" not in settings
    home.settings_path.write_text(settings + "\n" + lists, encoding="utf-8")
    app = create_app(home)
    token = create_key(app.state.services.store, ("events:write",), name="x")
    with TestClient(app, headers={"Authorization": f"Bearer {token}", **XAPI}) as client:
        yield client


def learners(client, home, *names):
    store, key = client.app.state.services.store, pseudonymiser_of(home)
    return [len(list(store.interaction_rows(pseudonym=key.pseudonym(name)))) for name in names]


def test_accounts_and_staff_count_for_rows_statements_and_caliper_alike(listed, home):
    def actor(name):
        return {"account": {"homePage": "https://lms.example.edu", "name": name}}

    people = ("ana-2019", "ana", "prof")
    rows = [{**ROW_EXAMPLE, "event_id": n, "learner": n} for n in people]
    answer = listed.post(URL, json={"events": rows}).json()
    staff = ("ignored", "somebody on the list of people who are no learners")
    assert outcomes(answer) == [("accepted", None), ("accepted", None), staff]
    for place, name in enumerate(people):
        statement = {**STATEMENT_EXAMPLE, "id": STATEMENT_EXAMPLE["id"][:-1] + str(place)}
        body = {**statement, "actor": actor(name)}
        assert listed.post("/v1/xapi/statements", json=body).status_code == 200
        event = {
            "id": f"urn:uuid:{body['id']}",
            "type": "ViewEvent",
            "actor": {"id": name, "type": "Person"},
            "action": "Viewed",
            "object": {"id": "https://lms.example.edu/pages/5", "type": "WebPage"},
            "eventTime": "2026-11-24T12:00:00.000Z",
        }
        envelope = {
            "sensor": "https://lms.example.edu/sensor",
            "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
            "data": [event],
        }
        sent = listed.post("/v1/caliper", json=envelope).json()
        assert sent["results"][0]["outcome"] == ("ignored" if name == "prof" else "accepted")
    assert learners(listed, home, *people) == [0, 6, 0]


def test_a_list_that_changes_counts_from_the_next_event_on_and_merges_what_was_there(listed, home):
    row = {**ROW_EXAMPLE, "learner": "ben-old"}
    listed.post(URL, json={"events": [row]})
    assert learners(listed, home, "ben-old", "ben") == [1, 0]
    (home.path / "accounts.csv").write_text("old_id,new_id\nana-2019,ana\nben-old,ben\n")
    listed.post(URL, json={"events": [{**row, "event_id": "two"}]})
    assert learners(listed, home, "ben-old", "ben") == [0, 2]


def test_a_list_that_is_spoilt_while_the_server_runs_leaves_the_last_good_one(listed, home, caplog):
    (home.path / "staff.csv").unlink()
    event = {**ROW_EXAMPLE, "learner": "prof"}
    answer = listed.post(URL, json={"events": [event]}).json()
    assert answer["ignored"] == 1
    assert "cannot be read" in caplog.text


def test_a_list_that_cannot_be_read_at_the_start_stops_the_server(listed, home):
    (home.path / "accounts.csv").write_text("old_id,new_id\na,b\nb,a\n")
    with pytest.raises(OptionsError, match="circle"):
        create_app(home)
