"""Canvas Data 2's `quiz_submissions`: quizzes of Canvas's first quiz tool."""

from __future__ import annotations

from platform_adapters.declared_rows import Means, Rows
from platform_adapters.fields import about, either, points
from platform_adapters.formats.canvas_data import enrolments, words

ROWS = Rows(
    name="quiz",
    what="Canvas Data 2's table quiz_submissions",
    example="Ana got 4 of 5 points in quiz 12 on 1 March.",
    marks={"quiz_id", "user_id", "finished_at", "quiz_points_possible"},
    beside=(enrolments.ROLES,),
    learner="user_id",
    item=about("quiz", "quiz_id"),
    time=either("finished_at", "started_at"),
    event="workflow_state",
    verbs={"complete": "scored", "pending_review": Means("submitted", {"raw": ""})},
    otherwise="a quiz that was not handed in, or a preview",
    fields={
        **points(either("kept_score", "score"), "quiz_points_possible"),
        "attempt": "attempt",
    },
    identity=words.state,
)
