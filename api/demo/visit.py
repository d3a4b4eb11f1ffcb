"""What a learner and a designer would see: one path over HTTP, and its page."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from html import escape
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from api.demo.children import DemoError, wait_until
from api.store.opening import open_store

if TYPE_CHECKING:
    from api.demo.script import Access, Stage

_TIMEOUT_SECONDS = 10.0


def visit(stage: Stage, name: str, access: Access) -> str:
    """Ask a platform for one learner's path and for the page that shows it.

    Returns:
        The path as text.

    Raises:
        DemoError: An answer is not what it should be.
    """
    wait_until(lambda: _is_ready(access.url), stage.children, f"{name}'s API", 30)
    with open_store(stage.homes[name]) as store:
        learner = store.learners(limit=1)[0].pseudonym
    path = _post(f"{access.url}/v1/paths", access.key, {"learner": learner, "limit": 5})
    if not path["steps"] or path["fallback"]:
        raise DemoError(f"{name} answered no path from its model: {path}")
    page = _page(access, learner)
    missing = [step["title"] for step in path["steps"][:1] if escape(step["title"]) not in page]
    if "<ol" not in page or missing:
        raise DemoError(f"{name}'s page at {access.url}/ui/path does not show a path")
    steps = [
        f"          {step['rank']}. {step['title']}: {step['reasons'][0]['text']}"
        for step in path["steps"]
    ]
    return "\n".join([f"The path of one of {name}'s learners:", *steps])


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (our own loopback address)
            return int(answer.status) == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def _post(url: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 (our own loopback address)
        url,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        result: dict[str, Any] = json.load(answer)
    return result


def _page(access: Access, learner: str) -> str:
    """Sign in by the one-time link and read the page of a learner's path."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(access.sign_in, timeout=_TIMEOUT_SECONDS).close()
    address = f"{access.url}/ui/path?{urlencode({'learner': learner})}"
    with opener.open(address, timeout=_TIMEOUT_SECONDS) as answer:
        text: str = answer.read().decode()
    return text
