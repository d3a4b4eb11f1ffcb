"""Every refusal of the HTTP edge, as problem+json (RFC 9457).

- `ApiError` is the root of this package's own errors; each subclass says whose fault it is.
- `PROBLEMS` is the one table from exception class to status code; classes of other packages
  are added by `register` where the app is built, so that this file imports none of them.
- Field problems carry JSON pointers (`#/history/0/item`). A value sent is never echoed: it may
  be a learner's data.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

logger = logging.getLogger(__name__)

PROBLEM_TYPE_PREFIX = "urn:murmuration:problem:"
PROBLEM_MEDIA_TYPE = "application/problem+json"


class ApiError(Exception):
    """Root of the errors of `api`; the message is the sentence shown to the caller."""


class MalformedError(ApiError):
    """The request is not what its media type claims (the caller's fault)."""


class UnauthorisedError(ApiError):
    """No key, or one that is not ours (the caller's fault)."""


class ForbiddenError(ApiError):
    """A good key without the scope that the call needs (the caller's fault)."""


class NotFoundError(ApiError):
    """The thing named does not exist here (the caller's fault)."""


class TooLargeError(ApiError):
    """The body exceeds the limit (the caller's fault)."""


class UnprocessableError(ApiError):
    """Well-formed, but a field cannot be used (the caller's fault).

    Attributes:
        fields: What is wrong, field by field.
    """

    def __init__(self, message: str, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class TooManyRequestsError(ApiError):
    """The key's rate is used up (the caller's fault).

    Attributes:
        retry_after_seconds: When to try again.
    """

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(ApiError):
    """Something this process needs cannot be read now (the world's fault)."""

    retry_after_seconds = 5


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that cannot be used.

    Attributes:
        pointer: JSON pointer into the body as a URI fragment, or `header:Name`, `query:name`.
        detail: What was expected.
    """

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """How one class of error is shown.

    Attributes:
        status: HTTP status code.
        slug: Last part of the problem's `type`.
        title: The same for every occurrence.
    """

    status: int
    slug: str
    title: str


PROBLEMS: dict[type[Exception], Problem] = {
    MalformedError: Problem(400, "malformed", "The body is not valid JSON"),
    UnauthorisedError: Problem(401, "unauthorised", "A valid key is needed"),
    ForbiddenError: Problem(403, "forbidden", "The key lacks a scope"),
    NotFoundError: Problem(404, "not-found", "Not found"),
    TooLargeError: Problem(413, "too-large", "The body is too large"),
    UnprocessableError: Problem(422, "invalid-fields", "Some fields cannot be used"),
    TooManyRequestsError: Problem(429, "too-many-requests", "Too many requests"),
    UnavailableError: Problem(503, "unavailable", "Not available now"),
    ApiError: Problem(500, "internal", "Something went wrong here"),
}
INTERNAL = Problem(500, "internal", "Something went wrong here")


def register(table: Mapping[type[Exception], Problem]) -> None:
    """Add classes of other packages to `PROBLEMS`."""
    PROBLEMS.update(table)


def problem_for(error: Exception) -> Problem:
    """The nearest entry of `PROBLEMS` along the error's class hierarchy."""
    for cls in type(error).__mro__:
        if cls in PROBLEMS:
            return PROBLEMS[cls]
    return INTERNAL


@dataclass(frozen=True, slots=True)
class ProblemBody:
    """Everything a problem answer says."""

    problem: Problem
    detail: str
    request_id: str
    fields: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer as `application/problem+json`."""
        body: dict[str, Any] = {
            "type": PROBLEM_TYPE_PREFIX + self.problem.slug,
            "title": self.problem.title,
            "status": self.problem.status,
            "detail": self.detail,
            "request_id": self.request_id,
        }
        if self.fields:
            body["errors"] = [
                {"pointer": entry.pointer, "detail": entry.detail} for entry in self.fields
            ]
        return Response(
            orjson.dumps(body),
            status_code=self.problem.status,
            media_type=PROBLEM_MEDIA_TYPE,
            headers=dict(self.headers),
        )


def respond(request: Request, error: Exception) -> Response:
    """Turn any error into its problem answer.

    Errors of the table show their message; anything else is a bug of ours: it is logged with
    its trace and shown without details.
    """
    problem = problem_for(error)
    request_id = getattr(request.state, "request_id", "")
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(
        error, UnavailableError
    ):
        logger.error("request %s failed", request_id, exc_info=error)
    known = isinstance(error, tuple(PROBLEMS)) and problem.slug != INTERNAL.slug
    detail = str(error) if known else "The error was logged under this request id."
    headers: dict[str, str] = {}
    if isinstance(error, UnauthorisedError):
        headers["WWW-Authenticate"] = 'Bearer realm="murmuration"'
    retry_after = getattr(error, "retry_after_seconds", None)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is None:
        retry_after = UnavailableError.retry_after_seconds
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    fields = error.fields if isinstance(error, UnprocessableError) else ()
    return ProblemBody(problem, detail, request_id, fields, headers).response()


def pointer(location: Sequence[int | str]) -> str:
    """A validation error's location as a JSON pointer (RFC 6901) in a URI fragment.

    Example:
        `("body", "history", 0, "item")` gives `#/history/0/item`; `("header", "accept")` gives
        `header:accept`.
    """
    source, *path = location or ("body",)
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in path]
    if source == "body":
        return "#" + "".join(f"/{part}" for part in parts)
    return f"{source}:{'.'.join(parts)}"
