"""`POST /v1/caliper`: a sensor's envelope, and what becomes of each of its events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.routes.caliper import ANSWER_EXAMPLE, REQUEST_EXAMPLE
from api.routes.event_schemas import CaliperBody, EventsAnswer
from tests.unit.api.homes import pseudonymiser_of

GOLDEN = Path(__file__).parents[2] / "golden" / "caliper" / "events" / "input" / "envelopes.jsonl"
LEARNER = "https://lms.example.edu/users/4711"


@pytest.fixture
def send(client, key):
    headers = key("events:write")

    def post(body, status=200):
        answer = client.post("/v1/caliper", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


def test_events_are_stored_under_a_pseudonym_and_each_has_a_result(send, app, home):
    assert send(REQUEST_EXAMPLE) == ANSWER_EXAMPLE
    store = app.state.services.store
    (row,) = store.interaction_rows(pseudonym=pseudonymiser_of(home).pseudonym(LEARNER))
    assert (row.item, row.verb) == ("https://lms.example.edu/pages/5", "viewed")
    assert b"users/4711" not in home.store_path.read_bytes()


def test_an_envelope_that_is_sent_again_changes_nothing(send, app):
    send(REQUEST_EXAMPLE)
    revision = app.state.services.store.revision()
    again = send(REQUEST_EXAMPLE)
    assert [one["outcome"] for one in again["results"]] == ["duplicate", "ignored"]
    assert app.state.services.store.revision() == revision


def test_a_learner_of_whom_an_event_has_come_is_known_at_the_next_path(send, client, key):
    asked = {"learner": LEARNER, "limit": 1}
    reader = key("paths:read")
    before = client.post("/v1/paths", json=asked, headers=reader).json()
    event = {**REQUEST_EXAMPLE["data"][0], "object": "biology-0", "group": "biology"}
    send({**REQUEST_EXAMPLE, "data": [event]})
    after = client.post("/v1/paths", json=asked, headers=reader).json()
    assert (before["fallback"], after["fallback"]) == (True, False)
    assert after["steps"][0]["item"] != "biology-0"


def test_every_event_of_the_golden_envelopes_has_one_of_four_outcomes(send):
    for line in GOLDEN.read_text().splitlines()[:3]:
        envelope = json.loads(line)
        answer = send(envelope)
        counts = [answer[name] for name in ("accepted", "duplicate", "ignored", "rejected")]
        assert sum(counts) == len(envelope["data"]) == len(answer["results"])
        for one in answer["results"]:
            assert bool(one["reason"]) == (one["outcome"] in {"ignored", "rejected"})


def test_an_event_without_a_zone_is_rejected_alone(send):
    good = REQUEST_EXAMPLE["data"][0]
    answer = send({**REQUEST_EXAMPLE, "data": [{**good, "eventTime": "2026-11-24T12:00:00"}, good]})
    assert [one["outcome"] for one in answer["results"]] == ["rejected", "accepted"]
    assert "no zone" in answer["results"][0]["reason"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p0"}, "#/dataVersion"),
        ({"data": []}, "#/data"),
        ({"data": [{}] * 1001}, "#/data"),
        ({"sensor": 5}, "#/sensor"),
    ],
)
def test_what_is_no_envelope_is_refused_with_the_field_named(send, change, pointer):
    problem = send({**REQUEST_EXAMPLE, **change}, status=422)
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


def test_a_key_without_the_scope_and_a_body_above_the_limit_are_refused(client, key, send):
    answer = client.post("/v1/caliper", json=REQUEST_EXAMPLE, headers=key("paths:read"))
    assert answer.status_code == 403
    send({**REQUEST_EXAMPLE, "data": [{"note": "x" * 1_000_000}]}, status=413)


def test_the_examples_are_what_the_route_takes_and_gives():
    CaliperBody.model_validate(REQUEST_EXAMPLE)
    EventsAnswer.model_validate(ANSWER_EXAMPLE)
