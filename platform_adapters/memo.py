"""What a function makes of a value, remembered: logs say the same of the same people and items."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K", bound="str | tuple[str, ...]")
V = TypeVar("V")

ENTRIES = 1 << 14
_LONGEST = 256
"""Longer texts do not recur, and would take the memory that these bounds are there to save."""


class Memo(dict[K, V]):
    """Results by argument, which is a text or several; looked up as in any dictionary.

    What a function raises is not remembered. Keys must be texts: `1` and `True` are one key.
    """

    def __init__(self, make: Callable[[K], V], most: int = ENTRIES) -> None:
        """Take the function, and how many results to remember before all are forgotten."""
        self._make = make
        self._most = most

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if (len(key) if isinstance(key, str) else sum(map(len, key))) <= _LONGEST:
            if len(self) >= self._most:
                self.clear()
            self[key] = made
        return made
