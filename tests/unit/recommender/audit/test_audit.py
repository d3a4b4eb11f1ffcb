"""The audit lets an honest release pass and catches each way of breaking the promise (R16)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recommender.audit.canaries import audit_canaries, canaries_needed, design
from recommender.audit.release_path import ReleasePath
from recommender.audit.run import QUICK, Effort, audit
from recommender.audit.sampler import audit_sampler, probabilities
from recommender.audit.white_box import audit_white_box, small_manifest
from recommender.errors import ReleaseError
from recommender.release.manifest import Block, default_manifest
from recommender.release.noise import ExactNoise
from tests.unit.recommender.audit.mutants import FINE, MUTANTS, HalfNoise, NoNoise

MANIFEST = default_manifest(238, bytes(32), enrolled_counts=True)
SMOKE = 200
"""Releases of each side: enough to see what is grossly wrong."""


def test_an_honest_release_passes_and_every_bound_is_below_the_claim():
    report = audit(MANIFEST, effort=Effort(releases=SMOKE, draws=5_000))
    assert report.faults == ()
    assert 0 < report.epsilon_low <= report.claim.epsilon
    assert report.white_box.mu_low < report.white_box.mu_claimed < report.white_box.mu_high
    assert report.white_box.sampler == report.canaries.sampler == "exact"
    assert [record["part"] for record in report.to_records()] == [
        "audit",
        "white-box",
        "canaries",
        "sampler",
        "sampler",
    ]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_release_that_breaks_the_promise_is_caught(name):
    assert audit_white_box(MANIFEST, MUTANTS[name](), SMOKE).faults


@pytest.mark.soak
@pytest.mark.parametrize("name", MUTANTS)
def test_the_whole_audit_catches_a_broken_release(name):
    assert audit(MANIFEST, MUTANTS[name](), Effort(releases=5_000)).faults


@pytest.mark.soak
@pytest.mark.parametrize("name", FINE)
def test_a_small_fault_is_caught_at_full_effort(name):
    found = audit_white_box(MANIFEST, FINE[name](), 100_000)
    assert "mu is above the claim" in found.faults


@pytest.mark.soak
def test_at_full_effort_mu_is_within_three_per_cent_of_the_claim():
    report = audit(MANIFEST)
    assert report.faults == ()
    assert report.white_box.resolved
    assert report.white_box.mu == pytest.approx(report.white_box.mu_claimed, rel=0.03)


def test_what_is_at_fault_is_said_in_words():
    found = audit_white_box(MANIFEST, MUTANTS["top items by exact counts"](), 100).faults
    assert any("more than the scale (R6, R7)" in fault for fault in found)
    found = audit_white_box(MANIFEST, MUTANTS["noise used again on other data"](), 100).faults
    assert any("more than one release (R13)" in fault for fault in found)


def test_one_learner_fills_the_norm_of_the_small_head():
    small = small_manifest(MANIFEST)
    assert (small.items, small.cells) == (4, 20)
    found = audit_white_box(MANIFEST, ReleasePath(), 100)
    assert 0.999 < found.sensitivity <= 1


def test_another_manifest_gets_the_head_that_it_needs():
    wide = default_manifest(50, bytes(32), enrolled_counts=False)
    clipped = tuple(Block(block.name, block.weight, 3) for block in wide.blocks)
    object.__setattr__(wide, "blocks", clipped)
    assert small_manifest(wide).items == 9  # three squared: popularity fills its part from there


def test_canaries_share_no_pair_and_all_fit_a_head():
    lines = design(1_000)
    pairs = {frozenset((a, b)) for line in lines.tolist() for a in line for b in line if a != b}
    assert len(pairs) == 1_000 * 6
    assert lines.max() < 160


def test_canaries_without_noise_refute_the_claim():
    found = audit_canaries(MANIFEST, ReleasePath(noise=NoNoise()))
    assert found.correct == found.guesses == 1_000
    assert found.faults
    assert found.epsilon_low > found.epsilon_claimed


def test_enough_canaries_are_inserted_for_the_claim():
    assert canaries_needed(1) == canaries_needed(4) == 1_000
    assert canaries_needed(8) == math.ceil(4 * (1 + math.exp(8)))


def test_a_claim_that_no_canaries_can_refute_is_refused():
    with pytest.raises(ReleaseError, match="white-box audit only"):
        design(canaries_needed(20))
    weak = default_manifest(9, bytes(32), enrolled_counts=True, sigma_squared=1_000**2)
    asked: list[int] = []
    with pytest.raises(ReleaseError, match="white-box audit only"):
        audit(weak, tick=asked.append)
    assert asked == []  # refused before the long part


def test_the_sampler_is_fair_and_half_of_it_is_not():
    assert [r.faults for r in audit_sampler(MANIFEST, ExactNoise(), 20_000)] == [(), ()]
    halved = audit_sampler(MANIFEST, HalfNoise(), 2_000)[0]
    assert any("variance" in fault for fault in halved.faults)


def test_a_sampler_that_is_off_in_its_last_digit_is_caught():
    class Even:
        name = "even"

        def draw(self, cells, sigma_squared):
            return ExactNoise().draw(cells, sigma_squared) // 2 * 2

    _, fine = audit_sampler(MANIFEST, Even(), 5_000)
    assert any("distribution" in fault for fault in fine.faults)


def test_the_probabilities_are_the_discrete_gaussians():
    chances = probabilities(64, 96)
    assert chances.sum() == pytest.approx(1)
    assert chances[96 + 8] / chances[96] == pytest.approx(math.exp(-0.5))
    places = np.arange(-96, 97)
    assert (chances * places**2).sum() == pytest.approx(64, rel=1e-9)


def test_the_quick_effort_is_a_smoke_run():
    assert QUICK.releases < Effort().releases == 100_000
