"""Which format an unknown file is of, and why.

Every format says by which names its files are known (`format.Sign`). A file is of the format
whose sign fits it with the most names; a sign that lacks a few is named as the runner-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_adapters.readers.glimpse import look

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from platform_adapters.format import Format, Sign

NEAR = 0.5
"""Share of a sign's names from which on it is worth a mention, in [0, 1]."""

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Guess:
    """A format that a file may be of.

    Attributes:
        format: The format.
        sign: What the file would be.
        missing: Names that should occur and do not; empty if it fits.
    """

    format: Format
    sign: Sign
    missing: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def share(self) -> float:
        """Share of the sign's names that occur, in [0, 1]."""
        return 1 - len(self.missing) / max(1, len(self.sign.needs))

    @property
    def why(self) -> str:
        """The reason in words."""
        names = sorted(self.sign.needs)
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        if self.fits:
            return f"it looks like {self.sign.what}: found {shown or 'its mark'}"
        return f"it could be {self.sign.what}, but lacks {', '.join(self.missing[:_SHOWN])}"


def detect(path: Path, formats: Iterable[Format]) -> list[Guess]:
    """What a file may be, best first; the first is what it is if its `fits` is true.

    Raises:
        ReadError: It cannot be read, or is damaged.
    """
    glimpse = look(path)
    guesses = []
    for format_ in formats:
        renamed = format_.seen(glimpse)
        for sign in format_.signs:
            if renamed.kind not in sign.kinds:
                continue
            if sign.fits(renamed):
                guesses.append(Guess(format_, sign))
            elif sign.needs and (missing := sign.missing(renamed)):
                guesses.append(Guess(format_, sign, tuple(missing)))
    near = [guess for guess in guesses if guess.fits or guess.share >= NEAR]
    return sorted(near, key=lambda guess: _rank(guess, glimpse.kind), reverse=True)


def _rank(guess: Guess, kind: str) -> tuple[bool, float, bool, int]:
    # A database is first of all a log, however many tables its catalogue has.
    is_log = kind == "sqlite" and guess.sign.role == "log"
    return guess.fits, guess.share, is_log, guess.sign.weight
