"""The format that CONTRIBUTING shows is one: this runs its very text."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions, Ignored, Interaction, Rejected
from platform_adapters.detect import detect

ROOT = Path(__file__).resolve().parents[3]
EXPORT = """answer_id,kind,player,role,question,quiz,points,out_of,answered_at
1,answer,ana,guest,q7,plants,4,5,2024-03-01T09:00:00Z
2,answer,ben,guest,q7,plants,-1,5,2024-03-01T09:00:05Z
3,peek,ana,guest,q8,plants,,,2024-03-01T09:01:00Z
4,ping,ana,guest,q8,plants,,,2024-03-01T09:01:10Z
5,answer,zoe,host,q8,plants,5,5,2024-03-01T09:02:00Z
6,answer,ana,guest,q8,plants,lots,5,2024-03-01T09:03:00Z
"""


@pytest.fixture
def quizhall(tmp_path: Path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    path = tmp_path / "quizhall.py"
    path.write_text(re.search(r"```python\n(.*?)```", text, re.S).group(1), encoding="utf-8")
    spec = spec_from_file_location("quizhall", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FORMAT


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(EXPORT, encoding="utf-8")
    return path


def test_the_shown_format_accounts_for_every_row(quizhall, export) -> None:
    found = list(quizhall.read(export, AdaptOptions("p")))
    first, second, third, *others = found
    assert isinstance(first, Interaction)
    assert (first.learner, first.item, first.verb, first.score) == ("ana", "q7", "answered", 0.8)
    assert (second.raw, second.score) == (None, None)
    assert third.verb == "hinted"
    assert others == [
        Ignored("the browser's sign of life", 5),
        Ignored("a host, no learner", 6),
        Rejected("points is not a number", 7, "answers.csv"),
    ]


def test_the_shown_format_is_recognised(quizhall, export) -> None:
    best = detect(export, [quizhall])[0]
    assert (best.format.name, best.sign.what) == ("quizhall", "Quizhall's answers")
