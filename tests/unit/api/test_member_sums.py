"""At home every other member is held to its share, from the blobs behind HEAD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.ledger import read_ledger
from api.member_sums import FitError, read_member_sums, read_merged
from recommender.poisoning.insight import column_of
from recommender.release.manifest import default_manifest
from swarm.storage.blobs import BlobStore
from swarm.storage.models import load_model, read_pointer
from tests.unit.api.rounds import SIGMA_SQUARED, TARGET, hold_round, honest, swarm_home
from tests.unit.api.test_evaluated_is_served import ITEMS

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home
    from recommender.statistics.merged import MergedSums

MANIFEST = default_manifest(ITEMS, bytes(32), enrolled_counts=False, sigma_squared=SIGMA_SQUARED)
TOGETHER = MANIFEST.block_slices["together"]


def poisoned() -> np.ndarray:
    cells = honest(9)
    cells[TOGETHER][column_of(TARGET, ITEMS).cells] = 10**7
    return cells


@pytest.fixture
def merged_home(tmp_path: Path) -> Home:
    """Members 0, 2 and 3 have contributed; the last of them has poisoned its sums."""
    home, chronicle = swarm_home(tmp_path / "home")
    hold_round(home, chronicle, {0: honest(0), 2: honest(2), 3: poisoned()})
    return home


def seen(home: Home, me: int | None = 0) -> MergedSums:
    pointer = read_pointer(home.head_path)
    assert pointer is not None
    arrays = load_model(home.models_dir, bytes.fromhex(pointer["digest"]))
    ledger = read_ledger(home, pointer["height"])
    names = {name: member for member, name in ledger.roster.names.items()}
    return read_merged(ledger, MANIFEST, arrays, home, "nobody" if me is None else names[f"P{me}"])


def test_what_a_member_poisons_counts_for_its_share_at_home(merged_home: Home) -> None:
    merged = seen(merged_home)
    assert merged.others is not None
    assert merged.own is not None
    column = column_of(TARGET, ITEMS).cells
    plain = (merged.total - merged.own)[TOGETHER][column]
    assert (plain > 9 * 10**6).all()
    assert (np.abs(merged.others[TOGETHER][column]) < 10**5).all()


def test_whoever_has_not_contributed_sees_all_members_within_their_shares(
    merged_home: Home,
) -> None:
    merged = seen(merged_home, None)
    assert merged.own is None
    assert merged.others is not None
    assert merged.others_variance == 3 * SIGMA_SQUARED


def test_without_a_blob_of_another_the_cap_is_left(merged_home: Home) -> None:
    ledger = read_ledger(merged_home)
    other = next(m for m in ledger.accepted if ledger.roster.names[m] == "P2")
    BlobStore(merged_home.blobs_dir).path(ledger.accepted[other][0]).unlink()
    assert seen(merged_home).others is None


def test_between_two_the_cap_is_left(tmp_path: Path) -> None:
    home, chronicle = swarm_home(tmp_path / "home")
    hold_round(home, chronicle, {0: honest(0), 2: honest(2)})
    assert seen(home).others is None


def test_anchors_and_brackets_are_those_of_the_ledger(merged_home: Home) -> None:
    members = read_member_sums(read_ledger(merged_home), MANIFEST, BlobStore(merged_home.blobs_dir))
    assert members.learners.tolist() == [1_000] * 3
    assert not members.anchors.any()
    assert members.variance.tolist() == [SIGMA_SQUARED] * 3


def test_contributions_that_do_not_add_up_to_head_are_refused(merged_home: Home) -> None:
    ledger = read_ledger(merged_home)
    zeros = {name: np.zeros(MANIFEST.cells, dtype=np.int64) for name in ("sum", "rest")}
    with pytest.raises(FitError, match="do not add up to HEAD"):
        read_merged(ledger, MANIFEST, zeros, merged_home, "nobody")
