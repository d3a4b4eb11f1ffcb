"""`/v1/xapi`: where an LMS's xAPI emitter sends its statements (1.0.3).

Statements are converted and stored as events, under pseudonyms; they themselves are not kept
(`api.routes.xapi_reading` says what a reader gets). As the specification asks, a batch with one bad
statement is refused as a whole.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import JsonValue  # noqa: TC002  # FastAPI reads the annotations

from api.errors import MalformedError, MediaTypeError, NotFoundError
from api.routes.auth import Credentials, ServicesOf, any_scope
from api.routes.documents import problem_responses
from api.routes.event_schemas import XapiAbout
from api.routes.schemas import MAX_EVENTS
from api.security.keys import PREFIX, ApiKey
from platform_adapters.registry import adapter_named

VERSION = "1.0.3"
router = APIRouter(prefix="/v1/xapi", tags=["events"])

STATEMENT_EXAMPLE: dict[str, Any] = {
    "id": "7d41a2f6-6d2a-4f0e-9f39-5a1f2f1f0a01",
    "actor": {"account": {"homePage": "https://lms.example.edu", "name": "4711"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "https://lms.example.edu/mod/page/view.php?id=5"},
    "timestamp": "2026-11-24T12:00:00Z",
}


def _from_basic(request: Request) -> str | None:
    """The key that a client has sent as a user (its id) and a password (its secret)."""
    scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "basic":
        return None
    try:
        name, found, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return f"{PREFIX}_{name}_{secret}" if found else None


def emitter(request: Request, services: ServicesOf, credentials: Credentials) -> ApiKey:
    """The caller's key, as Bearer or as Basic, if it may send events.

    Raises:
        UnauthorisedError: No key, or none of ours, or a revoked one.
        ForbiddenError: It lacks the scope.
        TooManyRequestsError: A rate is used up.
    """
    basic = _from_basic(request)
    if basic is not None:
        credentials = HTTPAuthorizationCredentials(scheme="Bearer", credentials=basic)
    key = any_scope(request, services, credentials)
    key.require("events:write")
    return key


Emitter = Annotated[ApiKey, Depends(emitter)]
_REFUSALS = problem_responses(400, 401, 403, 413, 415, 422, 429, 503)


def no_attachments(request: Request) -> None:
    """Refuse statements that come with the bytes of their attachments.

    Raises:
        MediaTypeError: They do.
    """
    if request.headers.get("Content-Type", "").strip().lower().startswith("multipart/"):
        raise MediaTypeError(
            "attachments are not taken: send the statements alone, as application/json; what they "
            "say of their attachments may stay in them"
        )


def demand_version(
    version: Annotated[
        str, Header(alias="X-Experience-API-Version", description="1.0.3, or another 1.0.x.")
    ] = "",
) -> None:
    """Refuse another version of the specification, or none.

    Raises:
        MalformedError: It is not 1.0.x.
    """
    if not version.startswith("1.0"):
        raise MalformedError(f"X-Experience-API-Version must be 1.0.x; {VERSION} is spoken here")


VERSIONED = Depends(demand_version)
_ALONE = [VERSIONED, Depends(no_attachments)]


@router.get(
    "/about",
    response_model=XapiAbout,
    summary="Versions of xAPI that are spoken here",
    responses=problem_responses(401, 403, 429, 503),
)
def about(caller: Emitter, response: Response) -> XapiAbout:
    """Say which versions of the specification statements may be of."""
    del caller
    response.headers["X-Experience-API-Version"] = VERSION
    return XapiAbout(version=[VERSION])


@router.post(
    "/statements",
    summary="Statements of an xAPI emitter",
    dependencies=_ALONE,
    responses={
        200: {"content": {"application/json": {"example": [STATEMENT_EXAMPLE["id"]]}}},
        **_REFUSALS,
    },
)
def post_statements(
    body: Annotated[JsonValue, Body(openapi_examples={"one": {"value": STATEMENT_EXAMPLE}})],
    caller: Emitter,
    services: ServicesOf,
    response: Response,
) -> list[str]:
    """Store one statement or up to 1,000 as events, all or none, and answer their ids.

    The key may come as Bearer, or as Basic with its id as user and its secret as password. What is
    sent again is not stored again; the next path shows the effect.
    """
    del caller
    statements = body if isinstance(body, list) else [body]
    response.headers["X-Experience-API-Version"] = VERSION
    return _store(services, statements)


@router.put(
    "/statements",
    status_code=204,
    summary="One statement of an xAPI emitter",
    dependencies=_ALONE,
    responses=_REFUSALS,
)
def put_statement(
    body: Annotated[JsonValue, Body(openapi_examples={"one": {"value": STATEMENT_EXAMPLE}})],
    statement_id: Annotated[uuid.UUID, Query(alias="statementId")],
    caller: Emitter,
    services: ServicesOf,
) -> Response:
    """Store one statement under the id that the query names."""
    del caller
    name = str(statement_id)
    if not isinstance(body, dict) or str(body.get("id", name)).lower() != name:
        raise MalformedError("the body must be one statement, with the id of the query or none")
    _store(services, [{**body, "id": name}])
    return Response(status_code=204, headers={"X-Experience-API-Version": VERSION})


@router.api_route(
    "/{rest:path}",
    methods=["GET", "PUT", "POST", "DELETE", "HEAD"],
    include_in_schema=False,
)
def nothing_else(rest: str, caller: Emitter) -> Response:
    """Say why the rest of a record store is not here."""
    del rest, caller
    raise NotFoundError(
        "statements are taken here and stored as pseudonymous events: there are no states, "
        "profiles, agents or activities; send to /v1/xapi/statements"
    )


def _store(services: ServicesOf, statements: list[Any]) -> list[str]:
    if not 1 <= len(statements) <= MAX_EVENTS:
        raise MalformedError(f"send 1 to {MAX_EVENTS:,} statements at once")
    named = [_named(one) for one in statements]
    receipts = services.receiver.take(adapter_named("xapi"), named, all_or_none=True)
    bad = [
        f"statement {place}: {receipt.reason}"
        for place, receipt in enumerate(receipts)
        if receipt.outcome == "rejected"
    ]
    if bad:
        raise MalformedError(f"nothing was stored; {'; '.join(bad[:5])}")
    return [str(one["id"]) for one in named]


def _named(statement: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A statement with an id and a time; the same one is given the same id again."""
    if not isinstance(statement, dict):
        raise MalformedError("a statement is a JSON object")
    content = orjson.dumps(statement, option=orjson.OPT_SORT_KEYS)
    own = statement.get("id") or str(uuid.uuid5(uuid.NAMESPACE_OID, content.hex()))
    now = datetime.now(UTC).isoformat()
    return {**statement, "id": own, "timestamp": statement.get("timestamp") or now}
