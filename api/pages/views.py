"""The pages: `/ui/path`, `/ui/swarm`, `/ui/sign-in`. Rendered here, no script needed.

- Whoever has no session is sent to sign in, and from there back.
- Looking at one learner's path is staff access: it needs the role `design` and is logged (R19).
- A learner id typed into the search is posted, pseudonymised, and answered by a redirect, so that
  it is in no address, history or log.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from api.errors import (
    ApiError,
    ForbiddenError,
    TooManyRequestsError,
    UnauthorisedError,
    UnprocessableError,
    problem_for,
)
from api.local_mix import describe, read_mix
from api.pages.path_page import Chosen, matches_persona, path_page, read_limits
from api.pages.path_view import Limits
from api.pages.render import render
from api.pages.rises_view import rises_of
from api.pages.sessions import LIFETIME_SECONDS, Session, cookie_name, open_session, roles, seal
from api.pages.swarm_models import Tile
from api.pages.swarm_view import swarm_view
from api.pages.wording import minute, sentence
from api.routes.auth import ServicesOf, address_of
from api.security.keys import verify
from api.security.sign_in import redeem
from api.swarm_status import utc_now

if TYPE_CHECKING:
    from api.services import Services
    from api.serving import Served

SEE_OTHER = 303
FIRST_PAGE = "/ui/path"
SIGN_IN = "/ui/sign-in"
router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=4096)]
SearchText = Annotated[str, Form(alias="find", max_length=4096)]


def session_of(request: Request, services: ServicesOf) -> Session:
    """Who is signed in.

    Raises:
        UnauthorisedError: Nobody, or by a key that has been revoked since.
    """
    cookie = request.cookies.get(cookie_name(services.session_key), "")
    session = open_session(cookie, services.session_key, int(time.time()))
    if session is None or not _still_good(session, services):
        raise UnauthorisedError("sign in to see this page")
    return session


def _still_good(session: Session, services: Services) -> bool:
    kind, _, key_id = session.who.partition(":")
    if kind != "key":
        return True
    return any(row.revoked_at is None for row in services.store.keys(key_id))


SessionOf = Annotated[Session, Depends(session_of)]


def from_here(request: Request) -> None:
    """Refuse a form that another site posts.

    Raises:
        ForbiddenError: The browser says that the form came from elsewhere.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    elsewhere = origin is not None and origin != "null" and urlsplit(origin).netloc != host
    if site not in {"same-origin", "none"} or elsewhere:
        raise ForbiddenError("this form was sent from another site; open the page itself")


FromHere = Depends(from_here)


def require_designer(session: Session) -> None:
    """Refuse whoever may not look at learners' paths.

    Raises:
        ForbiddenError: The session lacks the role `design`.
    """
    if not session.may_design:
        raise ForbiddenError(
            "looking at learning paths needs the scope 'design'; you are signed in without it"
        )


@router.get("/")
@router.get("/ui/")
@router.get("/ui")
def first_page(request: Request) -> Response:
    """Begin with the paths."""
    return redirect(request, FIRST_PAGE)


@router.get("/ui/path")
def show_path(
    request: Request,
    session: SessionOf,
    services: ServicesOf,
) -> Response:
    """Whose path, what is done, what comes next and why."""
    require_designer(session)
    query = request.query_params
    limits = read_limits(query.get("limit", ""), query.get("hours", ""), query.get("course", ""))
    chosen = Chosen(persona=query.get("persona", ""), query=query.get("q", "").strip())
    learner = query.get("learner", "").strip()
    if learner:
        pseudonym = services.paths.pseudonym(learner)
        if pseudonym != learner:
            return redirect(request, FIRST_PAGE, learner=pseudonym)
        if services.store.is_known(pseudonym):
            services.store.log_access(who=session.who, what="path", pseudonym=pseudonym)
            chosen = Chosen(pseudonym=pseudonym)
        else:
            chosen = Chosen(not_found=_nobody())
    return _path(request, services, chosen, limits)


@router.post("/ui/path", dependencies=[FromHere])
def find(
    request: Request, session: SessionOf, services: ServicesOf, text: SearchText = ""
) -> Response:
    """Find a learner by the platform's own id, or an example or pseudonym by its beginning."""
    require_designer(session)
    text = text.strip()
    if not text:
        return redirect(request, FIRST_PAGE)
    try:
        pseudonym = services.paths.pseudonym(text)
        not_found = _nobody()
        if services.store.is_known(pseudonym):
            return redirect(request, FIRST_PAGE, learner=pseudonym)
    except UnprocessableError as error:
        not_found = sentence(error.fields[0].detail)
    if matches_persona(services, text) or services.store.learners(1, text):
        return redirect(request, FIRST_PAGE, q=text)
    return _path(request, services, Chosen(not_found=not_found), Limits())


@router.get("/ui/swarm")
def show_swarm(request: Request, session: SessionOf, services: ServicesOf) -> Response:
    """Members, rounds, what rose, what it costs, what leaves."""
    tile = _serving_tile(services.serving.current())
    mix = read_mix(services.home)
    view = swarm_view(
        services.swarm.status(),
        services.swarm.claim(),
        tile,
        utc_now(),
        "" if mix is None else describe(mix),
    )
    rises = rises_of(services, may_decide=session.may_design)
    return _page(request, services, "swarm.html", {"page": "swarm", "view": view, "rises": rises})


@router.get("/ui/sign-in")
def sign_in_page(request: Request, services: ServicesOf) -> Response:
    """Sign in by a one-time link, or ask for a key."""
    token = request.query_params.get("token")
    target = _safe(request.query_params.get("next", FIRST_PAGE))
    if token is None:
        return _ask_for_key(request, services, target)
    try:
        signed = redeem(services.store, token)
    except UnauthorisedError as error:
        return _ask_for_key(request, services, target, _counted(request, services, error))
    return _welcome(request, services, signed.who, signed.scopes, target)


@router.post("/ui/sign-in", dependencies=[FromHere])
def sign_in(
    request: Request,
    services: ServicesOf,
    key: Text = "",
    next_page: Annotated[str, Form(alias="next", max_length=4096)] = FIRST_PAGE,
) -> Response:
    """Exchange a key for a session."""
    target = _safe(next_page)
    try:
        known = verify(services.store, key.strip())
    except UnauthorisedError as error:
        return _ask_for_key(request, services, target, _counted(request, services, error))
    held = roles(known.scopes)
    if not held:
        refusal = ForbiddenError("this key opens no page: it lacks the scopes design and operate")
        return _ask_for_key(request, services, target, refusal)
    return _welcome(request, services, f"key:{known.id}", held, target)


@router.post("/ui/sign-out", dependencies=[FromHere])
def sign_out(request: Request, services: ServicesOf) -> Response:
    """End the session in this browser."""
    response = redirect(request, SIGN_IN)
    response.delete_cookie(cookie_name(services.session_key), path=_root(request) or "/")
    return response


def _counted(request: Request, services: Services, error: ApiError) -> ApiError:
    """The refusal of a wrong secret, or of the address that has sent too many."""
    try:
        services.attempts.take(address_of(request), "this address, with wrong keys,")
    except TooManyRequestsError as too_many:
        return too_many
    return error


def _ask_for_key(
    request: Request, services: Services, target: str, error: ApiError | None = None
) -> Response:
    values: dict[str, object] = {
        "platform": services.settings.platform,
        "next": target,
        "error": sentence(error) if error is not None else "",
    }
    status = problem_for(error).status if error is not None else 200
    return render(request, "sign_in.html", values, status=status)


def _welcome(
    request: Request, services: Services, who: str, scopes: tuple[str, ...], target: str
) -> Response:
    session = Session(who, scopes, int(time.time()) + LIFETIME_SECONDS)
    if not session.may_design and target.startswith(FIRST_PAGE):
        target = "/ui/swarm"
    response = RedirectResponse(_root(request) + target, SEE_OTHER)
    response.set_cookie(
        cookie_name(services.session_key),
        seal(session, services.session_key),
        max_age=LIFETIME_SECONDS,
        path=_root(request) or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


def _path(request: Request, services: Services, chosen: Chosen, limits: Limits) -> Response:
    view = path_page(services, chosen, limits)
    status = 404 if chosen.not_found else 200
    return _page(request, services, "path.html", {"page": "path", "view": view}, status)


def _page(
    request: Request,
    services: Services,
    template: str,
    values: dict[str, object],
    status: int = 200,
) -> Response:
    frame: dict[str, object] = {"platform": services.settings.platform, "signed_in": True}
    return render(request, template, frame | values, status=status)


def _serving_tile(served: Served) -> Tile:
    if served.model is None:
        return Tile("Model in use", "None yet", "Paths follow the catalogue's own order")
    value = f"Round {served.round}" if served.round else "Own model"
    return Tile("Model in use", value, f"In use since {minute(served.trained_at)}")


def _nobody() -> str:
    return (
        "Neither a learner with stored events nor an example goes by that name. Type the "
        "platform's own learner id exactly, or the beginning of a pseudonym."
    )


def _root(request: Request) -> str:
    """The path under which a proxy mounts us; empty at the top."""
    return str(request.scope.get("root_path", ""))


def redirect(request: Request, path: str, **query: str) -> RedirectResponse:
    """On to a page of ours."""
    suffix = f"?{urlencode(query)}" if query else ""
    return RedirectResponse(_root(request) + path + suffix, SEE_OTHER)


def _safe(target: str) -> str:
    """A page of ours to go on to; anything else becomes the first page."""
    parts = urlsplit(target)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith("/ui/")
    return target if ours and "\\" not in target and target.isprintable() else FIRST_PAGE
