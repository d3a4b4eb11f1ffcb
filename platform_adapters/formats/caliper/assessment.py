"""Tests, their items, work that is assigned, questionnaires.

Example: Ana handed in her second attempt at *Quiz 3*.
"""

from __future__ import annotations

_ITEM = {"Started": "started", "Skipped": "other", "Completed": "answered"}
ACTIONS = {
    "AssessmentEvent": {
        "Started": "started",
        "Paused": "progressed",
        "Resumed": "progressed",
        "Restarted": "started",
        "Submitted": "submitted",
        "Completed": "submitted",
    },
    "AssessmentItemEvent": {**_ITEM, "Submitted": "answered"},
    "AssignableEvent": {
        "Started": "started",
        "Completed": "completed",
        "Submitted": "submitted",
        "Reviewed": "viewed",
    },
    "QuestionnaireEvent": {"Started": "started", "Submitted": "submitted"},
    "QuestionnaireItemEvent": _ITEM,
}
UNTYPED = {kind: ACTIONS[f"{kind}Event"] for kind in ("Assessment", "AssessmentItem")}
"""What an event without a type means: type of its object, then action."""
