"""Numbers as people of any country write them: `1,234.5`, `1.234,5`, `1 234,5`, `88,5`.

Which mark stands before decimals is told by a whole file: `1,000` alone may be one or a thousand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
_SPACES = re.compile(r"[\s\u00a0\u202f'\u2019]")
_MARKS = frozenset(".,")


def decimal_mark(cells: Iterable[str]) -> str:
    """The mark before decimals in these cells; empty if none of them tells."""
    return next(filter(None, map(_told, cells)), "")


def _told(cell: str) -> str:
    """What one cell tells of it."""
    text = _SPACES.sub("", cell)
    marks = [mark for mark in text if mark in _MARKS]
    if not marks or not _NUMBER.fullmatch(text):
        return ""
    last = marks[-1]
    if len(set(marks)) > 1:
        return last
    if len(marks) > 1:  # between thousands
        return "." if last == "," else ","
    whole, _, rest = text.lstrip("-").partition(last)
    may_be_thousands = len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return "" if may_be_thousands else last


def number_of(cell: str, mark: str) -> str | None:
    """A number with a dot before its decimals; None if it is none, or may be one of two."""
    text = _SPACES.sub("", cell)
    if not _NUMBER.fullmatch(text) or (not mark and not _MARKS.isdisjoint(text)):
        return None
    others = _MARKS - {mark}
    return "".join(c for c in text if c not in others).replace(mark or ".", ".")
