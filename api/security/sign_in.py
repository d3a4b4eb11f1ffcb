"""One-time sign-in links for the pages.

- A link works once, for a few minutes; only a hash of its token is stored.
- What follows a sign-in, the signed cookie, is the pages' (`api.pages.sessions`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import UnauthorisedError
from api.security.keys import hash_secret, random_secret

if TYPE_CHECKING:
    from api.store.store import Store

PREFIX = "ml1"
ROLES = {"designer": ("design",), "operator": ("operate",), "both": ("design", "operate")}
"""The pages' roles and the scopes that each opens."""

MAX_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who has come by a good link.

    Attributes:
        who: Written to the access log.
        scopes: What they may open.
    """

    who: str
    scopes: tuple[str, ...]


def create_sign_in_link(store: Store, role: str, minutes: int) -> str:
    """Make the token of a link that signs in once.

    Args:
        store: Where its hash goes.
        role: `designer`, `operator` or `both`.
        minutes: How long it is good, 1 to 1,440.

    Returns:
        The token, `ml1_<secret>`.

    Raises:
        ValueError: The role does not exist, or the time is out of range.
    """
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}")
    if not 1 <= minutes <= MAX_MINUTES:
        raise ValueError(f"minutes must be 1 to {MAX_MINUTES}")
    secret = random_secret()
    now = int(time.time())
    store.add_link(digest=hash_secret(secret), role=role, expires_at=now + 60 * minutes, now=now)
    return f"{PREFIX}_{secret}"


def redeem(store: Store, token: str, *, now: int | None = None) -> SignIn:
    """Use up a link.

    Args:
        store: Where its hash is.
        token: As it came.
        now: Unix seconds; None is the clock's.

    Raises:
        UnauthorisedError: There is no such link, or it was used or has expired.
    """
    prefix, _, secret = token.partition("_")
    moment = int(time.time()) if now is None else now
    role = None
    if prefix == PREFIX and secret:
        role = store.use_link(digest=hash_secret(secret), now=moment)
    if role is None:
        raise UnauthorisedError(
            "this sign-in link was used already, has expired, or is incomplete; ask for another "
            "one (`murmuration keys link`)"
        )
    return SignIn(who="link", scopes=ROLES[role])
