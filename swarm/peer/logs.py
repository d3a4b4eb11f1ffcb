"""Log lines of the peer: one line each, ours only, bounded, as text or as JSON.

What a log line says comes from the ledger, the network or an error; no learner data reaches this
process (R21).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"
_WINDOW_SECONDS: Final = 60.0
_LINES_PER_WINDOW: Final = 20
"""Of one place in the code: no member can fill a disk by what it makes us log."""


class _OursOnly(logging.Filter):
    """Drops what libraries write to the root logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.startswith("swarm")


class Bounded(logging.Filter):
    """Lets so many lines of one place through a minute, then counts; errors always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[tuple[str, int, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno >= logging.ERROR:
            return True
        place = (record.pathname, record.lineno, record.levelno)
        began, count = self._windows.get(place, (record.created, 0))
        hidden = max(0, count - _LINES_PER_WINDOW)
        if record.created - began >= _WINDOW_SECONDS:
            began, count = record.created, 0
            if hidden:
                record.msg = f"{record.getMessage()} ({hidden} more such lines were left out)"
                record.args = ()
        self._windows[place] = (began, count + 1)
        return count < _LINES_PER_WINDOW


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `source`, `text`, and the trace of a crash."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "at": f"{at}.{int(record.created % 1 * 1000):03}Z",
            "level": record.levelname.lower(),
            "source": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(level: int = logging.INFO, *, as_json: bool = False) -> None:
    """Send this package's log to standard error.

    A handler on the root logger also keeps libraries from installing their own.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(_FORMAT))
    handler.addFilter(_OursOnly())
    handler.addFilter(Bounded())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
