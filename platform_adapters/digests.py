"""Digests as text: UUIDs of version 5 and base32, many at once.

In Python the spelling takes longer than the hash: of many digests numpy spells all at once, three
to six times as fast for each. Few are spelled one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

FEW = 128
"""Up to here it is not worth it to load numpy, and from 30 on numpy would be faster."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
"""Of the 32 digits of a UUID; a dash stands between two."""


def uuids(digests: Sequence[bytes]) -> list[str]:
    """UUIDs (RFC 9562, version 5) of digests of 16 bytes or more."""
    if len(digests) <= FEW:
        return [_uuid(digest) for digest in digests]
    import numpy as np  # noqa: PLC0415  most imports are too small to need it

    numbers = _first_16(digests).copy()
    numbers[:, 6] = numbers[:, 6] & 0x0F | 0x50
    numbers[:, 8] = numbers[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(numbers.tobytes().hex().encode(), np.uint8).reshape(-1, 32)
    text = np.full((len(digests), 36), ord("-"), np.uint8)
    for place, (start, end) in enumerate(_GROUPS):
        text[:, start + place : end + place] = digits[:, start:end]
    return _cut(text)


def _uuid(digest: bytes) -> str:
    text = digest.hex()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def base32s(digests: Sequence[bytes]) -> list[str]:
    """RFC 4648 in small letters, unpadded, of 16 bytes each."""
    if len(digests) <= FEW:
        return [base32(digest) for digest in digests]
    import numpy as np  # noqa: PLC0415  as above

    # A letter is five bits of the two bytes in which it begins.
    padded = np.zeros((len(digests), 17), np.uint16)
    padded[:, :16] = _first_16(digests)
    begins = np.arange(0, 130, 5)
    words = (padded << 8)[:, begins >> 3] | padded[:, np.minimum((begins >> 3) + 1, 16)]
    numbers = words >> (11 - (begins & 7)).astype(np.uint16) & 31
    return _cut(np.frombuffer(_ALPHABET.encode(), np.uint8).take(numbers))


def base32(digest: bytes) -> str:
    """RFC 4648 in small letters, unpadded, of 16 bytes: two letters at a time.

    The standard library's is written in Python, too, and takes seven times as long.
    """
    n, two = int.from_bytes(digest, "big") << 2, _PAIRS
    return (
        two[n >> 120]
        + two[n >> 110 & 1023]
        + two[n >> 100 & 1023]
        + two[n >> 90 & 1023]
        + two[n >> 80 & 1023]
        + two[n >> 70 & 1023]
        + two[n >> 60 & 1023]
        + two[n >> 50 & 1023]
        + two[n >> 40 & 1023]
        + two[n >> 30 & 1023]
        + two[n >> 20 & 1023]
        + two[n >> 10 & 1023]
        + two[n & 1023]
    )


def _first_16(digests: Sequence[bytes]) -> NDArray[np.uint8]:
    import numpy as np  # noqa: PLC0415  as above

    whole = np.frombuffer(b"".join(digests), np.uint8)
    return whole.reshape(len(digests), -1)[:, :16]


def _cut(text: NDArray[np.uint8]) -> list[str]:
    """Rows of letters as texts."""
    whole, width = text.tobytes().decode("ascii"), text.shape[1]
    return [whole[start : start + width] for start in range(0, len(whole), width)]
