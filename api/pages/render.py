"""Templates of the pages: one Jinja2 environment, everything escaped, nothing undefined."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.requests import Request

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _version() -> str:
    """Changes with the style sheet, so that browsers fetch a new one."""
    return hashlib.sha256((STATIC / "murmuration.css").read_bytes()).hexdigest()[:12]


def render(
    request: Request, template: str, values: dict[str, object], *, status: int = 200
) -> HTMLResponse:
    """Fill a template.

    Args:
        request: Gives the path under which a proxy mounts us.
        template: File name.
        values: What it needs beside `root`, `version` and the defaults below.
        status: HTTP status.
    """
    frame: dict[str, object] = {
        "root": request.scope.get("root_path", ""),
        "version": _version(),
        "page": "",
        "signed_in": False,
        "platform": "",
    }
    return HTMLResponse(_environment().get_template(template).render(frame | values), status)
