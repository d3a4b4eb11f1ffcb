"""API keys: `mk1_<id>_<secret>`, of which only the id and a hash of the secret are stored.

- A secret is 160 random bits, so that a plain SHA-256 of it cannot be reversed by trying.
- Comparing takes the same time for a wrong secret, a revoked key and an unknown id.
- Two keys of one name may be live at once, so that a caller changes keys without a gap.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import ForbiddenError, UnauthorisedError
from api.store.access import KeyRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.store.store import Store

PREFIX = "mk1"
SCOPES = ("paths:read", "events:write", "catalogue:write", "design", "learners:admin", "operate")
MAX_TOKEN_CHARACTERS = 200
_ID_BYTES = 5
_SECRET_BYTES = 20
_NOBODY = hashlib.sha256(b"nobody's secret").digest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that has shown its secret.

    Attributes:
        id: Public part; what logs name.
        name: What the key is for.
        scopes: What it allows.
    """

    id: str
    name: str
    scopes: tuple[str, ...]

    def require(self, scope: str) -> None:
        """Refuse what the key does not allow.

        Raises:
            ForbiddenError: The key lacks the scope.
        """
        if scope not in self.scopes:
            raise ForbiddenError(
                f"the key {self.id} lacks the scope {scope!r}; it has {', '.join(self.scopes)}. "
                f"Make one with `murmuration keys create --scope {scope}`"
            )


def create_key(store: Store, scopes: Iterable[str], *, name: str = "default") -> str:
    """Make a key; the token returned is shown once and never again.

    Args:
        store: Where its hash goes.
        scopes: Of `SCOPES`, at least one.
        name: What the key is for, such as `moodle`.

    Returns:
        The token, `mk1_<id>_<secret>`.

    Raises:
        ValueError: No scope is given, or one that does not exist.
        RowRefusedError: Two keys of this name are live already.
    """
    chosen = tuple(scope for scope in SCOPES if scope in set(scopes))
    if not chosen or len(chosen) != len(set(scopes)):
        raise ValueError(f"scopes must be of {', '.join(SCOPES)}")
    key_id, secret = _random(_ID_BYTES), _random(_SECRET_BYTES)
    store.add_key(KeyRow(key_id, name, hash_secret(secret), chosen, int(time.time()), None))
    return f"{PREFIX}_{key_id}_{secret}"


def verify(store: Store, token: str, scope: str | None = None) -> ApiKey:
    """The key of a token.

    Args:
        store: Where hashes are.
        token: As the caller sent it.
        scope: What the call needs; None if any key will do.

    Raises:
        UnauthorisedError: The token is none of ours, or revoked.
        ForbiddenError: The key lacks the scope.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise _refusal()
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    rows = store.keys(key_id) if key_id else []
    live = [row for row in rows if row.revoked_at is None]
    expected = live[0].hash if live else _NOBODY
    same = hmac.compare_digest(hash_secret(secret), expected)
    if not (same and live and prefix == PREFIX):
        raise _refusal()
    key = ApiKey(live[0].id, live[0].name, live[0].scopes)
    if scope is not None:
        key.require(scope)
    return key


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def random_secret() -> str:
    """160 random bits as 32 characters."""
    return _random(_SECRET_BYTES)


def _random(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode("ascii").lower()


def _refusal() -> UnauthorisedError:
    return UnauthorisedError(
        "this key is not known here or was revoked; send `Authorization: Bearer mk1_…` with a "
        "key that `murmuration keys create` printed"
    )
