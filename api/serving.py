"""The serving model in use: `HOME/SERVING` is looked at for every request.

- A new digest is loaded and verified beside the old model, then swapped in; requests that come
  meanwhile are answered by the old one.
- A damaged new model changes nothing: the old one stays, and `/readyz` and the pages say why.
- Without `SERVING` there is no model: paths fall back to the catalogue's own order.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from recommender.errors import ModelError
from recommender.statistics.serving_model import ServingModel

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home

logger = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Served:
    """What answers requests now.

    Attributes:
        model: The arrays; None while this platform has no model.
        shared: The same without anything of the platform's own exact statistics (R18).
        digest: Of the serving model, hex; None without one.
        round: The swarm's round that it holds; None without a swarm.
        trained_at: When `fit` or `train` wrote it, UTC.
        problem: Why the model that `SERVING` names is not the one in use; empty if it is.
        named: Whether `SERVING` names a model, usable or not.
    """

    model: ServingModel | None = None
    shared: ServingModel | None = None
    digest: str | None = None
    round: int | None = None
    trained_at: datetime | None = None
    problem: str = ""
    named: bool = False


class Serving:
    """Holds the model of one home and follows `SERVING`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = Lock()
        self._stamp: _Stamp | None = None
        self._served = Served(problem=_no_model(home.serving_path))

    def current(self) -> Served:
        """The model to answer with; never raises, never waits for another request's loading."""
        stamp = _stamp(self._home.serving_path)
        if stamp == self._stamp:
            return self._served
        # The first model is waited for; later ones are loaded by whoever sees them first.
        if not self._lock.acquire(blocking=self._served.model is None):
            return self._served
        try:
            if stamp != self._stamp:
                self._served = self._follow(stamp)
                self._stamp = stamp
        finally:
            self._lock.release()
        return self._served

    def _follow(self, stamp: _Stamp | None) -> Served:
        path = self._home.serving_path
        if stamp is None:
            return Served(problem=_no_model(path))
        try:
            new = self._load(path)
        except (OSError, ModelError, ValueError, KeyError, TypeError) as error:
            kept = "the model before it stays in use" if self._served.model else "there is none"
            problem = f"{path} names a model that cannot be used ({error}); {kept}. Run `fit` again"
            logger.error("%s", problem)  # noqa: TRY400  # the sentence says it all
            return replace(self._served, problem=problem, named=True)
        logger.info("serving model %s of round %s", new.digest, new.round)
        return new

    def _load(self, path: Path) -> Served:
        """Load what a pointer names.

        Raises:
            OSError: The pointer or the model cannot be read.
            ModelError: The model is damaged or is not the one named.
            ValueError: The pointer is not JSON, or its time is none.
            KeyError: The pointer lacks a field.
            TypeError: A field is of another type.
        """
        pointer = json.loads(path.read_bytes())
        digest = str(pointer["digest"])
        model, shared = self._served.model, self._served.shared
        if model is None or digest != self._served.digest:
            model = ServingModel.load(self._home.serving_model_dir(digest), digest)
            shared = model.shared_only()
        moved_at = datetime.fromisoformat(str(pointer["moved_at"]))
        return Served(
            model=model,
            shared=shared,
            digest=digest,
            round=int(pointer["round"]) or None,  # 0 is before the first merge
            trained_at=moved_at.astimezone(UTC),
            named=True,
        )


def serving_problem(home: Home) -> str:
    """Why the model of a home cannot be served; empty if it can."""
    return Serving(home).current().problem


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file is replaced; None if there is none that can be read."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _no_model(path: Path) -> str:
    return f"{path} does not exist: run `murmuration train`, or wait for the swarm's first merge"
