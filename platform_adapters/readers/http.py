"""Answers of a web server: bounded in size and time, patient, and never led elsewhere.

- Credentials go to the address that was given and nowhere else: redirects are not followed,
  and nothing but https carries them past this machine unless the operator allows it.
- No message, `repr` or report holds a credential, nor the query of an address.
- A busy server is asked again, when it says (`Retry-After`) or after a growing pause.
"""

from __future__ import annotations

import base64
import email.utils
import http.client
import ssl
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from platform_adapters.errors import OptionsError, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message

TIMEOUT_SECONDS = 30.0
"""Longest silence of a server, in seconds."""

BODY_SECONDS = 300.0
"""Longest time for one answer: a server that drips is given up, too."""

MAX_BODY_BYTES = 64 << 20
"""Largest answer, unpacked."""

MAX_TRIES = 6
"""How often one request is made before it is given up."""

MAX_PAUSE_SECONDS = 600.0
"""Longest pause that a server may ask for."""

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK = 1 << 16
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class RefusedError(ReadError):
    """The server answered, and its answer is no.

    Attributes:
        status: The HTTP status.
        headers: Of the answer, names in small letters.
    """

    def __init__(self, message: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Access:
    """How a server lets us in: nothing, a name and a password (Basic), or a token (Bearer)."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def header(self) -> dict[str, str]:
        """The `Authorization` header; empty without a credential."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.username or self.password:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's good answer, unpacked; header names in small letters."""

    body: bytes
    headers: Mapping[str, str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Turns every redirect into an error."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Follow none."""
        del req, fp, code, msg, headers, newurl


class Client:
    """Asks one server."""

    def __init__(
        self,
        url: str,
        access: Access,
        *,
        plain_allowed: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the server's address, without asking it anything.

        Args:
            url: An https address; http on this machine.
            access: The credential.
            plain_allowed: Let http carry credentials to other machines.
            timeout_seconds: Longest silence.
            sleep: Waits between tries.

        Raises:
            OptionsError: It is no such address, or a credential stands in it.
        """
        parts = _checked(url)
        is_near = parts.hostname in _LOOPBACK
        if parts.scheme == "http" and access.header and not (is_near or plain_allowed):
            raise OptionsError(
                f"{shown(url)}: a credential would cross the network unencrypted; use https, or "
                "set allow_http = true in [lrs] if the network is your own"
            )
        self.origin = (parts.scheme, parts.hostname, parts.port)
        self._access = access
        self._timeout = timeout_seconds
        self._sleep = sleep
        handlers: list[urllib.request.BaseHandler] = [
            _NoRedirect(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        ]
        if is_near:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """One good answer, asked for again while the server is busy or out of reach.

        Raises:
            RefusedError: The server says no.
            ReadError: It cannot be reached, or its answer is too long, too slow or cut off.
        """
        if _origin(url) != self.origin:
            raise ReadError(f"{shown(url)} is another server than the one that was named")
        given = {**headers, **self._access.header, "Accept-Encoding": "gzip"}
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return self._once(url, given)
            except RefusedError as error:
                if error.status not in _BUSY or attempt == MAX_TRIES:
                    raise
                pause = pause_of(error.headers.get("retry-after"), attempt)
            except (OSError, http.client.HTTPException) as error:
                if attempt == MAX_TRIES or _is_hopeless(error):
                    raise ReadError(
                        f"{shown(url)} cannot be reached ({_why(error)}; {attempt} tries). What "
                        "was stored is kept; run the command again to go on"
                    ) from error
                pause = pause_of(None, attempt)
            self._sleep(pause)
        raise AssertionError("the loop ends by return or raise")

    def _once(self, url: str, headers: Mapping[str, str]) -> Answer:
        # The scheme was checked: http or https.
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - as said
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return Answer(_body(answer, url), _lowered(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                found = _lowered(error.headers)
                raise RefusedError(_refusal(url, error.code), error.code, found) from None


def _lowered(headers: Message) -> dict[str, str]:
    """Headers by their names in small letters: proxies write them as they like."""
    return {name.lower(): value for name, value in headers.items()}


def shown(url: str) -> str:
    """An address for people: without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def pause_of(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait: what the server asks for (seconds or a date), else 1, 2, 4 and so on.

    Raises:
        ReadError: It asks for more than ten minutes.
    """
    seconds = float(2 ** (attempt - 1))
    if retry_after:
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            seconds = float(text)
        else:
            try:
                moment = email.utils.parsedate_to_datetime(text).timestamp()
            except ValueError:
                return seconds
            seconds = max(0.0, moment - time.time())
    if seconds > MAX_PAUSE_SECONDS:
        raise ReadError(
            f"the server asks for a pause of {seconds:,.0f} s; what was stored is kept, run the "
            "command again then"
        )
    return seconds


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed on access
    except ValueError:
        raise OptionsError("the address of the server does not parse") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OptionsError(f"{shown(url)} is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise OptionsError(
            f"{shown(url)}: the address holds a user or password, which would be stored and "
            "shown; give them by the settings or the environment"
        )
    return parts


def _body(stream: http.client.HTTPResponse, url: str) -> bytes:
    """The whole body, unpacked, within the bounds."""
    encoding = stream.headers.get("Content-Encoding", "")
    expected = stream.headers.get("Content-Length", "")
    if encoding not in {"", "identity", "gzip"}:
        raise ReadError(f"{shown(url)} answers in the encoding {encoding!r}, not gzip")
    unpack = zlib.decompressobj(31) if encoding == "gzip" else None
    ends = time.monotonic() + BODY_SECONDS
    parts: list[bytes] = []
    left, read = MAX_BODY_BYTES, 0
    while chunk := stream.read(_CHUNK):
        read += len(chunk)
        part = chunk if unpack is None else unpack.decompress(chunk, left + 1)
        left -= len(part)
        if left < 0 or (unpack is not None and unpack.unconsumed_tail):
            raise ReadError(
                f"{shown(url)}: the answer is longer than {MAX_BODY_BYTES >> 20} MiB; "
                "ask for fewer statements a page"
            )
        if time.monotonic() > ends:
            raise ReadError(f"{shown(url)}: no whole answer within {BODY_SECONDS:g} s")
        parts.append(part)
    if (unpack is not None and not unpack.eof) or (expected.isdigit() and read < int(expected)):
        raise http.client.IncompleteRead(b"".join(parts))
    return b"".join(parts)


def _refusal(url: str, status: int) -> str:
    """What a status means to an operator."""
    where = shown(url)
    if 300 <= status < 400:
        return (
            f"{where} sends us elsewhere (status {status}); redirects are not followed, since "
            "the credential is for this address alone. Give the final address"
        )
    if status in {401, 403}:
        return (
            f"{where} refuses the credential (status {status}); check username and password or "
            "token, and that they may read statements"
        )
    if status == 404:
        return f"{where} does not exist there (status 404); is the address the store's endpoint?"
    return f"{where} answers with status {status}"


def _is_hopeless(error: Exception) -> bool:
    """Whether trying again cannot help: a certificate that does not hold."""
    reason = getattr(error, "reason", error)
    return isinstance(reason, ssl.SSLCertVerificationError)


def _why(error: Exception) -> str:
    """A reason for people; never the address."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__
