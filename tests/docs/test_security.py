"""The threat model names tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "attacker" not in line]


def test_every_test_that_the_threat_model_names_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    known = {name for text in texts for name in re.findall(r"def (test_\w+)\(", text)}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert sorted(named - known) == []


def test_every_threat_has_a_defence_and_a_test() -> None:
    assert len(ROWS) > 25
    for row in ROWS:
        attacker, wants, defence, test = (cell.strip() for cell in row.strip("|").split("|"))
        assert attacker, row
        assert wants, row
        assert defence, row
        assert re.search(r"`test_\w+`|no test", test), row
