"""Bounds on epsilon, against figures known from elsewhere."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from recommender.audit.bounds import (
    MAX_EPSILON,
    gaussian_epsilon,
    one_run_epsilon,
    threshold_epsilon,
)


def test_perfect_guesses_prove_what_the_binomial_allows():
    # All of r guesses right: (1 / (1 + e^-eps))^r = .05.
    expected = -math.log(0.05 ** (-1 / 1_000) - 1)
    assert one_run_epsilon(1_000, 1_000, 1_000, 0.0) == pytest.approx(expected, rel=1e-6)


def test_166_perfect_guesses_are_the_fewest_that_refute_epsilon_4():
    assert one_run_epsilon(166, 166, 166, 0.0) > 4
    assert one_run_epsilon(160, 160, 160, 0.0) < 4


def test_coin_tossing_proves_nothing():
    assert one_run_epsilon(1_000, 200, 100, 1e-6) == 0.0


def test_a_larger_delta_proves_less():
    bounds = [one_run_epsilon(1_000, 100, 99, delta) for delta in (0.0, 1e-6, 1e-4)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[2]


@pytest.mark.parametrize(("mu", "epsilon"), [(1 / 1.1935, 4.0), (1 / 4.225, 1.0), (1 / 0.653, 8.0)])
def test_mu_means_the_epsilon_of_the_analytic_gaussian(mu, epsilon):
    # The figures of Balle and Wang's calibration at delta 1e-6.
    assert gaussian_epsilon(mu, 1e-6) == pytest.approx(epsilon, rel=0.003)


def test_no_shift_proves_nothing_and_no_noise_everything():
    assert gaussian_epsilon(0.0, 1e-6) == gaussian_epsilon(-1.0, 1e-6) == 0.0
    assert gaussian_epsilon(math.inf, 1e-6) == MAX_EPSILON


def test_counting_an_event_never_proves_more_than_is_true_in_expectation():
    for bar in (1.0, 2.0, 3.0):
        hits, alarms = stats.norm.sf(bar - 0.8), stats.norm.sf(bar)
        proved = threshold_epsilon(round(1e5 * hits), 100_000, round(1e5 * alarms), 100_000, 1e-6)
        assert 0 < proved < math.log(hits / alarms)


def test_an_event_that_never_happens_or_always_does_proves_nothing():
    assert threshold_epsilon(0, 100, 0, 100, 1e-6) == 0.0
    assert threshold_epsilon(100, 100, 100, 100, 1e-6) == 0.0
