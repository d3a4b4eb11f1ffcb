"""Who calls: bearer keys with scopes, and what every route is given.

A wrong key costs the address a token of a small bucket, so that keys cannot be guessed in bulk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import UnauthorisedError
from api.security.keys import ApiKey, verify
from api.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    bearerFormat="mk1_<id>_<secret>",
    description="A key of this platform, made by `murmuration keys create --scope …`.",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def services_of(request: Request) -> Services:
    """The services of the application that the request belongs to."""
    services: Services = request.app.state.services
    return services


def address_of(request: Request) -> str:
    """The address that the request came from, as far as the server knows."""
    return request.client.host if request.client else "unknown"


ServicesOf = Annotated[Services, Depends(services_of)]


def any_scope(request: Request, services: ServicesOf, credentials: Credentials) -> ApiKey:
    """The caller's key, if it is live.

    Raises:
        UnauthorisedError: No key, or none of ours, or a revoked one.
        TooManyRequestsError: The key's rate, or the address's rate of wrong keys, is used up.
    """
    if credentials is None:
        raise UnauthorisedError(
            "this call needs a key: send `Authorization: Bearer mk1_…` with a key that "
            "`murmuration keys create` printed"
        )
    try:
        key = verify(services.store, credentials.credentials)
    except UnauthorisedError:
        services.attempts.take(address_of(request), "this address, with wrong keys,")
        raise
    services.calls.take(key.id)
    return key


CallerOf = Annotated[ApiKey, Depends(any_scope)]


def require(scope: str) -> Callable[[ApiKey], ApiKey]:
    """A dependency: the caller's key, if it has a scope."""

    def key_with_scope(key: CallerOf) -> ApiKey:
        key.require(scope)
        return key

    return key_with_scope


PathReader = Annotated[ApiKey, Depends(require("paths:read"))]
EventWriter = Annotated[ApiKey, Depends(require("events:write"))]
Designer = Annotated[ApiKey, Depends(require("design"))]
Operator = Annotated[ApiKey, Depends(require("operate"))]
