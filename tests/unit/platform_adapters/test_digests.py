from __future__ import annotations

import base64
import hashlib
import uuid

import pytest

from platform_adapters.digests import FEW, base32s, uuids


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 500])
def test_digests_are_spelled_as_the_standard_library_spells_them(count: int) -> None:
    digests = [hashlib.sha256(str(number).encode()).digest()[:16] for number in range(count)]
    assert uuids(digests) == [str(uuid.UUID(bytes=digest, version=5)) for digest in digests]
    assert base32s(digests) == [
        base64.b32encode(digest).decode().lower().rstrip("=") for digest in digests
    ]


def test_a_longer_digest_is_cut() -> None:
    digests = [hashlib.sha512(str(number).encode()).digest() for number in range(FEW + 1)]
    assert uuids(digests) == uuids([digest[:16] for digest in digests])
