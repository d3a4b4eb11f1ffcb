"""Each bug that simulation has found has a kept seed that finds it again, and passes without it."""

from __future__ import annotations

import pytest

from swarm.simulation.world import simulate
from tests.simulation.kept import BUGS, Kept, fails_with, read_kept


@pytest.mark.parametrize("kept", read_kept(), ids=lambda kept: f"{kept.bug}-{kept.seed}")
def test_a_kept_seed_passes_and_fails_with_its_bug_put_back(kept: Kept) -> None:
    assert not simulate(kept.seed, kept.scenario).failure
    again = f"{kept.bug} {kept.members} {kept.liars} 0..9999"
    assert fails_with(kept), (
        f"seed {kept.seed} shows the bug no more; find another: "
        f"python -m tests.simulation.kept {again}"
    )


def test_every_old_bug_has_a_seed() -> None:
    assert {kept.bug for kept in read_kept()} == set(BUGS)
