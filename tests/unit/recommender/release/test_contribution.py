from __future__ import annotations

import numpy as np
import pytest

from recommender.errors import ReleaseError
from recommender.release.contribution import make_contribution, read_contribution
from recommender.release.manifest import default_manifest
from recommender.release.noise import ExactNoise, FastNoise

MANIFEST = default_manifest(6, bytes(32), enrolled_counts=False)


def seeded() -> FastNoise:
    return FastNoise(np.random.default_rng(3))


def test_a_contribution_is_the_noised_sums_in_little_endian_int32():
    sums = np.arange(MANIFEST.cells, dtype=np.int64) * 1000
    data = make_contribution(sums, MANIFEST, seeded())
    expected = sums + seeded().draw(MANIFEST.cells, MANIFEST.sigma_squared)
    assert data == b"".join(int(x).to_bytes(4, "little", signed=True) for x in expected)
    assert np.array_equal(read_contribution(data, MANIFEST), expected)


def test_every_cell_of_an_empty_store_gets_noise():
    data = make_contribution(np.zeros(MANIFEST.cells, dtype=np.int64), MANIFEST, ExactNoise())
    assert len(data) == 4 * 42
    # A zero has probability 1 / 13,000 in each cell.
    assert np.count_nonzero(read_contribution(data, MANIFEST)) > 30


@pytest.mark.parametrize("extreme", [2**31 + 10**6, -(2**31) - 10**6])
def test_a_cell_outside_int32_is_refused_at_home(extreme):
    sums = np.zeros(MANIFEST.cells, dtype=np.int64)
    sums[4] = extreme
    with pytest.raises(ReleaseError, match="1 of 42 cells do not fit 32 bits") as refusal:
        make_contribution(sums, MANIFEST, seeded())
    assert str(extreme)[:4] not in str(refusal.value)


def test_sums_of_another_length_are_refused():
    with pytest.raises(ReleaseError, match=r"expected \(42,\)"):
        make_contribution(np.zeros(41, dtype=np.int64), MANIFEST, seeded())


@pytest.mark.parametrize("length", [0, 167, 169])
def test_bytes_of_another_length_are_refused(length):
    with pytest.raises(ReleaseError, match="expected 168"):
        read_contribution(bytes(length), MANIFEST)
