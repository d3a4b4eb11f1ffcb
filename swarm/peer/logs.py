"""Log lines of the peer: one line each, ours only."""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class _OursOnly(logging.Filter):
    """Drops what libraries write to the root logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.startswith("swarm")


def set_up_logs(level: int = logging.INFO) -> None:
    """Send this package's log to standard error.

    A handler on the root logger also keeps libraries from installing their own.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(_OursOnly())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
