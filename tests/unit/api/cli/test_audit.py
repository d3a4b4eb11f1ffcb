"""`audit-privacy`: the bounds beside the claim, a file for machines, exit 1 for a broken claim."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import jsonschema
import pytest

import api.cli.audit as subject
from recommender.audit.release_path import ReleasePath
from recommender.audit.run import Effort, audit
from tests.unit.api.cli.conftest import SCHEMAS
from tests.unit.recommender.audit.mutants import HalfNoise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "QUICK", Effort(releases=100, draws=2_000))


def test_the_bounds_stand_beside_the_claim(run: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    printed = run("audit-privacy", "--quick", "--releases", "120", "--json", file)
    assert "120 releases of each side" in printed
    assert "canaries, one run" in printed
    assert "too few releases to tell 3 %" in printed
    assert "No attack proved more than the claim." in printed
    document = json.loads(file.read_text())
    jsonschema.validate(document, json.loads((SCHEMAS / "audit-privacy.json").read_text()))


def test_a_bound_above_the_claim_is_an_error(
    run: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def faulty(manifest, effort, tick):
        return audit(manifest, ReleasePath(noise=HalfNoise()), effort, tick)

    monkeypatch.setattr(subject, "audit", faulty)
    with pytest.raises(click.ClickException, match="the claim is not kept"):
        run("audit-privacy", "--quick", "--json", tmp_path / "audit.json")
    assert json.loads((tmp_path / "audit.json").read_text())["records"][0]["faults"]


@pytest.mark.parametrize("epsilon", ["0", "-1", "four", "1000"])
def test_a_claim_that_is_no_claim_is_refused(run: Callable[..., str], epsilon: str) -> None:
    with pytest.raises(click.UsageError):
        run("audit-privacy", "--quick", "--epsilon", epsilon)
