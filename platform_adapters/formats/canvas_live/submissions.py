"""What is handed in. `score` is raw points: the maximum comes from the assignment's own event.

Example: Ana submitted the assignment *Essay 2* and got 5 of 10 points.
"""

from __future__ import annotations

from platform_adapters.formats.canvas_live.words import Event, Outcome, Rule, points
from platform_adapters.values import text_number

ASSIGNMENT = ("assignment", "assignment_id")


def _submission(event: Event) -> Outcome:
    """A submission; once graded, its points, if the assignment's maximum was in the log."""
    attempt = text_number(event.body.get("attempt"), "body.attempt")
    found: Outcome = {"attempt": int(attempt) if attempt else None}
    state = event.body.get("workflow_state")
    if state == "unsubmitted":
        return {"ignore": "a submission without content"}
    raw = text_number(event.body.get("score"), "body.score")
    if event.name == "submission_updated" and state == "graded" and raw is not None:
        high = event.told.points.get(event.id("assignment_id"))
        return {**found, "verb": "scored", **points(raw, high)}
    return found


_TOPIC = ("discussion_topic", "discussion_topic_id")
RULES = {
    "submission_created": Rule("submitted", ("user_id",), ASSIGNMENT, _submission),
    "submission_updated": Rule("submitted", ("user_id",), ASSIGNMENT, _submission),
    "quiz_submitted": Rule("submitted", ("user_id",), ("quiz", "quiz_id")),
    "discussion_entry_created": Rule("interacted", ("user_id",), _TOPIC),
}
