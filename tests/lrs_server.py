"""A small learning record store of the tests' own, that obeys the specification until told not to.

It pages by a `more` that names the place behind the last statement, orders by `stored`, and says
through when it is consistent. What a test puts into `trouble` is answered first, one a request.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = datetime(2026, 9, 1, 8, tzinfo=UTC)
PASSWORD = "a password of the tests"
BASIC = "Basic " + base64.b64encode(f"reader:{PASSWORD}".encode()).decode()


def statement(number: int, **parts: Any) -> dict[str, Any]:
    """A viewed page, stored `number` minutes after the first of September."""
    moment = (FIRST + timedelta(minutes=number)).isoformat()
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "actor": {"account": {"homePage": "https://lms.example.org", "name": f"u{number % 7}"}},
        "verb": {"id": "http://id.tincanapi.com/verb/viewed"},
        "object": {"id": f"https://lms.example.org/page/{number % 5}"},
        "timestamp": moment,
        "stored": moment,
        **parts,
    }


class FakeStore(ThreadingHTTPServer):
    """The store.

    Attributes:
        statements: What it holds, in the order of `stored`.
        page: Most statements of an answer.
        trouble: Answers to give first: `(status, headers, body)`, or None to cut the line.
        asked: Path, query and headers of every request.
        consistent: Whether it says through when it is consistent.
        stalls_after: Requests after which it answers none more, until this is None.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statements: list[dict[str, Any]] = []
        self.page = 100
        self.trouble: list[tuple[int, dict[str, str], bytes] | None] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.authorization = ""
        self.version = "1.0.3"
        self.consistent = True
        self.stalls_after: int | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_port}/xAPI"

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        """Statements of a query and where to go on."""
        since = query.get("since", "")
        after = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        place = int(query.get("place", "0"))
        found = [
            (number, one)
            for number, one in enumerate(self.statements, 1)
            if number > place and datetime.fromisoformat(one["stored"]) > after
        ]
        size = min(self.page, int(query.get("limit", "1000")))
        page = found[:size]
        more = ""
        if len(found) > size:
            more = "/xAPI/statements?" + urlencode({**query, "place": page[-1][0]})
        return {"statements": [one for _, one in page], "more": more}


class _Handler(BaseHTTPRequestHandler):
    server: FakeStore

    def do_GET(self) -> None:
        store = self.server
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        store.asked.append((parts.path, query, dict(self.headers.items())))
        while store.stalls_after is not None and len(store.asked) > store.stalls_after:
            time.sleep(0.01)
        if store.trouble:
            trouble = store.trouble.pop(0)
            if trouble is None:
                self.close_connection = True
                self.connection.close()
                return
            self._send(*trouble)
            return
        if store.authorization and self.headers.get("Authorization") != store.authorization:
            self._send(401, {"WWW-Authenticate": "Basic"}, b"{}")
            return
        if self.headers["X-Experience-API-Version"][0] != store.version[0]:
            self._send(400, {"X-Experience-API-Version": store.version}, b"{}")
            return
        headers = {"X-Experience-API-Version": store.version}
        if store.consistent and store.statements:
            headers["X-Experience-API-Consistent-Through"] = store.statements[-1]["stored"]
        self._send(200, headers, json.dumps(store.answer(query)).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_store() -> Iterator[FakeStore]:
    """A store that runs in a thread."""
    with FakeStore() as store:
        thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()
