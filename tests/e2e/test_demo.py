"""The whole job, as `make demo ARGS=--once` runs it: raw logs, a real swarm, a kill, a path."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from api.settings import own_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def murmuration(*args: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [*own_program(), *map(str, args)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=380)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], str]:
    folder = tmp_path_factory.mktemp("demo")
    out = folder / "demo.json"
    done = murmuration("demo", "--once", "--folder", folder / "stage", "--json", out)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, json.loads(out.read_bytes())["records"], done.stdout


def test_four_peers_end_at_one_digest_and_the_killed_one_caught_up(demo: Any) -> None:
    platforms = [record for record in demo[1] if "home" in record]
    assert [record["platform"] for record in platforms] == ["Alder", "Birch", "Cedar", "Dogwood"]
    assert len({record["digest"] for record in platforms}) == 1
    assert platforms[0]["digest"]
    assert [record["platform"] for record in platforms if record["killed"]] == ["Cedar"]
    assert [record["learners"] for record in platforms] == [60, 240, 1_200, 39_729]


def test_merging_gives_the_small_platforms_more_than_they_have(demo: Any) -> None:
    def hit_rate(platform: str, mode: str, **fields: object) -> float:
        found = [
            record["hit_rate@10"]
            for record in demo[1]
            if record["platform"] == platform
            and record.get("mode") == mode
            and record.get("model") == "statistics"
            and record["own_exact"]
            and all(record.get(name) == value for name, value in fields.items())
        ]
        assert len(found) == 1
        return float(found[0])

    for platform in ("Alder", "Birch", "Cedar"):
        alone = hit_rate(platform, "local", floor=False)
        assert hit_rate(platform, "open", epsilon=4) > alone


def test_a_learner_is_given_a_path_with_reasons(demo: Any) -> None:
    text = demo[2]
    assert "The path of one of Alder's learners:" in text
    assert "learners who took" in text or "The swarm estimates" in text


def test_the_ledger_verifies_on_its_own_and_fails_after_a_flipped_byte(demo: Any) -> None:
    folder = demo[0]
    ledger = folder / "ledger.cbor"
    home = folder / "stage" / "birch"
    assert murmuration("swarm", "export", "--home", home, "--out", ledger).returncode == 0
    good = murmuration("swarm", "verify", ledger)
    assert good.returncode == 0
    assert "internally consistent" in good.stdout
    assert "authentic" not in good.stdout
    data = ledger.read_bytes()
    for place in range(0, len(data), max(len(data) // 3, 1)):
        ledger.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        bad = murmuration("swarm", "verify", ledger)
        assert bad.returncode == 1
        assert str(ledger) in bad.stderr


def test_each_learner_has_spent_once(demo: Any) -> None:
    shown = murmuration("swarm", "budget", "--explain", "--home", demo[0] / "stage" / "dogwood")
    assert shown.returncode == 0, shown.stderr
    assert "Epsilon 4" in shown.stdout
    assert "one release in a lifetime" in shown.stdout
