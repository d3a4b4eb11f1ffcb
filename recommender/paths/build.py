"""From scores to a learning path: rank, constrain, explain.

One step after the other: score what is left, take the best item that fits together with what it
needs first, count it as done, score again. The same arguments give the same path.

Rules of a path:

- no repeats, and nothing that is done (`request.read_history` says what is);
- every prerequisite is done or an earlier step; an item whose prerequisites cannot be met within
  the bounds is left out, with the reason;
- the minutes of all steps together stay within the limit;
- hidden, closed or excluded items, and those that wait for a designer (R35), are never served;
- equal scores keep the catalogue's own order, which is all there is without a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender.paths.prerequisites import Link, Planner, Refusal, provides
from recommender.paths.reasons import find_reasons
from recommender.paths.request import (
    Done,
    Excluded,
    HistoryEntry,
    LearningPath,
    PathRequest,
    Prerequisite,
    Step,
    read_history,
)
from recommender.paths.scope import Scope, find_scope
from recommender.paths.standing import Standing, stand
from recommender.paths.texts import EXCLUSIONS, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.paths.catalogue import PathCatalogue
    from recommender.paths.scorer import Scorer

MAX_NAMED = 10
"""Unknown history items named in a warning."""


def build_path(
    scorer: Scorer | None,
    catalogue: PathCatalogue,
    history: Sequence[HistoryEntry],
    request: PathRequest,
) -> LearningPath:
    """Build a learner's path.

    Args:
        scorer: The model; None gives the catalogue's own order.
        catalogue: What can be recommended.
        history: What the learner did, in any order if all times are known.
        request: The bounds.
    """
    done = read_history(history, request.recommend)
    scope = find_scope(catalogue, request, done)
    walk = _Walk(scorer, catalogue, request, done, scope)
    personal = bool(walk.standing.history)
    while len(walk.steps) < request.limit and walk.take_next():
        pass
    warnings = (*_unknown(scorer, catalogue, done), *scope.warnings)
    if not walk.steps and not scope.complete:
        warnings = (*warnings, _why_empty(scope, walk))
    return LearningPath(
        steps=tuple(walk.steps),
        excluded=walk.excluded() if request.list_excluded else (),
        complete=scope.complete,
        fallback=not personal,
        warnings=warnings,
    )


class _Walk:
    """A path being built."""

    def __init__(
        self,
        scorer: Scorer | None,
        catalogue: PathCatalogue,
        request: PathRequest,
        done: Done,
        scope: Scope,
    ) -> None:
        self.scorer = scorer
        self.catalogue = catalogue
        self.request = request
        self.done = done
        self.scope = scope
        self.steps: list[Step] = []
        self.refused: dict[int, Refusal] = {}
        self._open = scope.candidates.copy()
        self._visited = list(done.visited)
        self._minutes = scope.minutes
        rows = [catalogue.index[item] for item in done.finished if item in catalogue.index]
        self._met_before = done.finished.union(*(provides(catalogue, row) for row in rows))
        self._met = self._met_before
        self._pinned = catalogue.rows(request.pinned)
        self.standing = self._stand()

    def take_next(self) -> bool:
        """Place the best item that fits, what it needs before it; False if none fits."""
        planner = Planner(
            self.catalogue,
            is_open=lambda row: bool(self._open[row]),
            met=self._met,
            score=lambda row: float(self.standing.total[row]),
            room=self.request.limit - len(self.steps),
        )
        for row in self._ranked():
            chain = planner.chain(row)
            if not isinstance(chain, Refusal) and self._time(chain) > self._minutes:
                chain = Refusal("minutes")
            if isinstance(chain, Refusal):
                self.refused[row] = chain
                continue
            for link in chain:
                self._place(link)
            if self.request.follow:
                self.standing = self._stand()
            return True
        return False

    def excluded(self) -> tuple[Excluded, ...]:
        """Say for each row that is not in the path, and not merely ranked lower, why."""
        placed = {step.item for step in self.steps}
        found = []
        for row, item in enumerate(self.catalogue.items):
            reason = self._exclusion(row)
            if item.item not in placed and reason is not None:
                params = {"item": item.item, "title": self.catalogue.title(row)}
                params["needs"] = reason.needs
                text = say(EXCLUSIONS, reason.code, params)
                found.append(Excluded(item.item, reason.code, params, text))
        return tuple(found)

    def _exclusion(self, row: int) -> Refusal | None:
        for code, mask in self.scope.barred:
            if mask[row]:
                return Refusal(code)
        if row in self.refused:
            return self.refused[row]
        return Refusal("minutes") if self.catalogue.minutes[row] > self._minutes else None

    def _ranked(self) -> list[int]:
        """Rows the path is for that could fit, best first."""
        fits = ~(self.catalogue.minutes > self._minutes)
        rows: NDArray[np.int64] = np.flatnonzero(self._open & self.scope.targets & fits)
        keys = (
            self.catalogue.course_order[rows],
            -self.standing.total[rows],
            ~self._pinned[rows],
        )
        ranked: list[int] = rows[np.lexsort(keys)].tolist()
        return ranked

    def _time(self, chain: tuple[Link, ...]) -> float:
        return float(sum(self.catalogue.minutes[link.row] for link in chain))

    def _place(self, link: Link) -> None:
        row, item = link.row, self.catalogue.items[link.row]
        minutes = float(self.catalogue.minutes[row])
        needs = tuple(
            Prerequisite(need, need in self.catalogue.index, need in self._met_before)
            for need in item.prerequisites
        )
        self.steps.append(
            Step(
                rank=len(self.steps) + 1,
                item=item.item,
                score=float(self.standing.total[row]),
                minutes=None if np.isnan(minutes) else minutes,
                prerequisites=needs,
                pinned=item.item in self.request.pinned,
                reasons=find_reasons(link, self.standing, self.catalogue, self.request),
                parts=self.standing.parts_of(row),
            )
        )
        self._open[row] = False
        self._met |= provides(self.catalogue, row)
        if item.item not in self._visited:
            self._visited.append(item.item)
        self._minutes -= 0.0 if np.isnan(minutes) else minutes

    def _stand(self) -> Standing:
        return stand(self.scorer, self.catalogue, self._visited)


def _unknown(scorer: Scorer | None, catalogue: PathCatalogue, done: Done) -> tuple[str, ...]:
    """Warn of history items that neither catalogue nor model know."""
    known = catalogue.align(scorer.item_ids if scorer else ()).place
    unknown = [i for i in done.visited if i not in catalogue.index and i not in known]
    if not unknown:
        return ()
    more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
    return (f"Unknown items in the history: {', '.join(unknown[:MAX_NAMED])}{more}.",)


def _why_empty(scope: Scope, walk: _Walk) -> str:
    if not scope.targets.any():
        return "No item is within the bounds asked for."
    if any(refusal.code != "minutes" for refusal in walk.refused.values()):
        return "Nothing can be recommended before its prerequisites are met."
    return "Nothing fits the time given."
