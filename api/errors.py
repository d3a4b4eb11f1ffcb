"""Errors of `api`, and the one table from any error to the status code it is shown with.

- `ApiError` is the root of this package's own errors; each subclass says whose fault it is.
- `PROBLEMS` is the one table from exception class to status code; classes of other packages
  are added by `register` where the app is built, so that this file imports none of them.
- `api/problems.py` turns them into problem+json; this file needs no web library, since the
  command line raises the same errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ApiError(Exception):
    """Root of the errors of `api`; the message is the sentence shown to the caller."""


class MalformedError(ApiError):
    """The request is not what its media type claims (the caller's fault)."""


class UnauthorisedError(ApiError):
    """No key, or one that is not ours (the caller's fault)."""

    challenge = 'Bearer realm="murmuration"'


class ForbiddenError(ApiError):
    """A good key without the scope that the call needs (the caller's fault)."""


class NotFoundError(ApiError):
    """The thing named does not exist here (the caller's fault)."""


class TooLargeError(ApiError):
    """The body exceeds the limit (the caller's fault)."""


class MediaTypeError(ApiError):
    """A body of a kind that is not taken here (the caller's fault)."""


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
        private: Whether the message names files or servers of ours: it is logged, not shown.
    """

    status: int
    slug: str
    title: str
    private: bool = False


PROBLEMS: dict[type[Exception], Problem] = {
    MalformedError: Problem(400, "malformed", "The body is not valid JSON"),
    UnauthorisedError: Problem(401, "unauthorised", "A valid key is needed"),
    ForbiddenError: Problem(403, "forbidden", "The key lacks a scope"),
    NotFoundError: Problem(404, "not-found", "Not found"),
    TooLargeError: Problem(413, "too-large", "The body is too large"),
    MediaTypeError: Problem(415, "media-type", "The body is of a kind that is not taken"),
    UnprocessableError: Problem(422, "invalid-fields", "Some fields cannot be used"),
    TooManyRequestsError: Problem(429, "too-many-requests", "Too many requests"),
    UnavailableError: Problem(503, "unavailable", "Not available now"),
}
INTERNAL = Problem(500, "internal", "Something went wrong here", private=True)
"""What is not in the table is a bug of ours, or needs an operator: the log has it."""


def register(table: Mapping[type[Exception], Problem]) -> None:
    """Add classes of other packages to `PROBLEMS`."""
    PROBLEMS.update(table)


def problem_for(error: Exception) -> Problem:
    """The nearest entry of `PROBLEMS` along the error's class hierarchy."""
    for cls in type(error).__mro__:
        if cls in PROBLEMS:
            return PROBLEMS[cls]
    return INTERNAL
