"""What designers decide on `/ui/swarm`: agree to items, and let courses hold back (R35).

Whoever is signed in sees what rose; deciding needs the role `design`, is posted from the page
itself, and is logged with who and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response  # noqa: TC002  # FastAPI reads the annotations

from api.errors import ForbiddenError
from api.pages.rises_view import MOST_LISTED
from api.pages.views import FromHere, SessionOf, redirect
from api.routes.auth import ServicesOf  # noqa: TC001  # FastAPI reads the annotations

if TYPE_CHECKING:
    from api.pages.sessions import Session

router = APIRouter(include_in_schema=False)
_MOST_CHARACTERS = 1_024
Id = Annotated[str, Form(max_length=_MOST_CHARACTERS)]
Items = Annotated[list[Id], Form(alias="item", max_length=MOST_LISTED)]
Choice = Annotated[bool, Form()]


def require_decider(session: Session) -> None:
    """Refuse whoever may not decide.

    Raises:
        ForbiddenError: The session lacks the role `design`.
    """
    if not session.may_design:
        raise ForbiddenError(
            "deciding what may be in paths needs the scope 'design'; you are signed in without it"
        )


@router.post("/ui/swarm/items", dependencies=[FromHere])
def decide(
    request: Request,
    session: SessionOf,
    services: ServicesOf,
    agree: Choice,
    items: Items,
) -> Response:
    """Agree to items, or take the agreement back."""
    require_decider(session)
    services.store.confirm(items, agree=agree, who=session.who)
    return redirect(request, "/ui/swarm#rose")


@router.post("/ui/swarm/course", dependencies=[FromHere])
def hold(
    request: Request,
    session: SessionOf,
    services: ServicesOf,
    on: Choice,
    course: Id,
) -> Response:
    """Let a course hold back what rose and what is new, or no longer."""
    require_decider(session)
    services.store.hold_course(course, on=on, who=session.who)
    return redirect(request, "/ui/swarm#rose")


@router.get("/ui/swarm/items")
@router.get("/ui/swarm/course")
def go_back(request: Request) -> Response:
    """Where whoever had to sign in again before deciding comes back to."""
    return redirect(request, "/ui/swarm#rose")
