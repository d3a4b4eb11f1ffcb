"""A set of 64-bit numbers that only grows, at 8 bytes each, and 20 while it grows.

A Python set takes about 100 bytes for each number, a gigabyte for an import of ten million
rows. Here only the newest numbers are in one; the others stand sorted in two arrays, and a
bisection finds them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

RECENT = 1 << 18
"""Numbers kept in a Python set before they move to an array."""

_LAST_BYTE = (1 << 24) - 1
"""16 MB of bits, in which one of ten million numbers sets one: by chance a new one hits 7 %."""

_NOTHING: memoryview[int] = memoryview(array("Q"))


class Fingerprints:
    """Numbers seen so far."""

    def __init__(self, recent: int = RECENT) -> None:
        self._limit = recent
        self._recent: set[int] = set()
        self._small = _NOTHING
        self._large = _NOTHING
        self._bits = bytearray()

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self._recent) + len(self._small) + len(self._large)

    def __contains__(self, number: int) -> bool:
        """Whether a number has been added."""
        return number in self._recent or self._is_settled(number)

    def _is_settled(self, number: int) -> bool:
        return _holds(self._small, number) or _holds(self._large, number)

    def add(self, number: int) -> bool:
        """Add a number in [0, 2^64); whether it is new."""
        if number in self._recent:
            return False
        # Once many have settled: a bit for each says of nearly all that are new that they are.
        if self._bits:
            byte, bit = (number >> 3) & _LAST_BYTE, 1 << (number & 7)
            if self._bits[byte] & bit and self._is_settled(number):
                return False
        self._recent.add(number)
        if len(self._recent) >= self._limit:
            self._settle()
        return True

    def add_all(self, numbers: Sequence[int]) -> list[bool]:
        """`add` of several, in their order."""
        fresh, recent = set(numbers), self._recent
        if len(fresh) < len(numbers) or not recent.isdisjoint(fresh):
            return list(map(self.add, numbers))
        known = {number for number in self._maybe_settled(numbers) if self._is_settled(number)}
        recent |= fresh - known if known else fresh
        if len(recent) >= self._limit:
            self._settle()
        return [number not in known for number in numbers]

    def _maybe_settled(self, numbers: Sequence[int]) -> Sequence[int]:
        """Those whose bit is set: all that have settled, and a few more."""
        if not self._bits:
            return ()
        import numpy as np  # noqa: PLC0415  as below

        asked = np.array(numbers, np.uint64)
        places, bits = _bits_of(asked)
        hits = np.flatnonzero(np.frombuffer(self._bits, np.uint8)[places] & bits)
        return [numbers[place] for place in hits.tolist()]

    def _settle(self) -> None:
        """Move the newest into the small array, and that into the large one once it has grown."""
        import numpy as np  # noqa: PLC0415  most imports are too small to need it

        fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
        newest = fresh.data
        self._recent.clear()
        if not self._bits:
            self._bits = bytearray(_LAST_BYTE + 1)
        np.bitwise_or.at(np.frombuffer(self._bits, np.uint8), *_bits_of(fresh))
        self._small = _merged(self._small, newest)
        if 4 * len(self._small) >= len(self._large):
            self._large = _merged(self._large, self._small)
            self._small = _NOTHING


def _bits_of(numbers: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """The byte and the bit of each number."""
    import numpy as np  # noqa: PLC0415  as above

    places = ((numbers >> np.uint64(3)) & np.uint64(_LAST_BYTE)).astype(np.intp)
    return places, np.uint8(1) << (numbers & np.uint64(7)).astype(np.uint8)


def _holds(numbers: memoryview[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _merged(left: memoryview[int], right: memoryview[int]) -> memoryview[int]:
    import numpy as np  # noqa: PLC0415  as above

    both = np.concatenate([np.frombuffer(left, np.uint64), np.frombuffer(right, np.uint64)])
    both.sort(kind="stable")  # two runs: a merge, with room for the shorter one only
    # Looked at through a view, a number is a Python one; numpy's are ten times slower to compare.
    return both.data
