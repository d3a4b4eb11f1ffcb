"""What must hold of every merge (R29, R34)."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.merge.merge import merge

CELLS = 3
calm = settings(deadline=None, derandomize=True)
contribution = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=CELLS, max_size=CELLS).map(
    lambda values: np.array(values, dtype=np.int32)
)
swarms = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(contribution, min_size=1, max_size=3), min_size=1
)
anchors = st.sets(st.sampled_from("abcdef"))


@calm
@given(swarms, anchors)
def test_a_merge_is_what_plain_integers_say(members, anchor_ids):
    sums = {m: [sum(int(c[i]) for c in cs) for i in range(CELLS)] for m, cs in members.items()}
    total = [sum(own[i] for own in sums.values()) for i in range(CELLS)]
    ordinary = [own for m, own in sums.items() if m not in anchor_ids]
    rest = [total[i] - max((own[i] for own in ordinary), default=0) for i in range(CELLS)]
    merged_total, merged_rest = merge(members, anchor_ids)
    assert merged_total.tolist() == total
    assert merged_rest.tolist() == rest


@calm
@given(swarms, anchors, st.randoms(use_true_random=False))
def test_neither_the_order_of_members_nor_of_contributions_matters(members, anchor_ids, random):
    order = list(members)
    random.shuffle(order)
    shuffled = {m: random.sample(members[m], len(members[m])) for m in order}
    for first, second in zip(merge(members, anchor_ids), merge(shuffled, anchor_ids), strict=True):
        assert first.tobytes() == second.tobytes()


@calm
@given(swarms, contribution)
def test_a_merge_grows_by_exactly_what_is_added(members, more):
    member = sorted(members)[0]
    grown = {**members, member: [*members[member], more]}
    assert (merge(grown)[0] - merge(members)[0]).tolist() == more.astype(np.int64).tolist()


@calm
@given(swarms.filter(lambda members: len(members) > 1))
def test_a_member_can_be_taken_out_again_exactly(members):
    gone = sorted(members)[0]
    left = {m: cs for m, cs in members.items() if m != gone}
    own = sum(c.astype(np.int64) for c in members[gone])
    assert (merge(members)[0] - own).tolist() == merge(left)[0].tolist()


@calm
@given(swarms, anchors)
def test_what_counts_is_at_most_twice_what_the_others_of_any_ordinary_member_say(members, trusted):
    total, rest = merge(members, trusted)
    counted = np.minimum(total, 2 * np.maximum(rest, 0))
    for member in set(members) - trusted:
        others = total - sum(c.astype(np.int64) for c in members[member])
        assert (counted <= 2 * np.maximum(others, 0)).all()
