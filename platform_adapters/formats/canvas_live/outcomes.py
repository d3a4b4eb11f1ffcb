"""What a learner reached of an outcome, who is named by `uuid` alone.

The number comes from the events of users in the log, or from the table `users` of Canvas Data 2.

Example: Ana reached 3 of 5 of the outcome *Argues*, in the quiz `quiz:21070000000000004`.
"""

from __future__ import annotations

from platform_adapters.formats.canvas_ids import ASSESSED, global_id
from platform_adapters.formats.canvas_live.words import Event, Outcome, Rule, points
from platform_adapters.values import boolean, text_number


def _result(event: Event) -> Outcome:
    """What a learner reached of an outcome; the learner's number stands in other events."""
    if event.body.get("workflow_state") == "deleted":
        return {"ignore": "an outcome's result that was taken away"}
    user = event.told.users.get(str(event.body.get("user_uuid")))
    if not user:
        return {"ignore": "an outcome's result of a user_uuid that no event of a user names"}
    kind = ASSESSED.get(str(event.body.get("associated_asset_type")))
    asset = event.id("associated_asset_id")
    raw = text_number(event.body.get("score"), "body.score")
    if raw is None:
        return {"ignore": "an outcome's result without a score"}
    outcome, mastery = event.id("learning_outcome_id"), event.body.get("mastery")
    in_course = event.body.get("result_context_type") == "Course"
    return {
        "learner": global_id(user, event.shard, "user_id"),
        "item": f"{kind}:{asset}" if kind and asset else "",
        "course": event.id("result_context_id") if in_course else "",
        "skill": f"outcome:{outcome}" if outcome else "",
        "success": boolean(mastery, "body.mastery"),
        **points(raw, text_number(event.body.get("possible"), "body.possible")),
    }


_RULE = Rule("scored", (), (), _result)
RULES = {"learning_outcome_result_created": _RULE, "learning_outcome_result_updated": _RULE}
