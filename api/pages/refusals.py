"""Refusals as pages: whoever looks at a page is not shown JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from api.errors import UnauthorisedError, problem_for
from api.pages.render import render
from api.pages.wording import sentence

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PAGES = "/ui/"
SEE_OTHER = 303


def is_page(request: Request) -> bool:
    """Whether a person asks, with a browser."""
    return (
        str(request.scope["path"])
        .removeprefix(request.scope.get("root_path", ""))
        .startswith(PAGES)
    )


def refusal_page(request: Request, error: Exception) -> Response:
    """An error as a page; whoever is not signed in is sent there and back."""
    root = request.scope.get("root_path", "")
    if isinstance(error, UnauthorisedError):
        target = request.url.path.removeprefix(root)
        if request.method == "GET" and request.url.query:
            target += f"?{request.url.query}"
        return RedirectResponse(f"{root}/ui/sign-in?{urlencode({'next': target})}", SEE_OTHER)
    problem = problem_for(error)
    values: dict[str, object] = {
        "title": problem.title,
        "text": "The server's log says more under this id." if problem.private else sentence(error),
        "request_id": str(getattr(request.state, "request_id", "")),
    }
    return render(request, "message.html", values, status=problem.status)
