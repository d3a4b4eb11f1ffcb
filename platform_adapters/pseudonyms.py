"""Keyed pseudonyms: the only form in which a learner id passes beyond an adapter.

A pseudonym reads `lp1_<key id>_<26 characters of base32>`: HMAC-SHA-256 of the platform's
own id under the home's key, the first 128 bits. Whoever lacks the key can neither compute
nor reverse it. The key id tells homes apart, so that a file that another home has
pseudonymised is refused rather than hashed again into strangers.

A home may change its pseudonyms, because a list of them got out or somebody saw the key. Later
keys stand behind the first one, and the last is in force: the 128 bits of the hash are then
enciphered as one AES block under it. A permutation can be undone by whoever holds the key, so the
home renames every learner without knowing anybody's own id, loses nobody, and whoever holds only
an older key can compute nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

from platform_adapters.contract import MAX_ID_BYTES
from platform_adapters.digests import base32, base32s
from platform_adapters.errors import ForeignPseudonymError, LearnerIdError, OptionsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import ECB

KEY_BYTES = 32
MAX_KEYS = 32
"""How often pseudonyms may change, the first key included."""
PREFIX = "lp1_"
_FORM = re.compile(r"lp1_([a-z2-7]{8})_([a-z2-7]{26})")
_CACHE_ENTRIES = 500_000
_SESSION_ENTRIES = 100_000  # a session's events stand close together


def new_key() -> bytes:
    """A fresh 32-byte key."""
    return secrets.token_bytes(KEY_BYTES)


class _Mac:
    """HMAC-SHA-256 (RFC 2104) under one key, begun once; `hmac` takes twice as long to copy one."""

    def __init__(self, key: bytes, begun: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + begun)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def of(self, data: bytes) -> bytes:
        """The first 16 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()[:16]


def _key_id(key: bytes) -> str:
    return base32(hmac.digest(key, b"murmuration/key-id", "sha256")[:16])[:8]


def _block(key: bytes) -> Cipher[ECB]:
    """AES-256 of one block: a permutation of 128 bits."""
    # Imported here: only a home that has changed its pseudonyms needs it.
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - as said above
        Cipher,
        algorithms,
        modes,
    )

    derived = hmac.digest(key, b"murmuration/permutation", "sha256")
    # One block of its own each, never a text: what ECB gives away is that equal learners have
    # equal pseudonyms, which is what a pseudonym is for.
    return Cipher(algorithms.AES256(derived), modes.ECB())  # noqa: S305 - as said above


class Pseudonymiser:
    """Turns learner ids into this home's pseudonyms.

    Attributes:
        key_id: 8 characters that name the key in force without telling it.
    """

    def __init__(self, key: bytes) -> None:
        """Take the home's key, or its keys, oldest first: 32 bytes each.

        Raises:
            OptionsError: The key is of another length.
        """
        keys = [key[start : start + KEY_BYTES] for start in range(0, len(key), KEY_BYTES)]
        if not keys or len(keys[-1]) != KEY_BYTES or len(keys) > MAX_KEYS:
            raise OptionsError(
                f"the pseudonym key has {len(key)} bytes; expected {KEY_BYTES}: "
                "make one with `murmuration init`, or pass the right --key-file"
            )
        self._learners = _Mac(keys[0], b"murmuration/learner\0")
        self._tags = _Mac(keys[0], b"murmuration/tag\0")
        self._later = {_key_id(later): later for later in keys[1:]}
        self._first_id = _key_id(keys[0])
        self.key_id = _key_id(keys[-1])
        self._cache: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    def __repr__(self) -> str:
        """Never the key."""
        return f"<Pseudonymiser key {self.key_id}>"

    def pseudonym(self, learner: str) -> str:
        """The learner's pseudonym; one of this home's own passes, under the key in force.

        Args:
            learner: The platform's own id, 1 to 1,024 bytes of UTF-8 without surrounding space.

        Raises:
            LearnerIdError: The id is empty or too long.
            ForeignPseudonymError: It is a pseudonym made with another key.
        """
        known = self._cache.get(learner)
        if known is None:
            if len(self._cache) >= _CACHE_ENTRIES:
                self._cache.clear()
            known = self._cache[learner] = self._derive(learner.strip())
        return known

    def _derive(self, learner: str) -> str:
        own = _FORM.fullmatch(learner)
        if own is not None:
            return learner if own.group(1) == self.key_id else self._spell(self.stable(learner))
        try:
            data = learner.encode()
        except UnicodeEncodeError:
            raise LearnerIdError("the learner id is not valid Unicode") from None
        if not 1 <= len(data) <= MAX_ID_BYTES:
            size = "is empty" if not data else f"is longer than {MAX_ID_BYTES:,} bytes"
            raise LearnerIdError(f"the learner id {size}")
        return self._spell(self._learners.of(data))

    def stable(self, pseudonym: str) -> bytes:
        """The 16 bytes behind a pseudonym of this home: no change of keys changes them.

        Args:
            pseudonym: One of this home's own, of this key or an older one.

        Raises:
            ForeignPseudonymError: It is no pseudonym, or one made with another home's key.
        """
        own = _FORM.fullmatch(pseudonym)
        key_id, body = own.groups() if own is not None else ("(none)", "")
        if key_id != self._first_id and key_id not in self._later:
            raise ForeignPseudonymError(
                f"the learner is a pseudonym of key {key_id}, this home's is "
                f"{self.key_id}: pass that home's key, or import the platform's own ids"
            )
        hidden = base64.b32decode(body.upper() + "======")
        if key_id == self._first_id:
            return hidden
        opener = _block(self._later[key_id]).decryptor()
        return opener.update(hidden) + opener.finalize()

    def _spell(self, stable: bytes) -> str:
        hidden = stable
        if self.key_id != self._first_id:
            sealer = _block(self._later[self.key_id]).encryptor()
            hidden = sealer.update(stable) + sealer.finalize()
        return f"{PREFIX}{self.key_id}_{base32(hidden)}"

    def session(self, value: str) -> str:
        """A keyed tag of a session id; one of this home's own passes unchanged."""
        known = self._sessions.get(value)
        if known is None:
            if len(self._sessions) >= _SESSION_ENTRIES:
                self._sessions.clear()
            own = f"st1_{self._first_id}_"
            known = value if value.startswith(own) else own + self.tag(value)
            self._sessions[value] = known
        return known

    def tag(self, value: str) -> str:
        """A keyed tag (26 characters) for anything else that could lead back to a learner."""
        return base32(self._tags.of(value.encode("utf-8", "replace")))

    def tags(self, values: Sequence[str]) -> list[str]:
        """`tag` of many."""
        of = self._tags.of
        return base32s([of(value.encode("utf-8", "replace")) for value in values])
