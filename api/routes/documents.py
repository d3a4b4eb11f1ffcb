"""The OpenAPI document: problem answers and examples that every route shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from api.errors import PROBLEMS, Problem
from api.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_PREFIX
from api.routes.schemas import ProblemInfo

if TYPE_CHECKING:
    from fastapi import FastAPI

API_VERSION = "1"
DESCRIPTION = """\
Learning paths for the learners of one platform, from a model that platforms train together
without pooling their learners' data.

- **Keys.** `Authorization: Bearer mk1_<id>_<secret>`, made by `murmuration keys create`; each has
  scopes. Keep it on your server: no browser should see it.
- **Ids** are your own, opaque, up to 1,024 bytes, and travel in bodies.
- **Errors** are RFC 9457 problem details with pointers to the fields meant.
- **Always an answer.** An unknown learner gets a general path with `fallback: true`; nothing left
  to do is `steps: []` with `complete: true`.
"""
_EXAMPLES: dict[int, tuple[str, list[dict[str, str]]]] = {
    400: ("the JSON breaks off at character 17: Expecting value", []),
    401: ("this key is not known here or was revoked", []),
    403: ("the key xwfqd3ui lacks the scope 'paths:read'; it has events:write", []),
    404: ("there is no such course in this platform's catalogue", []),
    413: ("the body is longer than 1,000,000 bytes; send less at once", []),
    415: ("attachments are not taken: send the statements alone, as application/json", []),
    422: (
        "one field cannot be used; nothing was done",
        [{"pointer": "#/limit", "detail": "Input should be less than or equal to 50"}],
    ),
    429: ("this key has used up its rate of 50 requests a second; try again in 1 s", []),
    503: ("the server's log says more under this request's id", []),
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its `responses=`."""
    titles: dict[int, Problem] = {}
    for problem in PROBLEMS.values():
        titles.setdefault(problem.status, problem)
    return {
        status: {
            "model": ProblemInfo,
            "description": titles[status].title,
            "content": {"application/json": {"example": _example(titles[status])}},
        }
        for status in statuses
    }


def _example(problem: Problem) -> dict[str, Any]:
    detail, fields = _EXAMPLES[problem.status]
    example: dict[str, Any] = {
        "type": PROBLEM_TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "request_id": "0f8fad5bd9cb469fa165408c12d1f6a1",
    }
    if fields:
        example["errors"] = fields
    return example


def install(app: FastAPI) -> None:
    """Make the application's document ours; built once, when first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title="Murmuration",
                version=API_VERSION,
                description=DESCRIPTION,
                routes=app.routes,
                tags=[
                    {"name": "paths", "description": "What a learner should do next, and why."},
                    {"name": "events", "description": "What learners did."},
                    {"name": "platform", "description": "This platform, its model, its swarm."},
                ],
            )
            _mend(made)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _mend(document: dict[str, Any]) -> None:
    """Refusals are `application/problem+json`; FastAPI's own 422 body does not occur."""
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "application/json" in answer.get("content", {}):
                    answer["content"] = {PROBLEM_MEDIA_TYPE: answer["content"]["application/json"]}
    for unused in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(unused, None)
