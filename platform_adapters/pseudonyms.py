"""Keyed pseudonyms: the only form in which a learner id passes beyond an adapter.

A pseudonym reads `lp1_<key id>_<26 characters of base32>`: HMAC-SHA-256 of the platform's
own id under the home's key, the first 128 bits. Whoever lacks the key can neither compute
nor reverse it. The key id tells homes apart, so that a file that another home has
pseudonymised is refused rather than hashed again into strangers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from platform_adapters.contract import MAX_ID_BYTES
from platform_adapters.errors import ForeignPseudonymError, LearnerIdError, OptionsError

KEY_BYTES = 32
PREFIX = "lp1_"
_FORM = re.compile(r"lp1_([a-z2-7]{8})_([a-z2-7]{26})")
_CACHE_ENTRIES = 500_000


def new_key() -> bytes:
    """A fresh 32-byte key."""
    return secrets.token_bytes(KEY_BYTES)


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest).decode().rstrip("=").lower()


class Pseudonymiser:
    """Turns learner ids into this home's pseudonyms.

    Attributes:
        key_id: 8 characters that name the key without telling it.
    """

    def __init__(self, key: bytes) -> None:
        """Take the home's key.

        Raises:
            OptionsError: The key is not 32 bytes long.
        """
        if len(key) != KEY_BYTES:
            raise OptionsError(
                f"the pseudonym key has {len(key)} bytes; expected {KEY_BYTES}: "
                "make one with `murmuration init`, or pass the right --key-file"
            )
        self._learners = hmac.new(key, b"murmuration/learner\0", hashlib.sha256)
        self._tags = hmac.new(key, b"murmuration/tag\0", hashlib.sha256)
        named = hmac.digest(key, b"murmuration/key-id", "sha256")
        self.key_id = _base32(named[:5])
        self._cache: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    def __repr__(self) -> str:
        """Never the key."""
        return f"<Pseudonymiser key {self.key_id}>"

    def pseudonym(self, learner: str) -> str:
        """The learner's pseudonym; one of this home's own passes unchanged.

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
            if own.group(1) != self.key_id:
                raise ForeignPseudonymError(
                    f"the learner is a pseudonym of key {own.group(1)}, this home's is "
                    f"{self.key_id}: pass that home's key, or import the platform's own ids"
                )
            return learner
        try:
            data = learner.encode()
        except UnicodeEncodeError:
            raise LearnerIdError("the learner id is not valid Unicode") from None
        if not 1 <= len(data) <= MAX_ID_BYTES:
            size = "is empty" if not data else f"is longer than {MAX_ID_BYTES:,} bytes"
            raise LearnerIdError(f"the learner id {size}")
        mac = self._learners.copy()
        mac.update(data)
        return f"{PREFIX}{self.key_id}_{_base32(mac.digest()[:16])}"

    def session(self, value: str) -> str:
        """A keyed tag of a session id; one of this home's own passes unchanged."""
        known = self._sessions.get(value)
        if known is None:
            if len(self._sessions) >= _CACHE_ENTRIES:
                self._sessions.clear()
            own = f"st1_{self.key_id}_"
            known = value if value.startswith(own) else own + self.tag(value)
            self._sessions[value] = known
        return known

    def tag(self, value: str) -> str:
        """A keyed tag (26 characters) for anything else that could lead back to a learner."""
        mac = self._tags.copy()
        mac.update(value.encode(errors="replace"))
        return _base32(mac.digest()[:16])
