"""The outermost ASGI layer: request ids, the body limit, security headers, one log line.

- A body is read whole, up to the limit, before anything parses it; a longer one, declared or
  sent, is answered with 413 and never kept.
- The log line holds method, route path, status, milliseconds and request id: no query string,
  no body, no learner (pages carry pseudonyms in their query).
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from api.errors import TooLargeError
from api.problems import respond

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
}


class _ClientGone(Exception):  # noqa: N818  # a signal, not an error: nobody is left to answer
    """The caller hung up while sending its body."""


@dataclass(frozen=True)
class Gate:
    """Wraps the application; see the module's rules.

    Attributes:
        app: What answers.
        max_body_bytes: The longest body accepted.
    """

    app: ASGIApp
    max_body_bytes: int = MAX_BODY_BYTES
    bodiless: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD", "OPTIONS"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _add_headers(message, request_id)
            await send(message)

        try:
            body = await self._read_body(scope, receive)
            await self.app(scope, _replay(body, receive), send_with_headers)
        except TooLargeError as error:
            response = respond(Request(scope), error)
            response.headers["Connection"] = "close"  # the rest of the body is not read
            await response(scope, receive, send_with_headers)
        except _ClientGone:
            return
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            line = "%s %s %d %.1f ms %s"
            logger.info(line, scope["method"], scope["path"], status, milliseconds, request_id)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the whole body.

        Raises:
            TooLargeError: It is longer than the limit.
        """
        refusal = TooLargeError(
            f"the body is longer than {self.max_body_bytes:,} bytes; send less at once"
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.max_body_bytes:
            raise refusal
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self.max_body_bytes:
                raise refusal
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, then whatever the server says next."""
    pending = [body]

    async def replayed() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed


def _request_id(scope: MutableMapping[str, object]) -> str:
    """The caller's id if it is a plain token, else a fresh one."""
    headers = scope["headers"]
    wanted = REQUEST_ID_HEADER.lower().encode()
    for name, value in headers:  # type: ignore[attr-defined]  # ASGI: list of byte pairs
        if name == wanted and _REQUEST_ID.fullmatch(text := value.decode("latin-1")):
            return str(text)
    return uuid.uuid4().hex


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers[REQUEST_ID_HEADER] = request_id
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
