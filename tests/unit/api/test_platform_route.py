"""`/v1/platform`, `/readyz`, the swarm's page: what the peer's files say, also when damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from api.pages.swarm_models import Tile
from api.pages.swarm_view import TRUSTING, swarm_view
from api.routes.schemas import PlatformAnswer
from api.swarm_status import SwarmFiles
from recommender.release.manifest import default_manifest
from swarm.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

    from api.home import Home
    from api.pages.swarm_models import SwarmView

    Keys = Callable[..., dict[str, str]]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = ("Alder", "Birch", "Cedar", "Dogwood")
DIGEST = "3f" * 32


def status(members: int = 4, **changes: object) -> dict:
    """What Birch's peer says after one round that Cedar missed."""
    manifest = default_manifest(10, b"\0" * 32, enrolled_counts=False)
    said = {
        "schema": "murmuration.status/1",
        "swarm": "ab" * 32,
        "name": "Birch",
        "member": "id-Birch",
        "state": "idle",
        "height": 5,
        "head": {"digest": DIGEST, "round": 1, "height": 5, "moved_at": NOW.isoformat()},
        "quorum": 3,
        "tolerates": 1,
        "members": [
            {
                "id": f"id-{name}",
                "name": name,
                "addresses": ["/ip4/127.0.0.1/tcp/4001"],
                "anchor": name == "Dogwood",
                "contributes": name != "Alder",
                "bracket": "< 1,000",
                "connected": name in {"Alder", "Dogwood"},
                "last_seen": NOW.isoformat(),
            }
            for name in NAMES[:members]
        ],
        "rounds": [
            {
                "round": 1,
                "attempt": 1,
                "kind": "statistics",
                "as_of": "2026-11-24",
                "outcome": "merged",
                "in": ["Birch", "Dogwood"],
                "out": [{"member": "Cedar", "reason": "no contribution before the deadline"}],
                "digest": DIGEST,
                "rho": [manifest.rho.numerator, manifest.rho.denominator],
                "opened_at": NOW.isoformat(),
                "decided_at": NOW.isoformat(),
                "height": 5,
            }
        ],
        "warnings": [],
        "port": 4001,
        "pid": 1,
        "updated_at": NOW.isoformat(),
        "something_new": True,
    }
    return said | changes


def write(home: Home, said: dict | None, *, manifest: bool = True) -> Home:
    if said is not None:
        home.status_path.write_text(json.dumps(said))
    if manifest:
        content = default_manifest(10, b"\0" * 32, enrolled_counts=False).to_dict()
        home.manifest_path.write_bytes(encode(content))
    return home


def view(home: Home) -> SwarmView:
    files = SwarmFiles(home)
    return swarm_view(files.status(), files.claim(), Tile("Model in use", "Round 1", ""), NOW)


def words(page: SwarmView) -> str:
    return str(page)


def test_a_platform_outside_any_swarm_says_so(client: TestClient, key: Keys) -> None:
    answer = client.get("/v1/platform", headers=key("events:write")).json()
    PlatformAnswer.model_validate(answer)
    assert answer["swarm"] is None
    assert answer["budget"] is None
    assert answer["rounds"] == []
    assert answer["model"]["digest"]
    assert not answer["fallback"]


def test_the_swarms_rounds_and_the_budget_are_told(
    client: TestClient, key: Keys, home: Home
) -> None:
    write(home, status())
    answer = client.get("/v1/platform", headers=key("operate")).json()
    PlatformAnswer.model_validate(answer)
    (one,) = answer["rounds"]
    assert one["in"] == ["Birch", "Dogwood"]
    assert one["out"] == [{"member": "Cedar", "reason": "no contribution before the deadline"}]
    assert one["digest"] == DIGEST
    assert one["epsilon"] == pytest.approx(4.0, abs=0.01)
    assert answer["budget"]["epsilon"] == pytest.approx(4.0, abs=0.01)
    assert answer["budget"]["rho"] == "2097152/6744409"
    assert "not their influence on others' behaviour" in answer["budget"]["claim"]
    assert answer["swarm"]["agreement"].startswith("A quorum of 3 of 4")


def test_a_round_that_trains_is_told_with_what_the_whole_training_spends(home: Home) -> None:
    rho = status()["rounds"][0]["rho"]  # the peer gives the training's, not a share of it
    page = view(write(home, status(rounds=[{**status()["rounds"][0], "kind": "parameters"}])))
    assert page.rounds[0].subject == "the network"
    assert page.rounds[0].epsilon == "ε = 4.00 at δ = 10⁻⁶ for the whole training"
    assert any("change of its parameters" in line for line in page.leaves)
    usual = view(write(home, status()))
    assert usual.rounds[0].subject == ""
    assert not any("parameters" in line for line in usual.leaves)
    assert rho == [2097152, 6744409]


def test_platform_needs_a_key(client: TestClient) -> None:
    assert client.get("/v1/platform").status_code == 401


def test_a_damaged_status_is_503_and_names_the_file(
    client: TestClient, key: Keys, home: Home
) -> None:
    home.status_path.write_text('{"members": 7')
    refused = client.get("/v1/platform", headers=key("operate"))
    assert refused.status_code == 503
    assert "status.json is damaged" in refused.json()["detail"]


def test_readiness_needs_no_key_and_tells_what_is_missing(client: TestClient, home: Home) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "fallback": False, "missing": []}
    home.serving_path.unlink()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["fallback"]
    assert "murmuration train" in answer.json()["missing"][0]
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_page_shows_members_rounds_and_who_was_out_and_why(home: Home) -> None:
    page = view(write(home, status()))
    assert page.headline == "Four platforms, one model"
    states = {member.name: member.state for member in page.members}
    assert states == {
        "Alder": "Connected",
        "Birch": "Connected",
        "Cedar": "Away",
        "Dogwood": "Connected",
    }
    roles = {member.name: member.role for member in page.members}
    assert roles["Dogwood"] == "Anchor. Contributes"
    assert roles["Alder"].startswith("Witness")
    (one,) = page.rounds
    assert one.inside == "Birch and Dogwood"
    assert [(out.member, out.reason) for out in one.out] == [
        ("Cedar", "no contribution before the deadline")
    ]
    assert one.epsilon == "ε = 4.00 at δ = 10⁻⁶"
    assert one.digest == DIGEST
    assert page.ring.label == "Four members, Cedar away"
    assert page.members[0].bracket == "fewer than 1,000"
    assert page.warnings == ()
    assert TRUSTING not in words(page)


def test_below_four_members_agreement_assumes_that_nobody_lies(
    home: Home, client: TestClient, key: Keys
) -> None:
    page = view(write(home, status(members=3, quorum=3, tolerates=0)))
    assert TRUSTING in [warning.text for warning in page.warnings]
    answer = client.get("/v1/platform", headers=key("operate")).json()
    assert answer["swarm"]["agreement"] == TRUSTING


def test_the_promise_has_every_part_of_the_printed_claim(home: Home) -> None:
    rows = {row.label: row.value for row in view(write(home, status())).claim.rows}
    assert "add or remove one learner" in rows["Whom it protects"]
    assert "ε = 4.00 at δ = 10⁻⁶" in rows["How much, in a lifetime"]
    assert rows["If one learner were another"] == "ε = 8.83"
    assert "2097152/6744409" in rows["Exact contract"]
    assert "not their influence on others' behaviour" in rows["Not covered"]
    assert {"How", "Whom to trust", "Tuning used", "One person with 2 accounts"} <= set(rows)


def test_a_silent_peer_and_its_own_warnings_are_shown(home: Home) -> None:
    said = status(warnings=["Cedar signed two different blocks"])
    said["updated_at"] = "2026-11-24T11:00:00+00:00"
    titles = {warning.title: warning.text for warning in view(write(home, said)).warnings}
    assert "24 Nov 2026, 11:00 UTC" in titles["No news from the peer"]
    assert titles["The peer says"] == "Cedar signed two different blocks"


def test_rounds_under_way_and_void_rounds_keep_the_old_model(home: Home) -> None:
    (merged,) = status()["rounds"]
    rounds = [
        merged,
        merged | {"round": 2, "outcome": "void", "reason": "timeout", "digest": None, "rho": None},
        merged | {"round": 3, "outcome": "open", "digest": None, "in": [], "out": []},
    ]
    page = view(write(home, status(rounds=rounds)))
    assert [one.number for one in page.rounds] == [3, 2, 1]
    assert [one.outcome for one in page.rounds] == ["Under way", "Void", "Merged"]
    assert "old model stays" in page.rounds[0].sentence
    assert page.rounds[1].sentence.startswith("The round ended without a merge: timeout.")
    assert page.rounds[1].epsilon == ""


def test_before_a_swarm_nothing_leaves_and_nothing_is_spent(home: Home) -> None:
    page = view(home)
    assert page.headline == "Not in a swarm yet"
    assert page.leaves[0].startswith("Nothing.")
    assert "nothing has been spent" in page.claim.sentence
    assert page.members == ()


def test_a_damaged_manifest_is_said_and_the_rest_still_shows(home: Home) -> None:
    write(home, status())
    home.manifest_path.write_bytes(b"\xff" * 20)
    page = view(home)
    assert "manifest.cbor is damaged" in page.warnings[0].text
    assert len(page.members) == 4


def test_files_are_read_again_when_they_change(home: Home) -> None:
    files = SwarmFiles(write(home, status()))
    first = files.status().value
    assert first is not None
    assert files.status().value is first
    write(home, status(height=6))
    second = files.status().value
    assert second is not None
    assert second.height == 6
    home.status_path.unlink()
    assert files.status().value is None
