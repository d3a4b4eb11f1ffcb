"""What bad calls get: a status, a sentence, a pointer; nothing of what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.errors import problem_for
from api.rate import RateLimit
from api.routes.schemas import ProblemInfo
from api.store.errors import CatalogueRefusedError, RowRefusedError, StoreFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from httpx2 import Response

    from api.home import Home

    Keys = Callable[..., dict[str, str]]

SECRET = "a-value-that-must-not-come-back"


def problem(response: Response, status: int) -> ProblemInfo:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    answer = ProblemInfo.model_validate(response.json())
    assert answer.status == status
    assert answer.request_id == response.headers["x-request-id"]
    assert SECRET not in response.text
    return answer


def pointers(answer: ProblemInfo) -> list[str]:
    return [one.pointer for one in answer.errors or []]


def post(client: TestClient, headers: dict[str, str], body: object) -> Response:
    return client.post("/v1/paths", json=body, headers=headers)


def test_no_key_and_a_wrong_key_are_401(client: TestClient) -> None:
    body = {"learner": SECRET}
    missing = post(client, {}, body)
    assert problem(missing, 401).detail.startswith("this call needs a key")
    assert missing.headers["www-authenticate"] == 'Bearer realm="murmuration"'
    for token in ("mk1_abc_def", "nonsense", "x" * 5000, "mk1__"):
        problem(post(client, {"Authorization": f"Bearer {token}"}, body), 401)


def test_a_revoked_key_is_401(client: TestClient, key: Keys, app: FastAPI) -> None:
    headers = key("paths:read")
    app.state.services.store.revoke_key(headers["Authorization"].split("_")[1])
    problem(post(client, headers, {"learner": SECRET}), 401)


def test_a_key_without_the_scope_is_403_and_names_it(client: TestClient, key: Keys) -> None:
    answer = problem(post(client, key("events:write"), {"learner": SECRET}), 403)
    assert "paths:read" in answer.detail


def test_an_unknown_course_is_404(client: TestClient, key: Keys) -> None:
    body = {"learner": SECRET, "course": SECRET}
    assert "course" in problem(post(client, key("paths:read"), body), 404).detail


def test_an_unknown_path_is_404_and_a_wrong_method_405(client: TestClient) -> None:
    problem(client.get("/v2/paths"), 404)
    problem(client.get("/v1/paths"), 405)


def test_ten_megabytes_of_json_are_413_before_they_are_parsed(
    client: TestClient, key: Keys
) -> None:
    body = {"learner": SECRET, "exclude": ["x" * 1000] * 10_000}
    answer = problem(post(client, key("paths:read"), body), 413)
    assert "1,000,000 bytes" in answer.detail


def test_a_body_without_a_declared_length_is_cut_off_at_the_limit(
    client: TestClient, key: Keys
) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 100_000

    problem(client.post("/v1/paths", content=endless(), headers=key("paths:read")), 413)


def test_the_limit_can_be_met_exactly(home: Home) -> None:
    with TestClient(create_app(home, max_body_bytes=10)) as small:
        assert small.post("/v1/paths", content=b"x" * 10).status_code == 401
        assert small.post("/v1/paths", content=b"x" * 11).status_code == 413


@pytest.mark.parametrize(
    "body", [b'{"learner": ', b"[" * 100_000, b'{"learner": "\xff"}', b"7" * 9000]
)
def test_broken_json_is_400(client: TestClient, key: Keys, body: bytes) -> None:
    headers = {**key("paths:read"), "Content-Type": "application/json"}
    response = client.post("/v1/paths", content=body, headers=headers)
    assert response.status_code in {400, 422}
    problem(response, response.status_code)


def test_malformed_json_says_where_it_breaks_off(client: TestClient, key: Keys) -> None:
    headers = {**key("paths:read"), "Content-Type": "application/json"}
    response = client.post("/v1/paths", content=b'{"learner": }', headers=headers)
    assert "character 12" in problem(response, 400).detail


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lerner": "x"}, "#/lerner"),
        ({"learner": ""}, "#/learner"),
        ({"learner": 7}, "#/learner"),
        ({"learner": "x" * 2048}, "#/learner"),
        ({"learner": "a\x00b"}, "#/learner"),
        ({"learner": "lp1_abcdefgh_abcdefghijklmnopqrstuvwxyz"}, "#/learner"),
        ({"limit": 0}, "#/limit"),
        ({"limit": 51}, "#/limit"),
        ({"limit": "5"}, "#/limit"),
        ({"limit": True}, "#/limit"),
        ({"minutes": 0}, "#/minutes"),
        ({"minutes": -1}, "#/minutes"),
        ({"language": "x" * 40}, "#/language"),
        ({"goal": {}}, "#/goal"),
        ({"exclude": ["ok", ""]}, "#/exclude/1"),
        ({"history": [{"item": "x"}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": "2026-11-20T09:00:00"}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": "yesterday"}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": -1}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": 1e300}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": True}]}, "#/history/0/timestamp"),
        ({"history": [{"item": "x", "timestamp": 1, "score": 2}]}, "#/history/0/score"),
        ({"a/b~c": 1}, "#/a~1b~0c"),
    ],
)
def test_a_field_that_cannot_be_used_is_422_with_its_pointer(
    client: TestClient, key: Keys, change: dict, expected: str
) -> None:
    answer = problem(post(client, key("paths:read"), {"learner": "x", **change}), 422)
    assert pointers(answer) == [expected]


def test_numbers_that_are_none_are_refused(client: TestClient, key: Keys) -> None:
    headers = {**key("paths:read"), "Content-Type": "application/json"}
    for number in (b"NaN", b"Infinity"):
        body = b'{"learner": "x", "minutes": ' + number + b"}"
        problem(client.post("/v1/paths", content=body, headers=headers), 422)


def test_half_a_character_is_no_id(client: TestClient, key: Keys) -> None:
    headers = {**key("paths:read"), "Content-Type": "application/json"}
    response = client.post("/v1/paths", content=b'{"learner": "\\ud800"}', headers=headers)
    assert pointers(problem(response, 422)) == ["#/learner"]


def test_every_field_problem_is_named_at_once(client: TestClient, key: Keys) -> None:
    body = {"limit": 0, "minutes": 0, "unknown": SECRET}
    answer = problem(post(client, key("paths:read"), body), 422)
    assert sorted(pointers(answer)) == ["#/learner", "#/limit", "#/minutes", "#/unknown"]


def test_a_key_above_its_rate_is_429_with_retry_after(
    client: TestClient, key: Keys, app: FastAPI
) -> None:
    moment = 0.0
    limit = RateLimit(per_second=0.5, burst=2, clock=lambda: moment)
    object.__setattr__(app.state.services, "calls", limit)
    headers = key("paths:read")
    for _ in range(2):
        assert post(client, headers, {"learner": "x"}).status_code == 200
    refused = post(client, headers, {"learner": "x"})
    problem(refused, 429)
    assert refused.headers["retry-after"] == "2"
    moment = 2.0
    assert post(client, headers, {"learner": "x"}).status_code == 200


def test_an_address_with_many_wrong_keys_is_429_but_good_keys_still_work(
    client: TestClient, key: Keys
) -> None:
    wrong = {"Authorization": "Bearer mk1_abc_def"}
    statuses = [post(client, wrong, {"learner": "x"}).status_code for _ in range(25)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert post(client, key("paths:read"), {"learner": "x"}).status_code == 200


def test_a_store_that_cannot_be_read_is_503_with_retry_after_and_the_log_says_why(
    client: TestClient, key: Keys, app: FastAPI, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    headers = key("paths:read")
    app.state.services.store.close()
    for path in home.path.glob("store.sqlite*"):
        path.unlink()
    home.store_path.mkdir()
    refused = post(client, headers, {"learner": "x"})
    assert str(home.path) not in problem(refused, 503).detail
    assert str(home.store_path) in caplog.text
    assert int(refused.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    problem(client.get("/readyz"), 503)


def test_what_the_store_refuses_to_hold_is_the_callers_fault() -> None:
    refused = (RowRefusedError("the item id is empty"), CatalogueRefusedError("no item"))
    assert [problem_for(error).status for error in refused] == [422, 422]
    assert problem_for(StoreFullError("the disk is full")).status == 503


def test_a_bug_of_ours_is_500_without_details(
    client: TestClient, key: Keys, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    headers = key("paths:read")
    object.__setattr__(app.state.services, "paths", None)
    response = post(client, headers, {"learner": SECRET})
    assert response.status_code == 500
    assert "NoneType" not in response.text
    assert response.json()["request_id"] in caplog.text


def test_a_request_id_is_taken_over_if_it_is_a_plain_token(client: TestClient) -> None:
    plain = client.get("/healthz", headers={"X-Request-ID": "lms-4711"})
    assert plain.headers["x-request-id"] == "lms-4711"
    hostile = client.get("/healthz", headers={"X-Request-ID": "a b<script>"})
    assert hostile.headers["x-request-id"] != "a b<script>"
    assert len(hostile.headers["x-request-id"]) == 32


def test_the_log_line_has_no_query_and_no_learner(
    client: TestClient, key: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="api")
    post(client, key("paths:read"), {"learner": SECRET})
    client.get(f"/ui/path?learner={SECRET}")
    assert "POST /v1/paths 200" in caplog.text
    assert SECRET not in caplog.text
