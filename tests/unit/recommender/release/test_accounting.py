from __future__ import annotations

import math
from fractions import Fraction

import pytest
from dp_accounting.dp_event import GaussianDpEvent, ZCDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from opacus.accountants import RDPAccountant

from recommender.errors import ReleaseError
from recommender.release.accounting import best_alpha, claim, epsilon, rho, sigma_squared_for
from recommender.release.manifest import default_manifest

DELTA = 1e-6
MANIFEST = default_manifest(238, bytes(32), enrolled_counts=True)
MULTIPLIERS = [0.689, 1.268, 4.531]


def ours(multiplier: float) -> float:
    return epsilon(1 / (2 * multiplier**2), DELTA)


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_epsilon_agrees_with_opacus(multiplier):
    accountant = RDPAccountant()
    accountant.history = [(multiplier, 1.0, 1)]
    assert ours(multiplier) == pytest.approx(accountant.get_epsilon(DELTA), rel=0.01)


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_epsilon_agrees_with_dp_accounting(multiplier):
    for event in (GaussianDpEvent(multiplier), ZCDpEvent(1 / (2 * multiplier**2))):
        accountant = RdpAccountant()
        accountant.compose(event)
        assert ours(multiplier) == pytest.approx(accountant.get_epsilon(DELTA), rel=0.01)


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_the_privacy_loss_distribution_is_below_what_we_display(multiplier):
    accountant = PLDAccountant()
    accountant.compose(GaussianDpEvent(multiplier))
    assert accountant.get_epsilon(DELTA) < ours(multiplier)


def test_no_order_of_a_fine_grid_proves_less():
    contract, delta = 0.311, 1e-6
    best = min(
        alpha * contract
        + math.log1p(-1 / alpha)
        - (math.log(delta) + math.log(alpha)) / (alpha - 1)
        for alpha in (1 + 1.001**step for step in range(-5_000, 8_000))
    )
    assert epsilon(contract, delta) == pytest.approx(best, rel=1e-6)
    assert epsilon(contract, delta) <= best


def test_the_conversion_can_be_checked_by_hand_at_the_order_given():
    alpha = best_alpha(MANIFEST.rho, DELTA)
    by_hand = (
        alpha * float(MANIFEST.rho)
        + math.log(1 - 1 / alpha)
        - (math.log(DELTA) + math.log(alpha)) / (alpha - 1)
    )
    assert by_hand == pytest.approx(epsilon(MANIFEST.rho, DELTA), rel=1e-12)


def test_no_release_costs_nothing_and_a_tiny_one_no_less_than_nothing():
    assert epsilon(0, DELTA) == 0.0
    assert epsilon(Fraction(1, 10**12), 0.5) == 0.0


@pytest.mark.parametrize(("contract", "delta"), [(-1, 0.1), (1, 0), (1, 1)])
def test_impossible_arguments_are_refused(contract, delta):
    with pytest.raises(ReleaseError):
        epsilon(contract, delta)


@pytest.mark.parametrize(("target", "sigma"), [(1, 18_559), (4, 5_194), (8, 2_824)])
def test_the_noise_for_an_epsilon_is_the_smallest_that_reaches_it(target, sigma):
    assert sigma_squared_for(target, DELTA, 4096) == sigma**2
    assert epsilon(Fraction(4096**2, 2 * sigma**2), DELTA) <= target
    assert epsilon(Fraction(4096**2, 2 * (sigma - 1) ** 2), DELTA) > target


@pytest.mark.parametrize("target", [0, -1, 1e-9, math.nan])
def test_a_target_out_of_reach_is_refused(target):
    with pytest.raises(ReleaseError, match="reaches epsilon"):
        sigma_squared_for(target, DELTA, 4096)


def test_the_claim_gives_every_figure_of_r1():
    figures = claim(MANIFEST)
    assert figures.rho == rho(MANIFEST) == Fraction(2097152, 6744409)
    assert figures.mu == pytest.approx(4096 / 5194)
    assert figures.epsilon == pytest.approx(4.0, abs=0.001)
    assert figures.epsilon_replace_one == pytest.approx(epsilon(4 * figures.rho, DELTA))
    (two, apart, together), (three, *_) = figures.epsilon_accounts
    assert (two, three) == (2, 3)
    # The hand-computed figures that stand with the rule.
    assert apart == pytest.approx(5.91, abs=0.01)
    assert together == pytest.approx(8.82, abs=0.01)


def test_the_printed_claim_names_everything_that_r4_asks_for():
    sentence = claim(MANIFEST).sentence
    for part in (
        "pseudonym on one platform",
        "add or remove one learner",
        "Epsilon 4.00 at delta 1e-06 in a lifetime",
        "replace one learner",
        "rho = 2097152/6744409",
        "discrete Gaussian",
        "each platform trusts itself alone",
        "Tuning used public logs only",
        "Not covered",
        "their influence on others' behaviour through recommendations.",
    ):
        assert part in sentence


def test_a_printed_epsilon_is_rounded_up():
    assert claim(MANIFEST).epsilon_replace_one == pytest.approx(8.8201, abs=1e-4)
    assert "epsilon 8.83;" in claim(MANIFEST).sentence


def test_the_card_holds_the_sentence_and_the_exact_contract():
    card = claim(MANIFEST).to_dict()
    assert card["rho"] == [2097152, 6744409]
    assert card["sentence"] == claim(MANIFEST).sentence
    assert [entry["accounts"] for entry in card["epsilon_accounts"]] == [2, 3]
