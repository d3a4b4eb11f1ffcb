"""The privacy page names tests that exist, and figures that are the product's."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest
from scipy import stats

from recommender.audit.run import FULL
from recommender.audit.white_box import CONFIDENCE
from recommender.release.accounting import claim, sigma_squared_for
from recommender.release.manifest import default_manifest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.replace("\n> ", " ").split())
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)))
MANIFEST = default_manifest(238, bytes(32), enrolled_counts=True)
CLAIM = claim(MANIFEST)


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_proof_names_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_step_of_the_proof_has_tests() -> None:
    steps = re.split(
        r"^## ", TEXT[TEXT.index("# For the reviewer") : TEXT.index("# The rules")], flags=re.M
    )
    assert len(steps) == 10
    assert all("::test_" in step for step in steps[1:])


def test_the_sentence_to_quote_has_the_products_figures() -> None:
    quoted = FLAT[FLAT.index("Whatever leaves") : FLAT.index("**What leaves.**")]
    assert math.ceil(CLAIM.epsilon * 100) / 100 == 4.0
    assert float(CLAIM.delta) == 1e-6
    assert "(epsilon 4)" in quoted
    assert "(delta 10⁻⁶)" in quoted
    assert "lifetime" in quoted


def test_the_chance_of_a_right_guess_is_that_of_the_best_test() -> None:
    assert f"right about {100 * stats.norm.cdf(CLAIM.mu / 2):.0f} times in 100" in FLAT
    quiet = math.sqrt(sigma_squared_for(1, MANIFEST.delta_fraction, MANIFEST.scale))
    assert f"{100 * stats.norm.cdf(MANIFEST.scale / quiet / 2):.0f} in 100" in FLAT


def test_accounts_and_constants_are_the_manifests() -> None:
    (_, apart, together), _ = CLAIM.epsilon_accounts
    assert f"epsilon {apart:.1f} on separate platforms, {together:.1f} in one release" in FLAT
    assert f"replacing one learner by another: {CLAIM.epsilon_replace_one:.1f}" in FLAT
    assert f"rho is {CLAIM.rho.numerator}/{CLAIM.rho.denominator}" in FLAT
    squares = sum(block.weight**2 for block in MANIFEST.blocks)
    assert f"= {squares:,} ≤ {MANIFEST.scale:,}²" in FLAT


def test_the_audits_effort_is_the_one_described() -> None:
    assert f"{FULL.releases:,} releases of each side" in FLAT
    assert f"({100 * CONFIDENCE:.2f} %)" in FLAT
