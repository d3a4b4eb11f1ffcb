"""The pages as a browser gets them: who may see what, what is logged, what is escaped."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.pages.sessions import COOKIE_PREFIX
from api.security.sign_in import create_sign_in_link
from tests.unit.api.homes import HOSTILE, pseudonymiser_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from httpx2 import Response

    from api.home import Home

    Keys = Callable[..., dict[str, str]]


@pytest.fixture
def designer(client: TestClient, app: FastAPI) -> TestClient:
    """A browser whose owner came by a one-time link."""
    token = create_sign_in_link(app.state.services.store, "both", 5)
    assert client.get(f"/ui/sign-in?token={token}").status_code == 303
    return client


def token_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def looks(app: FastAPI) -> list[tuple[str, str, str]]:
    with app.state.services.store._database.engine.connect() as connection:
        rows = connection.execute(sa.text("select who, what, pseudonym from staff_access"))
        return [tuple(row) for row in rows]


def text_of(response: Response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", response.text))


def test_whoever_is_not_signed_in_is_sent_there_and_back(client: TestClient, key: Keys) -> None:
    sent = client.get("/ui/path?persona=newcomer")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/ui/sign-in?next=%2Fui%2Fpath%3Fpersona%3Dnewcomer"
    form = client.get(sent.headers["location"])
    assert 'value="/ui/path?persona=newcomer"' in form.text
    back = client.post(
        "/ui/sign-in", data={"key": token_of(key("design")), "next": "/ui/path?persona=newcomer"}
    )
    assert back.status_code == 303
    assert back.headers["location"] == "/ui/path?persona=newcomer"
    assert client.get(back.headers["location"]).status_code == 200


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: TestClient, key: Keys) -> None:
    cookie = client.post("/ui/sign-in", data={"key": token_of(key("design"))}).headers["set-cookie"]
    assert cookie.startswith(COOKIE_PREFIX)
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert attribute in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_secure(client: TestClient, key: Keys) -> None:
    answer = client.post("https://testserver/ui/sign-in", data={"key": token_of(key("design"))})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_link_signs_in_once(client: TestClient, app: FastAPI) -> None:
    token = create_sign_in_link(app.state.services.store, "designer", 5)
    assert client.get(f"/ui/sign-in?token={token}").headers["location"] == "/ui/path"
    client.cookies.clear()
    again = client.get(f"/ui/sign-in?token={token}")
    assert again.status_code == 401
    assert "used already" in again.text
    assert not client.cookies


def test_a_wrong_key_and_one_without_a_role_open_nothing(client: TestClient, key: Keys) -> None:
    assert client.post("/ui/sign-in", data={"key": "mk1_a_b"}).status_code == 401
    refused = client.post("/ui/sign-in", data={"key": token_of(key("paths:read"))})
    assert refused.status_code == 403
    assert "scopes design and operate" in refused.text
    assert not client.cookies


def test_a_revoked_keys_session_ends(client: TestClient, key: Keys, app: FastAPI) -> None:
    token = token_of(key("design"))
    client.post("/ui/sign-in", data={"key": token})
    assert client.get("/ui/path").status_code == 200
    app.state.services.store.revoke_key(token.split("_")[1])
    assert client.get("/ui/path").status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example/ui/", "//evil.example/ui/x", "/etc", "/ui/\\x"]
)
def test_signing_in_leads_to_our_own_pages_only(client: TestClient, key: Keys, target: str) -> None:
    answer = client.post("/ui/sign-in", data={"key": token_of(key("design")), "next": target})
    assert answer.headers["location"] == "/ui/path"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_forms_of_other_sites_are_refused(designer: TestClient, headers: dict[str, str]) -> None:
    for path in ("/ui/sign-in", "/ui/sign-out", "/ui/path"):
        assert designer.post(path, data={"find": "x"}, headers=headers).status_code == 403


def test_signing_out_ends_the_session(designer: TestClient) -> None:
    assert designer.post("/ui/sign-out").headers["location"] == "/ui/sign-in"
    assert designer.get("/ui/path").status_code == 303


def test_an_altered_cookie_is_no_session(designer: TestClient) -> None:
    ((name, value),) = designer.cookies.items()
    for altered in (value[:-2] + "AA", "x" + value, value.replace(".", ""), "", "." * 3000):
        designer.cookies.set(name, altered, domain="testserver.local", path="/")
        assert designer.get("/ui/swarm").status_code == 303, altered


def test_an_operator_sees_the_swarm_but_no_learner(client: TestClient, key: Keys) -> None:
    answer = client.post("/ui/sign-in", data={"key": token_of(key("operate"))})
    assert answer.headers["location"] == "/ui/swarm"
    assert client.get("/ui/swarm").status_code == 200
    refused = client.get("/ui/path")
    assert refused.status_code == 403
    assert "scope 'design'" in text_of(refused)


def test_a_learner_is_found_by_the_platforms_id_which_goes_nowhere(
    designer: TestClient, app: FastAPI, home: Home
) -> None:
    name = pseudonymiser_of(home).pseudonym("learner-1")
    found = designer.post("/ui/path", data={"find": " learner-1 "})
    assert found.status_code == 303
    assert found.headers["location"] == f"/ui/path?learner={name}"
    page = designer.get(found.headers["location"])
    assert page.status_code == 200
    assert "learner-1" not in page.text
    words = text_of(page)
    assert "History, part 1" in words
    assert "History, part 4" in words
    assert "Already done" in words


def test_looking_at_a_learner_is_logged_and_at_an_example_is_not(
    designer: TestClient, app: FastAPI, home: Home
) -> None:
    name = pseudonymiser_of(home).pseudonym("learner-1")
    designer.get("/ui/path?persona=newcomer")
    assert looks(app) == []
    designer.get(f"/ui/path?learner={name}")
    assert looks(app) == [("link", "path", name)]


def test_a_raw_id_in_the_address_is_replaced(designer: TestClient, home: Home) -> None:
    name = pseudonymiser_of(home).pseudonym("learner-1")
    answer = designer.get("/ui/path?learner=learner-1")
    assert answer.headers["location"] == f"/ui/path?learner={name}"


def test_whoever_is_not_found_is_said_so_without_repeating_the_id(designer: TestClient) -> None:
    answer = designer.post("/ui/path", data={"find": "someone-else"})
    assert answer.status_code == 404
    assert "Nobody by that name" in answer.text
    assert "someone-else" not in answer.text
    too_long = designer.post("/ui/path", data={"find": "x" * 2048})
    assert too_long.status_code == 404
    assert "longer than 1,024 bytes" in text_of(too_long)


def test_an_example_is_found_by_its_words(designer: TestClient) -> None:
    answer = designer.post("/ui/path", data={"find": "biology BEGINNING"})
    assert answer.headers["location"] == "/ui/path?q=biology+BEGINNING"
    page = designer.get(answer.headers["location"])
    assert "Beginning: Biology basics" in page.text
    assert "Beginning: Music basics" not in page.text


def test_an_example_shows_what_is_done_what_comes_next_and_why(designer: TestClient) -> None:
    listed = designer.get("/ui/path").text
    (link,) = re.findall(
        r'href="(/ui/path\?persona=[0-9a-f]+)"><span class="who-title">Beginning: History', listed
    )
    page = designer.get(link)
    words = text_of(page)
    assert "Has done History, part 1 and History, part 2" in listed
    assert "An example, not a person" in words
    assert "History, part 3" in words
    assert re.search(r'aria-label="What moved this step: learners here \d+ %', page.text)


def test_a_general_path_says_so(designer: TestClient) -> None:
    assert "A general path, not a personal one" in designer.get("/ui/path?persona=newcomer").text


def test_limits_are_kept_to_and_nonsense_counts_as_none(designer: TestClient) -> None:
    two = designer.get("/ui/path?persona=newcomer&limit=2&hours=40")
    assert two.text.count('class="step"') == 2
    assert '<option value="2" selected>' in two.text
    half = designer.get("/ui/path?persona=newcomer&hours=0.5")
    assert half.text.count('class="step"') == 1
    nonsense = designer.get("/ui/path?persona=newcomer&limit=many&hours=nan")
    assert nonsense.text.count('class="step"') == 5


def test_an_unknown_course_is_a_page_not_json(designer: TestClient) -> None:
    answer = designer.get("/ui/path?persona=newcomer&course=nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_hostile_titles_are_text_and_never_links_to_scripts(designer: TestClient) -> None:
    page = designer.get("/ui/path?persona=newcomer&course=music&limit=50")
    assert HOSTILE in text_of(page)
    assert "<script" not in page.text
    assert "javascript:" not in page.text


def test_what_a_person_types_is_escaped(designer: TestClient) -> None:
    page = designer.get("/ui/path", params={"q": '"><script>alert(1)</script>'})
    assert "<script" not in page.text
    assert "Nothing matches" in page.text


def test_pages_load_nothing_from_elsewhere(designer: TestClient) -> None:
    for path in ("/ui/path", "/ui/path?persona=newcomer", "/ui/swarm", "/ui/sign-in"):
        page = designer.get(path)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        assert " style=" not in page.text
        for address in re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', page.text):
            assert address.startswith("/ui/static/")
            assert designer.get(address).status_code == 200
        assert '<html lang="en">' in page.text
        assert 'href="#main"' in page.text


def test_behind_a_proxy_every_address_carries_its_prefix(app: FastAPI, key: Keys) -> None:
    with TestClient(app, root_path="/learn", follow_redirects=False) as client:
        sent = client.get("/ui/swarm").headers["location"]
        assert sent == "/learn/ui/sign-in?next=%2Fui%2Fswarm"
        data = {"key": token_of(key("design")), "next": "/ui/swarm"}
        signed_in = client.post("/ui/sign-in", data=data)
        assert signed_in.headers["location"] == "/learn/ui/swarm"
        assert "Path=/learn" in signed_in.headers["set-cookie"]
        cookie = signed_in.headers["set-cookie"].partition(";")[0]
        page = client.get("/ui/path?persona=newcomer", headers={"Cookie": cookie})
        assert page.status_code == 200
        inside = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
        assert inside
        assert all(address.startswith("/learn/ui/") for address in inside)


def test_an_unknown_page_is_a_page(client: TestClient) -> None:
    answer = client.get("/ui/nowhere")
    assert answer.status_code == 404
    assert "no such page" in text_of(answer)


def test_the_front_door_leads_to_the_paths(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/ui/path"
