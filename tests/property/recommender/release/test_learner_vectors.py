"""What must hold for any learners whatever: R6, R7, R8, R9."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.interactions import VERB_INDEX, Interactions
from recommender.release.due import due_learners, is_due, quiet_since
from recommender.release.manifest import Block, default_manifest
from recommender.release.sum import sum_vectors
from recommender.release.vector import LearnerEvents, learner_vector

DIGEST = b"d" * 32
ITEMS = 45
HEAD = np.array([*range(40), -1, -1, 0, 3, 7], dtype=np.int32)
"""Two items are not shared; three are other forms of shared ones."""

FAST = settings(max_examples=60, deadline=None, derandomize=True)

MANIFESTS = st.builds(
    lambda keep, reach, decay, enrolled, blocks: replace(
        default_manifest(40, bytes(32), enrolled_counts=enrolled),
        keep=keep,
        reach=reach,
        decay=decay,
        blocks=blocks,
        min_items=2,
    ),
    keep=st.sampled_from([2, 5, 30]),
    reach=st.sampled_from([1, 3, 10]),
    decay=st.sampled_from([(4, 5), (1, 1), (1, 2)]),
    enrolled=st.booleans(),
    blocks=st.sampled_from(
        [
            default_manifest(40, bytes(32), enrolled_counts=False).blocks,
            (Block("direction", 2_896, 1), Block("together", 2_896, 1)),
            (Block("popularity", 4_096, 1),),
        ]
    ),
)

ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, ITEMS - 1),
        # Few moments: many events are tied.
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from(
            [VERB_INDEX[verb] for verb in ("viewed", "completed", "enrolled", "rated")]
        ),
    ),
    max_size=150,
)


def platform(rows, ids=range(5)) -> Interactions:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5)
    names = tuple(f"lp1_{number}" for number in ids)
    place = {number: index for index, number in enumerate(ids)}
    return Interactions(
        learner_ids=names,
        item_ids=tuple(f"urn:item:{number}" for number in range(ITEMS)),
        learner=np.array([place[row[0]] for row in rows], dtype=np.int32),
        item=columns[:, 1].astype(np.int32),
        timestamp=columns[:, 2].copy(),
        order=columns[:, 3].copy(),
        verb=columns[:, 4].astype(np.int8),
        score=np.full(len(rows), np.nan, dtype=np.float32),
    )


def own_events(rows, learner) -> LearnerEvents:
    own = np.array([row for row in rows if row[0] == learner], dtype=np.int64).reshape(-1, 5)
    return LearnerEvents(
        pseudonym=f"lp1_{learner}",
        item=HEAD[own[:, 1]].astype(np.int64),
        item_keys=[f"urn:item:{number}" for number in own[:, 1].tolist()],
        timestamp=own[:, 2],
        order=own[:, 3],
        verb=own[:, 4],
    )


def dense(learner: LearnerEvents, manifest):
    cells, values = learner_vector(learner, manifest, DIGEST)
    vector = np.zeros(manifest.cells, dtype=np.int64)
    vector[cells] = values
    return vector


@FAST
@given(ROWS, MANIFESTS)
def test_the_fast_sum_equals_the_specification_for_each_learner(rows, manifest):
    everyone = platform(rows)
    for learner in range(5):
        mask = np.arange(5) == learner
        fast = sum_vectors(everyone, HEAD, manifest, DIGEST, mask)
        assert np.array_equal(fast, dense(own_events(rows, learner), manifest))


@FAST
@given(ROWS, MANIFESTS)
def test_a_learners_vector_is_the_same_bytes_when_all_others_are_deleted(rows, manifest):
    everyone = sum_vectors(platform(rows), HEAD, manifest, DIGEST)
    for learner in range(5):
        own = platform([row for row in rows if row[0] == learner], ids=[learner])
        rest = platform([row for row in rows if row[0] != learner])
        alone = sum_vectors(own, HEAD, manifest, DIGEST)
        # Adding the learner to any company changes the sum by exactly this vector.
        difference = everyone - sum_vectors(rest, HEAD, manifest, DIGEST)
        assert difference.tobytes() == alone.tobytes()


@FAST
@given(ROWS, MANIFESTS)
def test_no_learner_moves_the_sum_by_more_than_the_scale(rows, manifest):
    for learner in range(5):
        vector = dense(own_events(rows, learner), manifest).tolist()
        assert sum(value * value for value in vector) <= manifest.scale**2


ADVERSARIES = st.one_of(
    # One pair, over and over.
    st.lists(st.integers(0, 1), min_size=2, max_size=60),
    # Thirty and more distinct items.
    st.permutations(range(40)),
    # Anything, with repeats.
    st.lists(st.integers(0, 39), max_size=120),
)


@FAST
@given(ADVERSARIES, st.booleans(), MANIFESTS)
def test_an_adversarial_learner_stays_within_the_scale_in_every_block(items, tied, manifest):
    rows = [(0, item, 0 if tied else time, 0, 0) for time, item in enumerate(items)]
    vector = sum_vectors(platform(rows), HEAD, manifest, DIGEST).tolist()
    assert sum(value * value for value in vector) <= manifest.scale**2
    for block in manifest.blocks:
        part = vector[manifest.block_slices[block.name]]
        assert sum(value * value for value in part) <= block.weight**2


@FAST
@given(st.permutations(range(ITEMS)), st.integers(2, ITEMS), MANIFESTS)
def test_tied_events_have_the_order_of_the_specification(items, count, manifest):
    rows = [(2, item, 0, 0, 0) for item in items[:count]]
    fast = sum_vectors(platform(rows), HEAD, manifest, DIGEST)
    assert np.array_equal(fast, dense(own_events(rows, 2), manifest))


@FAST
@given(ROWS, st.integers(64, 4_000))
def test_weights_above_the_scale_are_scaled_down_again(rows, scale):
    """A manifest cannot be like this; if one were, the check in integers still holds (R7)."""
    broken = replace(default_manifest(40, bytes(32), enrolled_counts=True))
    object.__setattr__(broken, "scale", scale)
    for learner in range(5):
        vector = dense(own_events(rows, learner), broken)
        assert sum(value * value for value in vector.tolist()) <= scale**2
        mask = np.arange(5) == learner
        fast = sum_vectors(platform(rows), HEAD, broken, DIGEST, mask)
        assert np.array_equal(fast, vector)


@FAST
@given(ROWS, MANIFESTS)
def test_a_part_is_clipped_but_never_normalised_up(rows, manifest):
    """No cell of a learner exceeds weight / clip: a lone pair cannot weigh like thirty (R8)."""
    for learner in range(5):
        vector = dense(own_events(rows, learner), manifest)
        for block in manifest.blocks:
            part = vector[manifest.block_slices[block.name]]
            assert np.abs(part).max(initial=0) <= block.weight // block.clip


@FAST
@given(ROWS, MANIFESTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, manifest, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert np.array_equal(
        sum_vectors(platform(rows), HEAD, manifest, DIGEST),
        sum_vectors(platform(shuffled), HEAD, manifest, DIGEST),
    )


@FAST
@given(ROWS, MANIFESTS)
def test_length_depends_on_the_manifest_only(rows, manifest):
    empty = sum_vectors(platform([]), HEAD, manifest, DIGEST)
    assert sum_vectors(platform(rows), HEAD, manifest, DIGEST).shape == empty.shape


@FAST
@given(ROWS, MANIFESTS, st.integers(-1, 5))
def test_who_is_due_is_the_same_asked_one_by_one(rows, manifest, day):
    as_of = date(2026, 11, 24)
    offset = quiet_since(manifest, as_of) - 2
    moved = [(who, item, offset + time + day, order, verb) for who, item, time, order, verb in rows]
    together = due_learners(platform(moved), HEAD, manifest, as_of).tolist()
    assert together == [is_due(own_events(moved, who), manifest, as_of) for who in range(5)]
