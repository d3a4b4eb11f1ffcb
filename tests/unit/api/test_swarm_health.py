"""What is wrong has a name, a level and a way out; monitoring and Prometheus get the same."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import swarm_health
from api.home import Home
from api.metrics import render
from api.swarm_health import NAMES, examine, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "bad-days.md").read_text()


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "round": 2,
        "attempt": 1,
        "outcome": "merged",
        "reason": "",
        "out": [],
        "close_after_seconds": 60,
        "opened_at": (NOW - timedelta(hours=1)).isoformat(),
        "decided_at": (NOW - timedelta(minutes=59)).isoformat(),
        **changes,
    }


def status(**changes: Any) -> dict[str, Any]:
    return {
        "name": "alder",
        "member": "a",
        "state": "idle",
        "height": 9,
        "head": {"round": 2},
        "quorum": 3,
        "members": [{"id": name, "name": name * 3, "connected": True} for name in "abcd"],
        "rounds": [entry()],
        "pid": os.getpid(),
        "updated_at": NOW.isoformat(),
        "gauges": {"refused": {}, "votes": {"notarize": 4}, "messages_sent": 7, "lag_blocks": 0},
        **changes,
    }


def away(*names: str) -> list[dict[str, Any]]:
    return [{"id": n, "name": n * 3, "connected": n not in names} for n in "abcd"]


BAD = {
    "peer-stopped": {"pid": 2**22 + 1},
    "no-quorum": {"members": away("b", "c")},
    "merge-differs": {"merge_differs": True},
    "member-lies": {"evidence": {"b": "height 4: two proposals in view 1"}},
    "member-away": {"members": away("d")},
    "behind": {"state": "behind"},
    "restored-disk": {"passive": True},
    "refused": {"gauges": {"refused": {"c": 3}}},
    "round-overdue": {"rounds": [entry(outcome="open", decided_at=None)]},
    "round-void": {"rounds": [entry(outcome="void", attempt=2, reason="no merge was agreed")]},
    "left-out": {"rounds": [entry(out=[{"member": "alder", "reason": "no contribution arrived"}])]},
    "slow-decisions": {"gauges": {"decide_seconds_last": 12.5}},
    "peer-error": {"errors": ["HOME/inbox/x.json is no request"]},
}


@pytest.mark.parametrize("name", BAD)
def test_each_trouble_is_found_by_its_name(name: str, tmp_path: Path) -> None:
    found = examine(Home(tmp_path), status(**BAD[name]), NOW)
    assert name in [finding.name for finding in found]
    levels = [finding.level for finding in found]
    assert levels == sorted(levels)  # critical before warning


def test_all_well_is_nothing_at_all(tmp_path: Path) -> None:
    assert examine(Home(tmp_path), status(), NOW) == []
    assert one_line([]) == (0, "OK")


def test_a_disk_that_fills_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm_health, "LOW_DISK_BYTES", 2**62)
    [finding] = examine(Home(tmp_path), status(), NOW)
    assert (finding.name, str(tmp_path) in finding.text) == ("disk-low", True)


def test_every_name_is_tested_here_and_explained_in_the_guide() -> None:
    assert {*BAD, "disk-low", "item-rose", "bracket-doubted"} == set(NAMES)  # test_promotion.py
    assert [name for name in NAMES if f"`{name}`" not in GUIDE] == []


def test_monitoring_gets_the_worst_as_exit_code(tmp_path: Path) -> None:
    def said(name: str) -> tuple[int, str]:
        code, line = one_line(examine(Home(tmp_path), status(**BAD[name]), NOW))
        return code, line.split()[0]

    assert said("member-away") == (1, "WARNING")
    assert said("peer-stopped") == (2, "CRITICAL")


def test_the_metrics_are_prometheus_text_and_carry_every_figure(tmp_path: Path) -> None:
    content = status(gauges={"refused": {'b"\\': 2}, "votes": {"finalize": 3}, "blocks": 5})
    found = examine(Home(tmp_path), status(**BAD["refused"]), NOW)
    families = {
        family.name: family.samples
        for family in text_string_to_metric_families(render(content, running=True, findings=found))
    }
    assert families["murmuration_peer_up"][0].value == 1
    assert families["murmuration_round_seconds"][0].value == 60
    assert families["murmuration_blocks"][0].value == 5
    assert families["murmuration_refused"][0].labels == {"member": 'b"\\'}
    assert families["murmuration_problems"][0].labels == {"name": "refused", "level": "warning"}
    assert families["murmuration_members_connected"][0].value == 4


def test_metrics_need_the_scope_operate(
    client: TestClient, key: Callable[..., dict[str, str]]
) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=key("paths:read")).status_code == 403
    answer = client.get("/metrics", headers=key("operate"))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "murmuration_peer_up 0" in answer.text


def test_metrics_say_what_the_peer_says(
    client: TestClient, key: Callable[..., dict[str, str]], home: Home
) -> None:
    home.status_path.write_text(json.dumps(status(updated_at=datetime.now(UTC).isoformat())))
    text = client.get("/metrics", headers=key("operate")).text
    assert "murmuration_height 9" in text
    assert 'murmuration_votes_total{kind="notarize"} 4' in text
