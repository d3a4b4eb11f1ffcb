from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian
from opendp.metrics import l2_distance

from recommender.errors import ReleaseError
from recommender.release.manifest import default_manifest
from recommender.release.noise import CHUNK_CELLS, ExactNoise, FastNoise, scale_at_least

CELLS = 40_000


def fast() -> FastNoise:
    return FastNoise(np.random.default_rng(1))


@pytest.mark.parametrize("sigma_squared", [64, 5194**2])
def test_both_sources_have_the_stated_mean_and_variance(sigma_squared):
    for source in (ExactNoise(), fast()):
        noise = source.draw(CELLS, sigma_squared)
        assert noise.dtype == np.int64
        # Six standard errors: the exact source is unseeded, so a rare miss must be very rare.
        assert abs(noise.mean()) < 6 * (sigma_squared / CELLS) ** 0.5
        assert abs(noise.var() / sigma_squared - 1) < 6 * (2 / CELLS) ** 0.5


def test_both_sources_have_the_same_distribution():
    exact, rough = ExactNoise().draw(CELLS, 64), fast().draw(CELLS, 64)
    edges = np.arange(-40.5, 41.5)
    shares = [np.histogram(noise, edges)[0].cumsum() / CELLS for noise in (exact, rough)]
    # Kolmogorov and Smirnov: below this with probability 1 - 1e-10.
    assert np.abs(shares[0] - shares[1]).max() < 3.4 * (2 / CELLS) ** 0.5


def test_exact_noise_is_never_the_same_twice():
    first, second = ExactNoise().draw(50, 5194**2), ExactNoise().draw(50, 5194**2)
    assert not np.array_equal(first, second)


def test_exact_noise_fills_more_cells_than_one_piece():
    noise = ExactNoise().draw(CHUNK_CELLS + 3, 64)
    assert noise.shape == (CHUNK_CELLS + 3,)
    assert noise[-3:].any() or noise[:100].any()
    assert np.count_nonzero(noise[CHUNK_CELLS - 100 :]) > 50


def test_fast_noise_repeats_with_its_seed():
    assert np.array_equal(fast().draw(50, 64), fast().draw(50, 64))


def test_the_sources_name_themselves_in_records():
    assert (ExactNoise().name, fast().name) == ("exact", "fast")


@pytest.mark.parametrize("source", [ExactNoise(), fast()])
def test_noise_below_eight_grid_units_is_refused(source):
    with pytest.raises(ReleaseError, match="R11"):
        source.draw(3, 63)


@pytest.mark.parametrize("sigma_squared", [64, 65, 67, 26_977_637, 2**50 - 1])
def test_the_scale_given_to_opendp_is_never_below_the_contract(sigma_squared):
    scale = scale_at_least(sigma_squared)
    assert Fraction(scale) ** 2 >= sigma_squared
    assert scale == pytest.approx(sigma_squared**0.5, rel=1e-15)


def test_opendp_itself_proves_the_contract_of_the_default_manifest():
    manifest = default_manifest(238, bytes(32), enrolled_counts=False)
    measurement = make_gaussian(
        vector_domain(atom_domain(T="i64")),
        l2_distance(T="f64"),
        scale=scale_at_least(manifest.sigma_squared),
    )
    assert measurement.map(float(manifest.scale)) == pytest.approx(float(manifest.rho), rel=1e-12)
