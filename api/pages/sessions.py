"""The cookie of the pages: who is signed in, signed with the home's session key.

- The cookie says who and until when, and carries an HMAC-SHA-256; nothing is kept here, so any
  worker can check it, and a new `keys/session.key` ends every session.
- `SameSite=Lax` and `HttpOnly`; `Secure` wherever the request came by TLS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

COOKIE_PREFIX = "murmuration_"
LIFETIME_SECONDS = 12 * 3600
MAX_COOKIE_CHARACTERS = 2_000
ROLES = ("design", "operate")
_DOMAIN = b"murmuration session v1\x00"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        who: Key id, or `link`; written to the access log.
        scopes: Roles held, of `ROLES`.
        expires_at: Unix seconds.
    """

    who: str
    scopes: tuple[str, ...]
    expires_at: int

    @property
    def may_design(self) -> bool:
        """Whether learners' paths may be looked at."""
        return "design" in self.scopes


def cookie_name(key: bytes) -> str:
    """The cookie's name: one a home, since browsers keep cookies by host and not by port."""
    return COOKIE_PREFIX + hashlib.sha256(_DOMAIN + key).hexdigest()[:8]


def seal(session: Session, key: bytes) -> str:
    """The cookie's value."""
    body = json.dumps([session.who, list(session.scopes), session.expires_at]).encode()
    return f"{_encode(body)}.{_encode(_tag(body, key))}"


def open_session(cookie: str, key: bytes, now: int) -> Session | None:
    """Read a cookie; None if it is not ours, altered, or has run out."""
    if len(cookie) > MAX_COOKIE_CHARACTERS:
        return None
    body_text, _, tag_text = cookie.partition(".")
    try:
        body, tag = _decode(body_text), _decode(tag_text)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(tag, _tag(body, key)):
        return None
    who, scopes, expires_at = json.loads(body)  # ours: the tag is right
    if expires_at <= now:
        return None
    return Session(str(who), tuple(scopes), int(expires_at))


def roles(scopes: Collection[str]) -> tuple[str, ...]:
    """The scopes that open pages, of all that a key has."""
    return tuple(role for role in ROLES if role in scopes)


def _tag(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, _DOMAIN + body, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
