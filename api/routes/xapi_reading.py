"""`GET /v1/xapi/statements`: what a reader of a record store gets from us, which is no statement.

A statement is immutable, and names its actor. What is kept here is an event under a pseudonym, and
nothing that is that statement could be given back under its id. So no statement is here: every id
is not found, every query has an empty answer, in the forms of the specification (1.0.3,
part 3, 2.1.3), and what no record store may answer is refused (ADR 0115). Clients that look whether
an endpoint is well by asking for statements find that it is.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, Request, Response

from api.errors import MalformedError, NotFoundError
from api.routes.documents import problem_responses
from api.routes.event_schemas import XapiStatements
from api.routes.xapi import VERSION, VERSIONED, Emitter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

router = APIRouter(prefix="/v1/xapi", tags=["events"])

_WITH_AN_ID = frozenset({"statementId", "voidedStatementId", "attachments", "format"})
_FORMATS = frozenset({"ids", "exact", "canonical"})


def _truth(text: str) -> None:
    if text not in {"true", "false"}:
        raise ValueError("expected true or false")


def _count(text: str) -> None:
    if int(text) < 0:
        raise ValueError("expected 0 or more")


def _object(text: str) -> None:
    if not isinstance(orjson.loads(text), dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004  all refusals are of one kind


def _form(text: str) -> None:
    if text not in _FORMATS:
        raise ValueError("expected ids, exact or canonical")


def _iri(text: str) -> None:
    if ":" not in text:
        raise ValueError("expected an IRI")


_PARAMETERS: Mapping[str, Callable[[str], Any]] = {
    "statementId": uuid.UUID,
    "voidedStatementId": uuid.UUID,
    "agent": _object,
    "verb": _iri,
    "activity": _iri,
    "registration": uuid.UUID,
    "related_activities": _truth,
    "related_agents": _truth,
    "since": datetime.fromisoformat,
    "until": datetime.fromisoformat,
    "limit": _count,
    "format": _form,
    "attachments": _truth,
    "ascending": _truth,
}


@router.get(
    "/statements",
    response_model=XapiStatements,
    dependencies=[VERSIONED],
    summary="No statements: they are not kept",
    responses={
        200: {"content": {"application/json": {"example": {"statements": [], "more": ""}}}},
        **problem_responses(400, 401, 403, 404, 422, 429, 503),
    },
)
def get_statements(request: Request, caller: Emitter, response: Response) -> XapiStatements:
    """Answer as a record store that holds no statement: sent ones are kept as events alone."""
    del caller
    _check(request)
    response.headers.update(_headers())
    return XapiStatements()


@router.head("/statements", dependencies=[VERSIONED], include_in_schema=False)
def head_statements(request: Request, caller: Emitter) -> Response:
    """As GET, without a body."""
    del caller
    _check(request)
    return Response(headers={**_headers(), "Content-Type": "application/json"})


def _headers() -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"X-Experience-API-Version": VERSION, "X-Experience-API-Consistent-Through": now}


def _check(request: Request) -> None:
    """Refuse what no record store may answer, and say that a statement is not here.

    Raises:
        MalformedError: A parameter that there is not, a wrong value, or two that exclude another.
        NotFoundError: A statement is asked for.
    """
    given = request.query_params
    for name, text in given.multi_items():
        check = _PARAMETERS.get(name)
        if check is None:
            raise MalformedError(f"{name[:40]!r} is no parameter of statements")
        try:
            check(text)
        except ValueError as error:
            raise MalformedError(f"the parameter {name} is not what it must be") from error
    if "statementId" not in given and "voidedStatementId" not in given:
        return
    if {"statementId", "voidedStatementId"} <= given.keys() or not given.keys() <= _WITH_AN_ID:
        raise MalformedError(
            "with statementId or voidedStatementId go attachments and format, and nothing else"
        )
    raise NotFoundError(
        "statements are stored as pseudonymous events and are themselves not kept: none can be "
        "read back"
    )
