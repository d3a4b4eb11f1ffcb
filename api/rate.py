"""A small in-process rate limit: one token bucket a key.

Each worker process keeps its own buckets, so with several workers a key gets a multiple of the
rate. It protects this process from a client in a loop; fairness between customers is the proxy's.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from api.errors import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BUCKETS = 10_000


@dataclass(slots=True)
class RateLimit:
    """Token buckets by name.

    Attributes:
        per_second: Requests a second that a key may make for long.
        burst: Requests that it may make at once.
        clock: Monotonic seconds.
    """

    per_second: float = 50.0
    burst: int = 200
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, name: str, what: str = "this key") -> None:
        """Use one token of a bucket.

        Args:
            name: Whose bucket.
            what: Subject of the refusal's sentence.

        Raises:
            TooManyRequestsError: None is left.
        """
        now = self.clock()
        with self._lock:
            tokens, seen = self._buckets.pop(name, (float(self.burst), now))
            tokens = min(self.burst, tokens + max(now - seen, 0.0) * self.per_second)
            enough = tokens >= 1
            self._buckets[name] = (tokens - 1 if enough else tokens, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        if not enough:
            wait = max(1, math.ceil((1 - tokens) / self.per_second))
            raise TooManyRequestsError(
                f"{what} has used up its rate of {self.per_second:g} requests a second; "
                f"try again in {wait} s",
                retry_after_seconds=wait,
            )
