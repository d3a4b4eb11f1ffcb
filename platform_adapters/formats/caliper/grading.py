"""Grades: the learner is the attempt's assignee, the actor a grader or software.

Example: Ana was given 15 of 20 points for her second attempt at *Quiz 3*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.values import get, number, ratio

if TYPE_CHECKING:
    from platform_adapters.formats.caliper.words import Event, Outcome


def _score(event: Event) -> Outcome:
    generated = event.get("generated")
    generated = get(generated, "score") or generated
    raw = number(get(generated, "scoreGiven"), "generated.scoreGiven")
    high = number(get(generated, "maxScore"), "generated.maxScore")
    low = 0.0 if raw is not None else None
    return {"raw": raw, "min": low, "max": high, "score": ratio(raw, low, high)}


ACTIONS = {"GradeEvent": {"Graded": "scored"}, "OutcomeEvent": {"Graded": "scored"}}
OUTCOMES = {"GradeEvent": _score, "OutcomeEvent": _score}
