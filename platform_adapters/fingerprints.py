"""A set of 64-bit numbers that only grows, at 8 to 16 bytes each.

A Python set takes about 100 bytes for each number, a gigabyte for an import of ten million
rows. Here only the newest numbers are in one; the others stand sorted in two arrays, and a
bisection finds them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np

RECENT = 1 << 18
"""Numbers kept in a Python set before they move to an array."""


class Fingerprints:
    """Numbers seen so far."""

    def __init__(self, recent: int = RECENT) -> None:
        self._limit = recent
        self._recent: set[int] = set()
        self._small = array("Q")
        self._large = array("Q")

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
        newest = array("Q", self._recent)
        self._recent.clear()
        self._small = _merged(self._small, newest)
        if 4 * len(self._small) >= len(self._large):
            self._large = _merged(self._large, self._small)
            self._small = array("Q")


def _holds(numbers: array[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _merged(left: array[int], right: array[int]) -> array[int]:
    parts = [np.frombuffer(part, np.uint64) for part in (left, right) if part]
    both = np.concatenate(parts)
    both.sort(kind="stable")
    merged = array("Q")
    merged.frombytes(both.tobytes())
    return merged
