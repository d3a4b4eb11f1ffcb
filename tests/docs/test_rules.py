"""Rules are restated in the project's own words, and kept where they are cited."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"\bR([1-9]|[12][0-9]|3[0-5])\b")
STATED = re.compile(r"^- \*\*R(\d+)\b", re.MULTILINE)
OWN_RULE = re.compile(r"\bP(\d+)\b")
OWN_STATED = re.compile(r"^- \*\*P(\d+)\b", re.MULTILINE)
NOT_YET_BUILT = {31, 32, 33, 35}
"""Named as such in docs/limits.md."""


def _stated() -> set[int]:
    texts = [(ROOT / "docs" / name).read_text() for name in ("privacy.md", "protocol.md")]
    return {int(number) for text in texts for number in STATED.findall(text)}


def _cited() -> set[int]:
    cited: set[int] = set()
    for package in ("recommender", "swarm", "platform_adapters", "api"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in {".py", ".html"}:
                cited |= {int(number) for number in RULE.findall(path.read_text())}
    return cited


def test_every_rule_is_stated_once() -> None:
    assert _stated() == set(range(1, 36))


def test_every_rule_in_force_is_cited_by_code() -> None:
    assert set(range(1, 36)) - _cited() - NOT_YET_BUILT == set()


def test_every_rule_not_yet_built_is_named_in_the_limits() -> None:
    text = (ROOT / "docs" / "limits.md").read_text()
    named = {int(number) for number in RULE.findall(text)}
    for low, high in re.findall(r"R(\d+) to R(\d+)", text):
        named |= set(range(int(low), int(high) + 1))
    assert named >= NOT_YET_BUILT


def test_every_rule_of_the_protocol_page_is_cited_by_code_and_every_citation_has_a_rule() -> None:
    stated = [int(n) for n in OWN_STATED.findall((ROOT / "docs" / "protocol.md").read_text())]
    assert sorted(stated) == list(range(1, len(stated) + 1))
    texts = [path.read_text() for path in (ROOT / "swarm").rglob("*.py")]
    texts.append((ROOT / "docs" / "spec" / "Simplex.tla").read_text())
    assert {int(n) for text in texts for n in OWN_RULE.findall(text)} == set(stated)
