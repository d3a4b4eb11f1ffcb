from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from platform_adapters.fingerprints import Fingerprints

NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 30)


@given(st.lists(NUMBERS, max_size=300), st.integers(1, 20))
def test_it_tells_new_from_known_as_a_set_does(numbers: list[int], recent: int) -> None:
    known: set[int] = set()
    ours = Fingerprints(recent)
    for number in numbers:
        assert ours.add(number) == (number not in known)
        known.add(number)
    assert len(ours) == len(known)


@given(st.lists(st.lists(NUMBERS, max_size=40), max_size=12), st.integers(1, 20))
def test_several_at_once_are_told_as_one_after_the_other(parts, recent: int) -> None:
    one_by_one, at_once = Fingerprints(recent), Fingerprints(recent)
    for numbers in parts:
        assert at_once.add_all(numbers) == [one_by_one.add(number) for number in numbers]
    assert len(at_once) == len(one_by_one)
