"""What rose, on `/ui/swarm`: what a designer reads and decides, and who may not (R35)."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from api.paths import PathAsk
from api.promotion_report import Carrier, Report, Risen, write_report
from api.security.sign_in import create_sign_in_link
from tests.unit.api.homes import HOSTILE, visit
from tests.unit.api.test_platform_route import status, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from httpx2 import Response
    from starlette.testclient import TestClient

    from api.home import Home

    Keys = Callable[..., dict[str, str]]

ITEM = "biology-3"
MODEL = "ab" * 32
TOLD = "2026-11-24T10:00:00+00:00"
PAIR = (Carrier("Elm", 0.4, anchor=True), Carrier("Fir", 0.3))
RISEN = (
    Risen(ITEM, 0.41, 0.03, 4.2, 9.1, 0.5, (Carrier("Cedar", 0.93),), 3, TOLD),
    Risen("music-5", 0.62, 0.30, 4.2, 9.1, 0.9, PAIR, 2, TOLD),
)


def report(risen: tuple[Risen, ...] = RISEN, note: str = "") -> Report:
    return Report(MODEL, 3, 18, 3, risen, note, TOLD)


@pytest.fixture
def told(home: Home, app: FastAPI) -> Home:
    """A home where two items rose, in a course that holds back."""
    write_report(write(home, status()), report())
    store = app.state.services.store
    store.hold_course("biology", on=True, who="command line: ana")
    store.record_rises([one.item for one in RISEN], MODEL)
    return home


@pytest.fixture
def designer(client: TestClient, app: FastAPI) -> TestClient:
    token = create_sign_in_link(app.state.services.store, "both", 5)
    assert client.get(f"/ui/sign-in?token={token}").status_code == 303
    return client


def sign_in(client: TestClient, headers: dict[str, str]) -> TestClient:
    secret = headers["Authorization"].removeprefix("Bearer ")
    assert client.post("/ui/sign-in", data={"key": secret}).status_code == 303
    return client


def text_of(response: Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def steps(app: FastAPI) -> list[str]:
    ask = PathAsk("somebody", course="biology", limit=50)
    return [step.item for step in app.state.services.paths.answer(ask).path.steps]


def states(app: FastAPI) -> list[tuple[str, str]]:
    return [(row.who, row.action) for row in app.state.services.store.confirmation_log()]


@pytest.mark.usefixtures("told")
def test_a_designer_reads_what_rose_and_through_whom_and_agrees(
    designer: TestClient, app: FastAPI
) -> None:
    assert ITEM not in steps(app)
    page = designer.get("/ui/swarm")
    text = text_of(page)
    assert "Two items owe much of where they stand to one member" in text
    assert "Since round 3 among the first 3 for 41 of 100 typical histories" in text
    assert "without Cedar, for 3." in text
    assert "It came through Cedar, which says more of it than its share" in text
    assert "Elm (an anchor) and Fir carried it together" in text
    assert "Held back" in text
    assert HOSTILE not in page.text
    assert html.escape(HOSTILE.partition(" ")[0]) in page.text
    agreed = designer.post("/ui/swarm/items", data={"item": ITEM, "agree": "true"})
    assert (agreed.status_code, agreed.headers["location"]) == (303, "/ui/swarm#rose")
    assert ITEM in steps(app)
    assert "whoever came by a one-time link agreed to" in text_of(designer.get("/ui/swarm"))
    designer.post("/ui/swarm/items", data={"item": ITEM, "agree": "false"})
    assert ITEM not in steps(app)
    assert states(app)[:2] == [("link", "undone"), ("link", "agreed")]


@pytest.mark.usefixtures("told")
def test_a_course_begins_and_ends_to_hold_back(designer: TestClient, app: FastAPI) -> None:
    designer.post("/ui/swarm/course", data={"course": "biology", "on": "false"})
    assert ITEM in steps(app)
    designer.post("/ui/swarm/course", data={"course": "*", "on": "true"})
    assert ITEM not in steps(app)
    assert "wait for a designer in: Every course" in text_of(designer.get("/ui/swarm"))


@pytest.mark.usefixtures("told")
def test_the_reason_is_told_where_a_path_leaves_the_item_out(designer: TestClient) -> None:
    page = designer.get("/ui/path?persona=newcomer&course=biology")
    assert "Held back: it rose suddenly in the swarm's model" in text_of(page)


@pytest.mark.usefixtures("told")
def test_a_visit_of_an_item_that_is_held_back_still_counts(
    client: TestClient, app: FastAPI, key: Keys
) -> None:
    services = app.state.services
    services.store.add_interactions([visit(services.paths.pseudonym("eve"), ITEM, 1_790_000_000)])
    answer = client.post("/v1/paths", json={"learner": "eve"}, headers=key("paths:read")).json()
    assert ITEM not in [step["item"] for step in answer["steps"]]
    assert not answer["fallback"]


@pytest.mark.usefixtures("told")
def test_an_operator_sees_it_and_may_not_decide(
    client: TestClient, app: FastAPI, key: Keys
) -> None:
    operator = sign_in(client, key("operate"))
    page = operator.get("/ui/swarm")
    assert "It came through Cedar" in text_of(page)
    assert "/ui/swarm/items" not in page.text.replace('class="card waiting"', "")
    before = states(app)
    for address, data in (
        ("/ui/swarm/items", {"item": ITEM, "agree": "true"}),
        ("/ui/swarm/course", {"course": "biology", "on": "false"}),
    ):
        refused = operator.post(address, data=data)
        assert refused.status_code == 403
        assert "needs the scope 'design'" in text_of(refused)
    assert states(app) == before
    assert ITEM not in steps(app)


@pytest.mark.usefixtures("told")
def test_nobody_and_no_other_site_decides(client: TestClient, app: FastAPI, key: Keys) -> None:
    before = states(app)
    data = {"item": ITEM, "agree": "true"}
    assert client.post("/ui/swarm/items", data=data).headers["location"].startswith("/ui/sign-in")
    signed_in = sign_in(client, key("design"))
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert signed_in.post("/ui/swarm/items", data=data, headers=headers).status_code == 403
        course = {"course": "biology", "on": "false"}
        assert signed_in.post("/ui/swarm/course", data=course, headers=headers).status_code == 403
    assert signed_in.get("/ui/swarm/items").headers["location"] == "/ui/swarm#rose"
    assert states(app) == before


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("items", {"item": "nowhere", "agree": "true"}),
        ("items", {"item": [ITEM, "nowhere"], "agree": "true"}),
        ("items", {"item": ITEM}),
        ("items", {"item": ITEM, "agree": "perhaps"}),
        ("items", {"agree": "true"}),
        ("items", {"item": "x" * 2_000, "agree": "true"}),
        ("items", {"item": [f"i{n}" for n in range(101)], "agree": "true"}),
        ("course", {"course": "nowhere", "on": "true"}),
        ("course", {"course": "' OR 1=1 --", "on": "true"}),
        ("course", {"on": "true"}),
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(
    designer: TestClient, app: FastAPI, address: str, data: dict[str, str]
) -> None:
    before = states(app)
    refused = designer.post(f"/ui/swarm/{address}", data=data)
    assert refused.status_code == 422
    assert states(app) == before


def test_new_items_of_a_course_that_holds_back_are_agreed_to_together(
    designer: TestClient, app: FastAPI, home: Home
) -> None:
    services = app.state.services
    services.store.hold_course("music", on=True, who="link")
    items = services.store.catalogue(course="music")
    new = [
        type(items[0])(name, title=name.title(), course="music", type="page")
        for name in ("lute", "harp")
    ]
    services.store.upsert_catalogue(new)
    page = designer.get("/ui/swarm")
    assert text_of(page).count("It is new in its course, and nobody has agreed yet.") == 2
    assert "no merged model has been fitted here" in text_of(page)
    assert home.exists
    designer.post("/ui/swarm/items", data={"item": ["lute", "harp"], "agree": "true"})
    assert services.store.held_items() == {}


def test_without_a_comparison_the_page_says_why(designer: TestClient, home: Home) -> None:
    write_report(write(home, status()), report((), "the first merged model"))
    assert "Round 3 was not compared: the first merged model." in text_of(designer.get("/ui/swarm"))
    write_report(home, report(()))
    assert "none of the 18 shared items owes where it stands" in text_of(designer.get("/ui/swarm"))
    write_report(home, report(note="a contribution is missing"))
    text = text_of(designer.get("/ui/swarm"))
    assert "Two items owe" in text
    assert "Round 3 was not compared: a contribution is missing." in text
