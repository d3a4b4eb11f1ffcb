"""Canvas Data 2's `learning_outcome_results`: how well somebody masters what was to be learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Not, Rows
from platform_adapters.fields import about, either, points
from platform_adapters.formats.canvas_data import enrolments, words
from platform_adapters.formats.canvas_ids import ASSESSED
from platform_adapters.formats.canvas_submissions import TRUE

if TYPE_CHECKING:
    from platform_adapters.fields import Row


def _assessed(row: Row) -> str | None:
    kind = ASSESSED.get(str(row.get("associated_asset_type")))
    return f"{kind}:{row['associated_asset_id']}" if kind else None


ROWS = Rows(
    name="outcome",
    what="Canvas Data 2's table learning_outcome_results",
    example="Ana masters outcome 3, as assignment 7 shows with 4 of 5 points.",
    marks={"learning_outcome_id", "user_id", "mastery", "possible"},
    beside=(enrolments.ROLES,),
    learner="user_id",
    item=_assessed,
    time=either("submitted_at", "assessed_at", "created_at"),
    verbs="scored",
    rules=(words.GONE, Not("hidden", TRUE, "hidden from the learner")),
    fields={
        **points("score", "possible"),
        "success": "mastery",
        "skill": about("outcome", "learning_outcome_id"),
        "course": "context_id",
        "attempt": "attempt",
    },
    identity=lambda row: f"{row['id']}:{row.get('attempt') or 0}:{row.get('score')}",
)
