"""Problems: answers, one for each input of a problem too, and help asked for.

A browser's check or answer shown is the same click as the server's.

Example: Ana answered the problem *Osmosis* with 2 of 3 points.
"""

from __future__ import annotations

from platform_adapters.formats.openedx.words import Data, Outcome, Rule, points
from platform_adapters.values import get, number

INPUT = "problem_check of one input"
"""Our own name for what became of one of a problem's inputs."""

FROM_SERVER = frozenset({"problem_check", "showanswer", "problem_show"})


def _attempt(data: Data) -> Outcome:
    attempts = number(data.get("attempts"), "data.attempts")
    return {"attempt": int(attempts) if attempts else None}


def _problem(data: Data) -> Outcome:
    success = {"correct": True, "incorrect": False}.get(str(data.get("success")))
    return {**points(data, "grade", "max_grade"), "success": success, **_attempt(data)}


def _one_input(data: Data) -> Outcome:
    right = get(data.get("submission"), str(data.get("input")), "correct")
    return {"success": right if isinstance(right, bool) else None, **_attempt(data)}


RULES = {
    "problem_check": Rule("answered", outcome=_problem),
    INPUT: Rule("answered", "input", _one_input),
    "showanswer": Rule("hinted"),
    "problem_show": Rule("hinted"),  # of the same click
    "edx.problem.hint.demandhint_displayed": Rule("hinted"),
    "edx.drag_and_drop_v2.item.dropped": Rule("interacted"),
}
