"""A set of 64-bit numbers that only grows, at 8 bytes each, and 20 while it grows.

A Python set takes about 100 bytes for each number, a gigabyte for an import of ten million
rows. Here only the newest numbers are in one; the others stand sorted in two arrays, and a
bisection finds them.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

RECENT = 1 << 18
"""Numbers kept in a Python set before they move to an array."""

_NOTHING: memoryview[int] = np.zeros(0, np.uint64).data


class Fingerprints:
    """Numbers seen so far."""

    def __init__(self, recent: int = RECENT) -> None:
        self._limit = recent
        self._recent: set[int] = set()
        self._small = _NOTHING
        self._large = _NOTHING

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self._recent) + len(self._small) + len(self._large)

    def __contains__(self, number: int) -> bool:
        """Whether a number has been added."""
        return number in self._recent or _holds(self._small, number) or _holds(self._large, number)

    def add(self, number: int) -> bool:
        """Add a number in [0, 2^64); whether it is new."""
        if number in self._recent or _holds(self._small, number) or _holds(self._large, number):
            return False
        self._recent.add(number)
        if len(self._recent) >= self._limit:
            self._settle()
        return True

    def _settle(self) -> None:
        """Move the newest into the small array, and that into the large one once it has grown."""
        newest = np.fromiter(self._recent, np.uint64, len(self._recent)).data
        self._recent.clear()
        self._small = _merged(self._small, newest)
        if 4 * len(self._small) >= len(self._large):
            self._large = _merged(self._large, self._small)
            self._small = _NOTHING


def _holds(numbers: memoryview[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _merged(left: memoryview[int], right: memoryview[int]) -> memoryview[int]:
    both = np.concatenate([np.frombuffer(left, np.uint64), np.frombuffer(right, np.uint64)])
    both.sort(kind="stable")  # two runs: a merge, with room for the shorter one only
    # Looked at through a view, a number is a Python one; numpy's are ten times slower to compare.
    return both.data
