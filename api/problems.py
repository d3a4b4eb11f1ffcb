"""Every refusal of the HTTP edge, as problem+json (RFC 9457).

- The status comes from `api.errors.PROBLEMS`, the sentence from the error itself.
- Field problems carry JSON pointers (`#/history/0/item`). A value sent is never echoed: it may
  be a learner's data.
- Anything that is not in the table is a bug of ours: logged with its trace under the request's
  id, and shown without details.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.errors import (
    INTERNAL,
    ApiError,
    FieldProblem,
    MalformedError,
    NotFoundError,
    Problem,
    UnauthorisedError,
    UnavailableError,
    UnprocessableError,
    problem_for,
)
from api.pages.refusals import is_page, refusal_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request

PRIVATE = "the server's log says more under this request's id"

logger = logging.getLogger(__name__)

PROBLEM_TYPE_PREFIX = "urn:murmuration:problem:"
PROBLEM_MEDIA_TYPE = "application/problem+json"


def respond(request: Request, error: Exception) -> Response:
    """Turn any error into its problem answer, or into a page where a person asks."""
    if is_page(request):
        return refusal_page(request, error)
    problem = problem_for(error)
    request_id = str(getattr(request.state, "request_id", ""))
    body: dict[str, Any] = {
        "type": PROBLEM_TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": PRIVATE if problem.private else str(error),
        "request_id": request_id,
    }
    fields = error.fields if isinstance(error, UnprocessableError) else ()
    if fields:
        body["errors"] = [{"pointer": one.pointer, "detail": one.detail} for one in fields]
    return Response(
        orjson.dumps(body),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=_headers(problem, error),
    )


def pointer(location: Sequence[int | str]) -> str:
    """A validation error's location as a JSON pointer (RFC 6901) in a URI fragment.

    Example:
        `("body", "history", 0, "item")` gives `#/history/0/item`; `("query", "limit")` gives
        `query:limit`.
    """
    source, *path = location or ("body",)
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in path]
    if source == "body":
        return "#" + "".join(f"/{part}" for part in parts)
    return f"{source}:{'.'.join(parts)}"


def install(app: FastAPI) -> None:
    """Make every error of the application a problem answer."""
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ApiError, _on_any)
    app.add_exception_handler(Exception, _on_any)  # a bug: the server logs its trace as well


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it alone
    details = error.errors()
    for detail in details:
        if detail["type"] == "json_invalid":
            where = detail["loc"][-1]
            reason = detail.get("ctx", {}).get("error", "not JSON")
            return respond(
                request, MalformedError(f"the JSON breaks off at character {where}: {reason}")
            )
    fields = [FieldProblem(pointer(one["loc"]), _sentence(one)) for one in details]
    count = "one field" if len(fields) == 1 else f"{len(fields)} fields"
    return respond(request, UnprocessableError(f"{count} cannot be used; nothing was done", fields))


async def _on_http(request: Request, error: Exception) -> Response:
    """Routing's own refusals: unknown paths, methods, bodies that do not parse."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it alone
    if is_page(request):
        return refusal_page(request, NotFoundError("there is no such page here"))
    status = HTTPStatus(error.status_code)
    body = {
        "type": PROBLEM_TYPE_PREFIX + status.phrase.lower().replace(" ", "-"),
        "title": status.phrase,
        "status": int(status),
        "detail": f"{request.method} {request.url.path}: {error.detail}",
        "request_id": str(getattr(request.state, "request_id", "")),
    }
    return Response(
        orjson.dumps(body),
        status_code=int(status),
        media_type=PROBLEM_MEDIA_TYPE,
        headers=dict(error.headers or {}),
    )


async def _on_any(request: Request, error: Exception) -> Response:
    problem = problem_for(error)
    if problem is INTERNAL:
        logger.error("request %s failed", request.state.request_id, exc_info=error)
    elif problem.private:
        logger.warning("request %s: %s", request.state.request_id, error)
    return respond(request, error)


def _sentence(detail: Mapping[str, Any]) -> str:
    """One field's problem in words; never the value that was sent."""
    match detail["type"]:
        case "extra_forbidden":
            return "unknown field; check the spelling or leave it out"
        case "missing":
            return "this field is required"
        case _:
            return str(detail["msg"]).removeprefix("Value error, ")


def _headers(problem: Problem, error: Exception) -> dict[str, str]:
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = UnauthorisedError.challenge
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is None and problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after = UnavailableError.retry_after_seconds
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return headers
